"""How the two networks of an adversarial model play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from gensynth.nn.losses import AdversarialLoss
from gensynth.nn.penalties import GradientPenalty


@dataclass(frozen=True)
class Game:
    """How the two networks play.

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
    critic_steps : int
        Steps of the critic for each step of the generator.
    learning_rate : float
        Of both networks.
    matching : float
        Weight of the association matching in the generator's loss; 0: none.
    ema_decay : float
        Of the moving average of the generator, which is what is sampled from.
    warm_start : float
        Share of the run that the generator is trained by maximum likelihood before the game; 0: none.
    """

    loss: AdversarialLoss
    penalty: GradientPenalty | None = None
    clip: float | None = None
    conditional: bool = False
    critic_steps: int = 2
    learning_rate: float = 1e-3
    matching: float = 0.0
    ema_decay: float = 0.999
    warm_start: float = 0.0


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Keep the parameters out of the graph that is built inside: no gradient reaches them."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
