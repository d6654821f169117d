from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch

from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior, standard_normal_log_density


def test_standard_normal_density():
    z = torch.randn(5, 3)
    torch.testing.assert_close(standard_normal_log_density(z), torch.distributions.Normal(0, 1).log_prob(z).sum(1))


def test_flow_starts_as_the_standard_normal():
    z = torch.randn(6, 4)
    torch.testing.assert_close(AutoregressivePrior(4).log_density(z), standard_normal_log_density(z))


P = TypeVar("P", bound=torch.nn.Module)


def _stirred(build: Callable[[], P]) -> P:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        prior = build()
        for parameter in prior.parameters():
            parameter.data.add_(0.2 * torch.randn_like(parameter))
    return prior.double()


def test_flow_log_determinant_equals_autograd():
    prior = _stirred(lambda: AutoregressivePrior(4))
    z = torch.randn(4, dtype=torch.float64)

    def noise(z: torch.Tensor) -> torch.Tensor:
        _, shift, log_scale = prior._components(z.unsqueeze(0), None)
        return ((z - shift.squeeze(-1)) * torch.exp(-log_scale.squeeze(-1))).squeeze(0)

    jacobian = torch.autograd.functional.jacobian(noise, z)
    assert torch.allclose(jacobian.triu(1), torch.zeros(4, 4, dtype=torch.float64))  # autoregressive
    expected = standard_normal_log_density(noise(z).unsqueeze(0)) + jacobian.diagonal().abs().log().sum()
    torch.testing.assert_close(prior.log_density(z.unsqueeze(0)), expected)


@pytest.mark.parametrize(
    "build",
    [
        lambda: AutoregressivePrior(2),
        lambda: AutoregressivePrior(2, 4),
        lambda: BlockwisePrior(2, 4, width=4, block=1),
        lambda: BlockwisePrior(2, 4, width=4, block=2),
    ],
    ids=["flow", "autoregressive", "blocks of one", "one block"],
)
def test_density_integrates_to_one_and_samples_follow_it(build):
    prior = _stirred(build)
    axis = torch.linspace(-9, 9, 361, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        mass = prior.log_density(grid).exp() * (axis[1] - axis[0]) ** 2
        drawn = prior.sample(20_000, torch.Generator().manual_seed(0))
    assert mass.sum() == pytest.approx(1.0, abs=0.01)
    torch.testing.assert_close(drawn.mean(0), (mass.unsqueeze(1) * grid).sum(0), atol=0.05, rtol=0.02)


@torch.no_grad()
def test_no_latents_can_be_drawn():
    for prior in (AutoregressivePrior(4), BlockwisePrior(4)):
        assert prior.sample(0, torch.Generator()).shape == (0, 4)


def test_blockwise_prior_takes_the_greatest_block_that_divides():
    assert BlockwisePrior(16).block == 4
    assert BlockwisePrior(18).block == 6
    assert BlockwisePrior(7).block == 1


def test_blockwise_prior_starts_where_latents_lie():
    prior = BlockwisePrior(4, 8, block=2)
    z = 5.0 + 0.1 * torch.randn(100, 4)
    before = prior.log_density(z).mean()
    prior.start(lambda: z, torch.Generator())
    assert prior.log_density(z).mean() > before + 10.0
    torch.testing.assert_close(prior.means[0], z[:8, :2])
    prior.start(lambda: z[:1], torch.Generator())  # one latent has no spread: nothing is learned from it
    torch.testing.assert_close(prior.means[0], z[:8, :2])
