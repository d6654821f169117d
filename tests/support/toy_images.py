"""Toy images: bars that lie or stand, at random places, and a column that says which."""

from __future__ import annotations

import torch
from torch import Tensor

from gensynth.layout import ColumnLayout, ImageLayout, Layout
from gensynth.model import Batch

LYING, STANDING = 1, 2
"""Codes of the column."""


def bars_layout(
    *, height: int = 8, width: int = 8, channels: int = 1, n_rows: int = 400, conditions: int = 0
) -> Layout:
    """Return the layout of `bars`."""
    column = ColumnLayout("way", (0.0, 0.5, 0.5))
    return Layout((column,), n_rows, n_conditions=conditions, image=ImageLayout(channels, height, width, 16))


def bars(layout: Layout, seed: int = 0) -> Batch:
    """Return rows: a bright soft bar on dark ground, with some noise, at a random height or width, and its way."""
    rng = torch.Generator().manual_seed(seed)
    image, n = layout.image, layout.n_rows
    assert image is not None
    code = torch.randint(1, 3, (n, 1), generator=rng)
    place = torch.rand(n, generator=rng)
    lying, standing = (
        torch.exp(-0.5 * (torch.arange(side) - (place * side - 0.5).unsqueeze(1)).square())
        for side in (image.height, image.width)
    )
    on = torch.where((code == LYING).unsqueeze(2), lying.unsqueeze(2), standing.unsqueeze(1))
    noise = 2.0 * torch.rand(on.shape, generator=rng)
    level = (on * (image.levels - 3) + noise).round() + 0.5
    pixels = (level / image.levels).unsqueeze(1).expand(-1, image.channels, -1, -1).contiguous()
    return Batch(torch.zeros(n, 0), code, pixels=pixels)


def way_of(pixels: Tensor) -> Tensor:
    """Return (n,) the code of the way that the bars of images (n, c, h, w) go: of the sharper of both profiles."""
    ink = pixels.mean(1)
    lying, standing = ink.mean(2).amax(1), ink.mean(1).amax(1)
    return torch.where(lying > standing, LYING, STANDING)
