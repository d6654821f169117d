"""Small layouts and rows that tests of networks share."""

from __future__ import annotations

import itertools

import torch

from gensynth.model import Batch, ColumnLayout, Layout, NumericSlot


def categories(*cardinalities: int, n_rows: int = 1000) -> Layout:
    """Return a layout of categorical columns with that many real codes each, equally frequent."""
    columns = (ColumnLayout(f"c{i}", (0.0,) + (1 / c,) * c) for i, c in enumerate(cardinalities))
    return Layout(tuple(columns), n_rows)


def mixed(n_rows: int = 2000, n_conditions: int = 0) -> Layout:
    """Return a category of three, a binned number of twenty bins with missing cells, and a flag."""
    bins = ColumnLayout(
        "x", (0.0, 0.1) + (0.045,) * 20, True, missing=1, numeric=NumericSlot(0, range(2, 22), "within_bin")
    )
    return Layout(
        (ColumnLayout("c", (0.0, 0.5, 0.3, 0.2)), bins, ColumnLayout("f", (0.0, 0.5, 0.5))), n_rows, n_conditions
    )


def mixed_rows(n: int, seed: int = 0) -> Batch:
    """Return rows of `mixed`: the category moves the number, and the flag says whether the number is high."""
    rng = torch.Generator().manual_seed(seed)
    c = 1 + torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), n, True, generator=rng)
    x = (2 + (c - 1) * 6 + torch.randint(0, 8, (n,), generator=rng)).clamp(max=21)
    f = torch.where(x > 10, 2, 1)
    x = torch.where(torch.rand(n, generator=rng) < 0.1, 1, x)
    position = torch.rand(n, 1, generator=rng)
    return Batch(torch.where((x >= 2).unsqueeze(1), position, 0.0), torch.stack([c, x, f], 1))


def all_rows(layout: Layout) -> torch.Tensor:
    """Return every combination of codes (UNKNOWN included) of a layout of categories."""
    return torch.tensor(list(itertools.product(*(range(c) for c in layout.cardinalities))))
