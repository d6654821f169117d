"""Several latents of a row in one pass give what passes one by one give."""

from __future__ import annotations

import pytest
import torch

from gensynth.model import Batch
from gensynth.nn import draws as module
from gensynth.nn.draws import at_draws


def rows(n):
    return Batch(torch.arange(2.0 * n).view(n, 2), torch.arange(3 * n).view(n, 3))


def cells(inputs, z):
    """(members, n, 3): what depends on the row, on the member and on the latent."""
    return inputs.codes.double() * z.sum(-1, keepdim=True) + inputs.numeric.double().sum(-1, keepdim=True)


@pytest.mark.parametrize("n", [1, 2, 5, 300])
def test_draws_stand_where_passes_one_by_one_put_them(n):
    z = torch.randn(8, 2, n, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(at_draws(cells, z, rows(n)), torch.stack([cells(rows(n), one) for one in z]))
    assert torch.equal(at_draws(lambda own: own[..., 0], z), z[..., 0])


def test_a_pass_has_no_more_rows_than_a_block(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 6)
    seen = []

    def count(inputs, z):
        assert len(inputs) == z.shape[1]
        seen.append(len(inputs))
        return cells(inputs, z)

    z = torch.ones(5, 1, 3, 4, dtype=torch.float64)
    at_draws(count, z, rows(3))
    assert seen == [6, 6, 3]
    seen.clear()
    at_draws(count, torch.ones(2, 1, 9, 4, dtype=torch.float64), rows(9))
    assert seen == [9, 9]


def test_images_are_passed_once_a_draw():
    images, seen = Batch(torch.zeros(3, 0), torch.zeros(3, 0, dtype=torch.int64), pixels=torch.rand(3, 1, 2, 2)), []

    def count(inputs, z):
        seen.append(len(inputs))
        return z + inputs.pixels.sum((1, 2, 3)).unsqueeze(-1)

    z = torch.rand(8, 1, 3, 4)
    found = at_draws(count, z, images)
    assert seen == [3] * 8
    assert torch.equal(found, torch.stack([count(images, one) for one in z]))


def test_no_rows():
    assert at_draws(cells, torch.ones(4, 2, 0, 3, dtype=torch.float64), rows(0)).shape == (4, 2, 0, 3)
