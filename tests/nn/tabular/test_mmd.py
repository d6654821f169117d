from __future__ import annotations

import torch
import torch.nn.functional as F

from gensynth.nn.tabular.mmd import squared_mmd


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def _one_hot(codes):
    return F.one_hot(codes, 2).float().flatten(1)


def _tied(n, seed):
    z = torch.randn(n, 1, generator=_rng(seed))
    return torch.cat([z, z], 1)


def test_it_is_the_squared_distance_of_contingency_tables():
    dependent = _one_hot(torch.tensor([[0, 0], [1, 1]]).repeat(500, 1))
    independent = _one_hot(torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(250, 1))
    # frequencies differ by 1/4 in each of the four cells, each of which stands twice (a, b and b, a), over 2^2 columns
    expected = 2 * 4 * (1 / 4) ** 2 / 4
    torch.testing.assert_close(squared_mmd(dependent, independent, 2), torch.tensor(expected), atol=2e-3, rtol=0)


def test_it_is_0_in_the_mean_for_samples_of_one_distribution_and_not_for_independent_columns():
    pairs = [(_tied(200, 2 * i), _tied(200, 2 * i + 1)) for i in range(20)]
    alike = torch.stack([squared_mmd(a, b, 2) for a, b in pairs])
    apart = torch.stack([squared_mmd(a, torch.randn(200, 2, generator=_rng(99)), 2) for a, _ in pairs])
    assert alike.mean().abs() < 3 * alike.std() / 20**0.5 + 1e-6  # the unbiased estimate: of either sign
    assert alike.min() < 0 < alike.max()
    assert apart.min() > alike.max()


def test_its_gradient_moves_a_sample_towards_the_other():
    real, fake = _tied(300, 0), torch.randn(300, 2, generator=_rng(1)).requires_grad_(True)
    before = squared_mmd(real, fake, 2)
    (gradient,) = torch.autograd.grad(before, fake)
    assert squared_mmd(real, fake - 100.0 * gradient, 2) < before
