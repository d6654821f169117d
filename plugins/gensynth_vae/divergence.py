"""The KL term of a loss: weight, warm-up, and capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

NEAR = 0.125
"""Fraction of the capacity within which the penalty on the distance from it is quadratic, ..."""
LEAST_NEAR = 1e-3
"""... but at least this many nats."""


def warmup_progress(step: float, warmup: int) -> float:
    """Return the part in [0, 1] of the ``warmup`` steps that is over at this step; 1 without any."""
    return 1.0 if warmup == 0 else min(1.0, step / warmup)


@dataclass(frozen=True)
class Divergence:
    """The KL term of the loss.

    Parameters
    ----------
    weights : sequence of float
        Final weight of each member (beta of Higgins et al. 2017; 1 gives the ELBO of Kingma & Welling 2014).
    warmup : int
        Steps over which the weight grows linearly from 0 (Bowman et al. 2016), against collapse.
    capacity : float or None
        Target of the divergence instead of 0, reached linearly over ``warmup`` steps; the weight applies to the
        distance from it (Burgess et al. 2018, equation 8). Near the target the distance is squared (Huber 1964), so
        that steps do not oscillate.
    """

    weights: Sequence[float] = (1.0,)
    warmup: int = 0
    capacity: float | None = None

    def cost(self, divergence: Tensor, step: float) -> Tensor:
        """Return each row's KL term (members, n) from its ``divergence`` (members, n) in nats.

        With a capacity it is the same for all rows of a batch, as it depends on the batch mean.
        """
        if self.capacity is None:
            return self._weight(divergence) * warmup_progress(step, self.warmup) * divergence
        excess, near = self._excess(divergence, step)
        distance = F.huber_loss(excess, torch.zeros_like(excess), reduction="none", delta=near) / near
        return (self._weight(divergence) * distance).expand_as(divergence)

    def slope(self, divergence: Tensor, step: float) -> Tensor:
        """Return (members, 1) the derivative of the loss by the divergence at a capacity; negative below it."""
        excess, near = self._excess(divergence, step)
        return self._weight(divergence) * (excess / near).clamp(-1.0, 1.0)

    def _weight(self, divergence: Tensor) -> Tensor:
        return divergence.new_tensor(self.weights).unsqueeze(1)  # (members, 1)

    def _excess(self, divergence: Tensor, step: float) -> tuple[Tensor, float]:
        """Return (members, 1): nats of a batch's mean divergence above the capacity, and how many count as near."""
        assert self.capacity is not None
        excess = divergence.mean(1, keepdim=True) - warmup_progress(step, self.warmup) * self.capacity
        return excess, max(NEAR * self.capacity, LEAST_NEAR)
