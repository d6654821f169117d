"""A local autoregressive density of pixels: order, reach, and draws that are those of the density."""

from __future__ import annotations

import torch

from gensynth.batch import Batch
from gensynth.layout import ImageLayout
from gensynth.nn.image.convolutions import ConvDecoder, flat_map, halvings
from gensynth.nn.image.decoder import CoarsestMaps
from gensynth.nn.image.likelihood import LogisticMixture
from gensynth.nn.image.local_pixels import REACH, LocalPixels

IMAGE = ImageLayout(1, 9, 8, levels=5)


def local_pixels() -> LocalPixels:
    torch.manual_seed(0)
    up = ConvDecoder(halvings(9, 8), 8)
    start = CoarsestMaps(flat_map(up.channels, up.size, 3), None)
    out = LocalPixels(start, up, 8, 16, LogisticMixture(IMAGE, 2)).eval()
    with torch.no_grad():
        out.out.weight.mul_(20.0)
    return out


def rows_of(pixels: torch.Tensor) -> Batch:
    n = len(pixels)
    return Batch(torch.zeros(n, 0), torch.zeros(n, 0, dtype=torch.long), pixels=pixels)


def test_a_pixel_depends_on_neighbours_before_it_alone() -> None:
    model, z = local_pixels(), torch.randn(1, 3)
    pixels = torch.rand(1, 1, 9, 8)
    before = model.log_probability(rows_of(pixels), z).view(9, 8)
    changed = pixels.clone()
    changed[0, 0, 4, 4] = 1.0 - changed[0, 0, 4, 4]
    moved = (model.log_probability(rows_of(changed), z).view(9, 8) - before).abs() > 1e-6
    y, x = moved.nonzero().unbind(1)
    after = (y * 8 + x) >= 4 * 8 + 4
    near = (y - 4 <= REACH) & ((x - 4).abs() <= REACH)
    assert (after & near).all()
    assert len(y) > 5


@torch.no_grad()
def test_draws_are_those_of_the_density() -> None:
    model, z = local_pixels(), torch.randn(1, 3)
    n = 3000
    drawn = model.draw(rows_of(torch.zeros(n, 1, 9, 8)), z.expand(n, -1), torch.Generator().manual_seed(0))
    # at the true density E[log p] over draws equals minus the entropy: compared with draws of another latent's density
    own = model.log_probability(rows_of(drawn), z.expand(n, -1)).sum(1)
    means = [model.log_probability(rows_of(drawn), torch.randn(1, 3).expand(n, -1)).sum(1).mean() for _ in range(5)]
    assert own.mean() > max(means)
    first = torch.bincount((drawn[:, 0, 0, 0] * 5).long(), minlength=5) / n
    levels = ((torch.arange(5) + 0.5) / 5).view(5, 1, 1, 1).expand(5, 1, 9, 8)
    expected = model.log_probability(rows_of(levels), z.expand(5, -1))[:, 0].exp()
    torch.testing.assert_close(first, expected, atol=0.03, rtol=0)
