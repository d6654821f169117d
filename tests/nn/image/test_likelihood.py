"""Mixtures of discretised logistics: a distribution over levels, with its mean and its draws."""

from __future__ import annotations

import pytest
import torch

from gensynth.layout import ImageLayout
from gensynth.nn.image.likelihood import LogisticMixture

IMAGE = ImageLayout(2, 4, 4, levels=7)


def parameters(n: int, width: float = 2.0) -> torch.Tensor:
    return width * torch.randn(n, LogisticMixture(IMAGE, 3).n_parameters, generator=torch.Generator().manual_seed(0))


def uniform(n: int, channels: int) -> torch.Tensor:
    return torch.rand(n, channels, 2, generator=torch.Generator().manual_seed(0))


def log_table(mixture: LogisticMixture, given: torch.Tensor) -> torch.Tensor:
    """Return (levels, n) log-probabilities of every level of the first channel, the second's left out."""
    levels = (torch.arange(7) + 0.5) / 7
    pairs = [torch.stack([x, levels[0]]).expand(len(given), 2) for x in levels]
    first = torch.stack([mixture.log_probability(given, pair) for pair in pairs])
    return first - first.logsumexp(0)


def test_levels_of_a_pixel_have_probabilities_that_add_up_to_one() -> None:
    mixture, given = LogisticMixture(IMAGE, 3), parameters(50)
    levels = (torch.arange(7) + 0.5) / 7
    pairs = torch.cartesian_prod(levels, levels)  # of two channels
    log_p = torch.stack([mixture.log_probability(given, pair.expand(50, 2)) for pair in pairs])
    torch.testing.assert_close(log_p.logsumexp(0), torch.zeros(50), atol=2e-3, rtol=0)


def test_far_levels_have_finite_gradients() -> None:
    mixture = LogisticMixture(IMAGE, 3)
    given = parameters(50, width=20.0).requires_grad_()
    mixture.log_probability(given, torch.full((50, 2), 0.5)).sum().backward()
    assert given.grad is not None
    assert given.grad.isfinite().all()


def test_draws_follow_the_probabilities() -> None:
    mixture, given = LogisticMixture(IMAGE, 3), parameters(1)
    drawn = mixture.sample(given.expand(20_000, -1), uniform(20_000, 2))
    counts = torch.bincount((drawn[:, 0] * 7).long(), minlength=7) / 20_000
    torch.testing.assert_close(counts, log_table(mixture, given).exp()[:, 0], atol=0.015, rtol=0)


def test_the_mean_is_that_of_the_clipped_logistics() -> None:
    fine = ImageLayout(1, 4, 4, levels=10_000)
    mixture = LogisticMixture(fine, 2)
    given = torch.randn(1, mixture.n_parameters, generator=torch.Generator().manual_seed(3))
    drawn = mixture.sample(given.expand(100_000, -1), uniform(100_000, 1)).mean()
    assert float(mixture.mean(given)) == pytest.approx(float(drawn), abs=0.005)
