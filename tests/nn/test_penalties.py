from __future__ import annotations

import pytest
import torch
from torch import nn

from gensynth.nn.penalties import (
    DataPenalty,
    InterpolatePenalty,
    PerturbationPenalty,
    RealAndFakePenalty,
    clip_weights,
    gradient_norms,
)


def _rng():
    return torch.Generator().manual_seed(0)


def _points(n=16, d=5):
    rng = _rng()
    return (torch.randn(n, d, generator=rng, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize("kind", [InterpolatePenalty, PerturbationPenalty])
@pytest.mark.parametrize("norm", [1.0, 0.0, 3.0])
def test_penalty_of_a_linear_critic_is_its_norms_distance_from_one(kind, norm):
    weight = torch.tensor([3.0, 0.0, -4.0, 0.0, 0.0], dtype=torch.float64) / 5 * norm
    real, fake = _points()
    penalty = kind(weight=10.0)(lambda x: x @ weight + 2.0, real, fake, _rng())
    torch.testing.assert_close(penalty, torch.tensor(10.0 * (norm - 1) ** 2, dtype=torch.float64), atol=1e-4, rtol=0)


def test_gradient_norms_are_those_of_each_point():
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    torch.testing.assert_close(gradient_norms(lambda p: 0.5 * p.square().sum(1), x), torch.tensor([1.0, 5.0]))


def test_the_penalty_at_the_data_is_the_squared_gradient_there():
    real, fake = _points()
    penalty = DataPenalty(weight=3.0)(lambda x: 0.5 * x.square().sum(1), real, fake, _rng())
    torch.testing.assert_close(penalty, 3.0 * real.square().sum(1).mean())


def test_the_penalty_at_both_is_the_sum_of_those_at_each():
    real, fake = _points()
    both = RealAndFakePenalty(weight=3.0)(lambda x: 0.5 * x.square().sum(1), real, fake, _rng())
    torch.testing.assert_close(both, 3.0 * (real.square().sum(1).mean() + fake.square().sum(1).mean()))


def test_interpolates_lie_on_the_segments_between_pairs():
    real, fake = _points()
    points = InterpolatePenalty().points(real, fake, _rng())
    share = ((points - real) / (fake - real)).detach()
    torch.testing.assert_close(share, share[:, :1].expand_as(share))
    assert ((share >= 0) & (share <= 1)).all()
    assert share[:, 0].std() > 0.1


def test_perturbed_points_ignore_the_generated_rows_and_stay_near_the_real_ones():
    real, fake = _points()
    penalty = PerturbationPenalty(spread=0.5)
    points = penalty.points(real, fake, _rng())
    assert torch.equal(points, penalty.points(real, fake + 100.0, _rng()))
    assert not torch.equal(points, real)
    assert (points - real).abs().max() <= 0.5 * real.std()


def test_penalty_trains_the_critic_and_touches_nothing_else():
    first = nn.Linear(5, 8, dtype=torch.float64)
    critic = nn.Sequential(first, nn.Tanh(), nn.Linear(8, 1, dtype=torch.float64))
    real, fake = _points()
    fake.requires_grad_(True)
    InterpolatePenalty()(lambda x: critic(x).squeeze(1), real, fake, _rng()).backward()
    assert first.weight.grad is not None
    assert first.weight.grad.abs().sum() > 0
    assert fake.grad is None


def test_penalty_of_a_critic_that_ignores_its_input_has_a_finite_gradient():
    weight = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    real, fake = _points()
    InterpolatePenalty()(lambda x: x @ weight, real, fake, _rng()).backward()
    assert weight.grad is not None
    assert torch.isfinite(weight.grad).all()


def test_clipping_bounds_every_weight_and_keeps_the_small_ones():
    first = nn.Linear(4, 4)
    module = nn.Sequential(first, nn.Linear(4, 1))
    with torch.no_grad():
        first.weight.fill_(3.0)
        first.bias.fill_(-0.005)
    clip_weights(module, 0.01)
    assert all(p.abs().max() <= 0.01 for p in module.parameters())
    torch.testing.assert_close(first.bias, torch.full((4,), -0.005))
