"""What the two networks of an adversarial model minimise, and at which pace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from gensynth.nn.losses import AdversarialLoss
from gensynth.nn.penalties import GradientPenalty


@dataclass(frozen=True)
class AdversarialObjective:
    """What generator and critic minimise.

    Parameters
    ----------
    loss : AdversarialLoss
        What both minimise.
    penalty : GradientPenalty or None
        Added to the critic's loss.
    clip : float or None
        Bound on the critic's weights after each of its steps.
    conditional : bool
        Whether both are given the condition columns of the layout; otherwise those are columns like any other.
    n_critic : int
        Steps of the critic for each step of the generator.
    learning_rate : float
        Of the generator.
    mmd_weight : float
        Weight of the maximum mean discrepancy in the generator's loss; 0: none.
    ema_decay : float
        Of the moving average of the weights, which is what is sampled from.
    pretrain_fraction : float
        Share of the run that the generator is trained by the maximum mean discrepancy alone, before the game; 0: none.
    """

    loss: AdversarialLoss
    penalty: GradientPenalty | None = None
    clip: float | None = None
    conditional: bool = False
    n_critic: int = 1
    learning_rate: float = 5e-4
    mmd_weight: float = 0.0
    ema_decay: float = 0.999
    pretrain_fraction: float = 0.0


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Keep the parameters out of the graph that is built inside: no gradient reaches them."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
