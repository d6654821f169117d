from __future__ import annotations

import math

import pytest
import torch

from gensynth.nn.losses import LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein

REAL = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
FAKE = torch.tensor([0.125, 0.125, 0.25, 0.5], dtype=torch.float64)


def _samples(shares):
    """Eight points whose shares are exactly those of the distribution."""
    return torch.repeat_interleave(torch.arange(4), (shares * 8).long())


def _jensen_shannon(p, q):
    m = (p + q) / 2
    return 0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum()


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating()])
def test_value_with_the_optimal_critic_is_twice_jensen_shannon_minus_log_4(loss):
    optimal = (REAL / FAKE).log()
    value = -loss.critic(optimal[_samples(REAL)], optimal[_samples(FAKE)])
    torch.testing.assert_close(value, 2 * _jensen_shannon(REAL, FAKE) - math.log(4))


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating()])
def test_no_other_critic_reaches_a_lower_loss_than_the_optimal_one(loss):
    optimal = (REAL / FAKE).log()
    best = loss.critic(optimal[_samples(REAL)], optimal[_samples(FAKE)])
    for i in range(4):
        for step in (-0.1, 0.1):
            other = optimal.clone()
            other[i] += step
            assert loss.critic(other[_samples(REAL)], other[_samples(FAKE)]) > best


def test_least_squares_with_the_optimal_critic_is_zero_only_for_disjoint_supports():
    # Mao et al. 2017, eq. 11 with a=0, b=1: D* = p_real / (p_real + p_fake)
    optimal = REAL / (REAL + FAKE)
    loss = LeastSquares().critic(optimal[_samples(REAL)], optimal[_samples(FAKE)])
    torch.testing.assert_close(loss, 0.5 * (REAL * FAKE / (REAL + FAKE)).sum())
    assert LeastSquares().critic(torch.ones(3), torch.zeros(3)) == 0


def test_least_squares_around_the_targets_is_half_the_pearson_divergence():
    # Mao et al. 2017, theorem 1: with b - c = 1 and b - a = 2 the generator's side, the real rows' term included,
    # is half the Pearson chi2 divergence between p_real + p_fake and 2 p_fake; a = -1, b = 1, c = 0
    real, fake = REAL, FAKE
    optimal = (real - fake) / (real + fake)
    sides = 0.5 * (real * optimal.square()).sum() + 0.5 * (fake * optimal.square()).sum()
    pearson = ((2 * fake - (real + fake)).square() / (real + fake)).sum()
    torch.testing.assert_close(sides, 0.5 * pearson)
    # our targets 0 and 1 are those moved and halved: the same optimal critic, the same game
    torch.testing.assert_close((optimal + 1) / 2, real / (real + fake))


def test_no_other_least_squares_critic_reaches_a_lower_loss_than_the_optimal_one():
    loss, optimal = LeastSquares(), REAL / (REAL + FAKE)
    best = loss.critic(optimal[_samples(REAL)], optimal[_samples(FAKE)])
    for i in range(4):
        for step in (-0.1, 0.1):
            other = optimal.clone()
            other[i] += step
            assert loss.critic(other[_samples(REAL)], other[_samples(FAKE)]) > best


def test_least_squares_pulls_back_generated_rows_that_are_beyond_the_target():
    # Mao et al. 2017, section 3.2: rows on the right side but far from the boundary still have a gradient
    fake = torch.tensor([4.0, 1.0, -2.0], requires_grad=True)
    LeastSquares().generator(fake, fake).backward()
    assert fake.grad is not None
    assert fake.grad.sign().tolist() == [1.0, 0.0, -1.0]


def test_wasserstein_is_invariant_to_a_constant_added_to_the_critic():
    real, fake = torch.randn(50, dtype=torch.float64), torch.randn(70, dtype=torch.float64)
    loss = Wasserstein()
    torch.testing.assert_close(loss.critic(real + 7.0, fake + 7.0), loss.critic(real, fake))
    values = fake.clone().requires_grad_(True)
    (loss.generator(real, values + 7.0) - loss.generator(real, values)).backward()
    torch.testing.assert_close(values.grad, torch.zeros_like(fake))


def test_wasserstein_with_the_best_lipschitz_critic_is_the_shift_between_two_samples():
    x = torch.randn(100, dtype=torch.float64)
    torch.testing.assert_close(-Wasserstein().critic(x + 3.0, x), torch.tensor(3.0, dtype=torch.float64))


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating(), Relativistic(), Wasserstein()])
def test_generator_gains_by_higher_critic_values(loss):
    fake = torch.linspace(-5, 5, 20).requires_grad_(True)
    loss.generator(torch.zeros(20), fake).backward()
    assert fake.grad is not None
    assert (fake.grad < 0).all()


def test_only_the_minimax_generator_saturates_against_a_good_critic():
    gradients = []
    for loss in (Minimax(), NonSaturating()):
        fake = torch.tensor([-20.0], requires_grad=True)
        loss.generator(fake.detach(), fake).backward()
        assert fake.grad is not None
        gradients.append(fake.grad.abs().item())
    assert gradients[0] < 1e-8
    assert gradients[1] == pytest.approx(1.0)


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating(), Relativistic()])
def test_extreme_critic_values_stay_finite(loss):
    extreme = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(loss.critic(extreme, extreme))
    assert torch.isfinite(loss.generator(extreme, extreme))


def test_the_relativistic_loss_looks_at_the_difference_of_each_pair():
    real, fake = torch.randn(20, dtype=torch.float64), torch.randn(20, dtype=torch.float64)
    loss, shift = Relativistic(), torch.randn(20, dtype=torch.float64)
    torch.testing.assert_close(loss.critic(real + shift, fake + shift), loss.critic(real, fake))
    torch.testing.assert_close(loss.generator(real, fake), loss.critic(fake, real))
    torch.testing.assert_close(loss.critic(real, real), torch.tensor(math.log(2.0), dtype=torch.float64))
