"""Layers of an ensemble, and fixed noise."""

from __future__ import annotations

import torch

from gensynth.nn.ensemble import EnsembleLinear, balanced_normal, member_mask


def test_a_layer_is_one_linear_map_a_member_cut_by_its_mask():
    mask = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    layer, x = EnsembleLinear(2, 3, 2, mask=mask), torch.randn(2, 5, 3)
    expected = torch.stack([own @ (weight * mask) for own, weight in zip(x, layer.weight, strict=True)])
    torch.testing.assert_close(layer(x), expected)
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_entries_beyond_a_members_width_are_0():
    assert member_mask([2, 3, 1]).tolist() == [[[1, 1, 0]], [[1, 1, 1]], [[1, 0, 0]]]


def test_balanced_noise_has_exact_moments_and_is_always_the_same():
    noise = balanced_normal(64, 5)
    assert noise.shape == (64, 5)
    assert balanced_normal(4, 5).shape == (20, 5)
    torch.testing.assert_close(noise.mean(0), torch.zeros(5).double())
    torch.testing.assert_close(noise.T @ noise / 64, torch.eye(5).double())
    assert torch.equal(noise, balanced_normal(64, 5))
