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


def gradient_norms(critic: Critic, points: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return (n,): Euclidean norm of the critic's gradient at each of the points (n, ...); differentiable.

    With a ``weight`` W (d, m) the points (n, k * m) are k products x W side by side, and the norm is that of the
    gradient with respect to the k * d entries of x, which are never written out.
    """
    if weight is None or not points.requires_grad:  # products depend on the weight, which learns through them
        points = points.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    if weight is not None:
        gradient = gradient.view(len(gradient), -1, weight.shape[1]) @ weight.T
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
    mixes: ClassVar[bool] = False
    """Whether `points` are mixtures of real and generated ones, so that a linear map may come before it."""

    @abstractmethod
    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:
        """Return the points (n, ...) at which the gradient is held near the target."""

    def __call__(
        self, critic: Critic, real: Tensor, fake: Tensor, rng: Generator, first: Tensor | None = None
    ) -> Tensor:
        """Return the scalar penalty for real and generated points of one shape (n, ...).

        ``first``: the weight that the points are products with, if any; see `gradient_norms`.
        """
        return self.weight * (gradient_norms(critic, self.points(real, fake, rng), first) - self.target).square().mean()


def _per_row(like: Tensor, rng: Generator) -> Tensor:
    """Return uniform numbers, one a row, that broadcast against ``like``."""
    shape = (like.shape[0], *[1] * (like.dim() - 1))
    return torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype)


class InterpolatePenalty(GradientPenalty):
    """WGAN-GP: uniform points between pairs of a real and a generated point.

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028, eq. 3.
    """

    mixes = True

    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:
        """Return one point on each segment from ``real`` to ``fake``."""
        return torch.lerp(real, fake, _per_row(real, rng))


class DataPenalty(GradientPenalty):
    """R1: no gradient at the real points, which lets the game end where the two distributions are equal.

    Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406, eq. 9 (the weight
    is gamma / 2 there).
    """

    target = 0.0
    mixes = True

    def points(self, real: Tensor, fake: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return ``real``."""
        return real


class PerturbationPenalty(GradientPenalty):
    """DRAGAN: points near the real ones; the generated ones are not looked at.

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
    """Clip every parameter to [-bound, bound] in place: a Lipschitz bound by brute force.

    Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, algorithm 1 (c = 0.01 there).
    """
    for parameter in module.parameters():
        parameter.clamp_(-bound, bound)
