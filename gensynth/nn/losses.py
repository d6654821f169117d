"""Adversarial losses, as functions of critic outputs.

The critic's value is a real number, higher = more like a real row; none of these squashes it. A loss owns no
network, no optimiser and no training step, so that every one combines with every penalty and every condition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch.nn.functional as F  # noqa: N812
from torch import Tensor


class AdversarialLoss(ABC):
    """What critic and generator minimise, given critic values of real and of generated rows."""

    @abstractmethod
    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the critic's scalar loss from its values on real (n,) and on generated (m,) rows."""

    @abstractmethod
    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the generator's scalar loss from the critic's values on real (n,) and on generated (m,) rows.

        Those of real rows do not depend on the generator; only a relativistic loss looks at them.
        """


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """Return -E[log D(real)] - E[log(1 - D(fake))] with D = sigmoid(value): minus the value of the game.

    With the optimal critic, value = log p_real / p_fake, it is log 4 - 2 JSD(p_real, p_fake) (Goodfellow et al.
    2014, "Generative Adversarial Nets", arXiv:1406.2661, theorem 1). Written with softplus: finite for any value.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


class Minimax(AdversarialLoss):
    """The zero-sum game of Goodfellow et al. 2014 (arXiv:1406.2661, eq. 1); its generator saturates early."""

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the cross-entropy of telling real from generated rows."""
        return cross_entropy(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return E[log(1 - D(fake))]."""
        return -F.softplus(fake).mean()


class NonSaturating(AdversarialLoss):
    """The generator maximises log D(fake) instead (Goodfellow et al. 2014, arXiv:1406.2661, end of section 3)."""

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the cross-entropy of telling real from generated rows."""
        return cross_entropy(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return -E[log D(fake)]."""
        return F.softplus(-fake).mean()


class Relativistic(AdversarialLoss):
    """Relativistic pairing of real and generated rows: log D(real - fake), without minima at lost modes.

    Jolicoeur-Martineau 2018, "The relativistic discriminator", arXiv:1807.00734; with penalties at the real and at the
    generated rows it converges (Huang et al. 2025, "The GAN is dead; long live the GAN!", arXiv:2501.05441, eq. 2).
    """

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return -E[log sigmoid(value(real) - value(fake))] of pairs; both are (n,)."""
        return F.softplus(fake - real).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return -E[log sigmoid(value(fake) - value(real))] of pairs."""
        return F.softplus(real - fake).mean()


class Wasserstein(AdversarialLoss):
    """Kantorovich-Rubinstein dual of the earth mover's distance (Arjovsky et al. 2017, arXiv:1701.07875, eq. 2).

    Minus the critic's loss estimates the distance, up to the critic's Lipschitz constant: pair it with a
    penalty or with clipping.
    """

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return E[value(fake)] - E[value(real)]."""
        return fake.mean() - real.mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return -E[value(fake)]."""
        return -fake.mean()


class LeastSquares(AdversarialLoss):
    """Targets 1 for real and 0 for generated rows (Mao et al. 2017, "LSGAN", arXiv:1611.04076, eq. 9)."""

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return half the squared distance of the values from their targets."""
        return 0.5 * ((real - 1.0).square().mean() + fake.square().mean())

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return half the squared distance of the values from the target of real rows."""
        return 0.5 * (fake - 1.0).square().mean()
