"""Gradient penalties and weight clipping for critics.

A penalty sees the critic (a function of points), real points and generated points; it knows neither the loss nor
the training step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

Critic = Callable[[Tensor], Tensor]
"""From points (n, ...) to values (n,)."""


def gradient_norms(critic: Critic, points: Tensor) -> Tensor:
    """Return (n,): Euclidean norm of the critic's gradient at each of the points (n, ...); differentiable."""
    points = points.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    # the root has no derivative at 0, where a critic that ignores its input starts
    return (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()


class GradientPenalty(ABC):
    """weight * E[(|grad critic| - target)^2] at points that a subclass chooses.

    Parameters
    ----------
    weight : float
        Multiplier, lambda in the papers.
    """

    def __init__(self, weight: float = 10.0) -> None:
        self.weight = weight

    target: ClassVar[float] = 1.0
    """Norm that the gradient is held near."""

    @abstractmethod
    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:
        """Return the points (n, ...) at which the gradient is penalised."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:
        """Return the scalar penalty for real and generated points of one shape (n, ...)."""
        norms = gradient_norms(critic, self.points(real, fake, rng))
        return self.weight * (norms - self.target).square().mean()


def _per_row(like: Tensor, rng: Generator) -> Tensor:
    """Return uniform numbers, one per row, that broadcast against ``like``."""
    shape = (like.shape[0], *[1] * (like.dim() - 1))
    return torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype)


class InterpolatePenalty(GradientPenalty):
    """WGAN-GP: uniform points between pairs of a real and a generated point.

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028, eq. 3.
    """

    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:
        """Return one point on each segment from ``real`` to ``fake``."""
        return torch.lerp(real, fake, _per_row(real, rng))


class DataPenalty(GradientPenalty):
    """R1: penalise the gradient at real points, so that training converges at equal distributions.

    Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406, eq. 9 (the weight
    is gamma / 2 there).
    """

    target = 0.0

    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return ``real``."""
        return real


class RealAndFakePenalty(DataPenalty):
    """R1 and R2: penalise the gradient at real and at generated points.

    Mescheder et al. 2018, arXiv:1801.04406, eqs. 9 and 10; both at once: Huang et al. 2025, arXiv:2501.05441. The
    weight counts their sum.
    """

    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return ``real`` and ``fake``."""
        return torch.cat([real, fake])

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:
        """Return the scalar penalty for real and generated points of one shape (n, ...)."""
        return 2.0 * super().__call__(critic, real, fake, rng)


class PerturbationPenalty(GradientPenalty):
    """DRAGAN: points near the real ones, independent of the generated ones.

    Kodali et al. 2017, "On Convergence and Stability of GANs", arXiv:1705.07215, eq. 4; as in the authors' code the
    noise is uniform, scaled by the spread of the real points, and a random share of it is added.

    Parameters
    ----------
    weight : float
        Multiplier, lambda in the paper.
    spread : float
        Scale of the noise in units of the standard deviation of all entries of the real points.
    """

    def __init__(self, weight: float = 10.0, spread: float = 0.5) -> None:
        super().__init__(weight)
        self.spread = spread

    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return ``real`` plus noise."""
        noise = torch.rand(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        return real + _per_row(real, rng) * self.spread * real.std() * noise


@torch.no_grad()
def clip_weights(module: nn.Module, bound: float) -> None:
    """Clip every parameter to [-bound, bound] in place, to bound the Lipschitz constant.

    Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, algorithm 1 (c = 0.01 there).
    """
    for parameter in module.parameters():
        parameter.clamp_(-bound, bound)
