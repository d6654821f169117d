"""Adversarial objectives of generator and critic, for any networks; ensemble axis first."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch, GenerativeModel, Loss, Optimizer, Phase, Stage
from gensynth.nn.losses import AdversarialLoss
from gensynth.nn.penalties import GradientPenalty, clip_weights
from gensynth.nn.tabular.mmd import squared_mmd

BETAS = (0.5, 0.9)
"""Decay of the optimiser's moments (Gulrajani et al. 2017, arXiv:1704.00028: 0 and 0.9 there)."""


@dataclass(frozen=True)
class AdversarialObjective:
    """Losses, penalty and regularisation of generator and critic.

    Parameters
    ----------
    loss : AdversarialLoss
        Losses of generator and critic.
    penalty : GradientPenalty or None
        Added to the critic's loss.
    clip : float or None
        Bound for clipping the critic's weights after each of its steps.
    conditional : bool
        Whether both are conditioned on the condition columns of the layout; otherwise these are ordinary columns.
    n_critic : int
        Critic steps for each generator step.
    learning_rate : float
        Learning rate of the generator.
    mmd_weight : float
        Weight of the maximum mean discrepancy in the generator's loss; 0: none.
    ema_decay : float
        Decay of the moving average of the weights, which is used for sampling.
    pretrain_fraction : float
        Fraction of the run in which the generator is pretrained with the maximum mean discrepancy alone; 0: none.
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
    """Freeze the parameters within the block: no gradient reaches them."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


class AdversarialGame(GenerativeModel):
    """Base of adversarial models: generators against critics, batched over the members.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    objective : AdversarialObjective
        Loss, penalty, condition, learning rates.
    """

    penalised: ClassVar[float]
    """Fraction of a batch that the penalty uses, in (0, 1], as it dominates the cost of a step otherwise."""
    critic_rate: ClassVar[float]
    """Learning rate of the critic relative to the generator's."""
    members: int
    """Number of GANs in the ensemble."""
    generator: nn.Module
    critic: nn.Module

    def __init__(self, layout: Layout, objective: AdversarialObjective) -> None:
        super().__init__(layout)
        self.objective = objective

    @abstractmethod
    def real(self, batch: Batch, rng: Generator) -> tuple[Tensor, Any]:
        """Return the critics' inputs for real rows (members, n, width), and the generators' conditions."""

    @abstractmethod
    def fake(self, given: Any, rng: Generator) -> Tensor:
        """Return generated points (members, n, width), with gradients; one for each given row."""

    @abstractmethod
    def values(self, points: Tensor) -> Tensor:
        """Return the critics' values (members, n) of points (members, n, width); higher = more like real rows."""

    def features(self, points: Tensor) -> Tensor:
        """Return rows (members, rows, features) of points (members, n, width), a pack's rows one by one."""
        return points

    def kept(self, real: Tensor) -> Tensor:
        """Return the points (members, kept, width) that the critics learn from."""
        return real

    @abstractmethod
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the distance of generated rows from these, the monitor of the training."""

    def game(
        self, max_steps: int, share: float = 1.0, *, full_run: bool = False, collapse_bound: Loss | None = None
    ) -> tuple[Stage, ...]:
        """Return the adversarial stage, ``share`` of the run, with a pretraining stage before it if requested."""
        objective, before = self.objective, self.objective.pretrain_fraction
        slow = Optimizer(objective.learning_rate, BETAS)
        fast = Optimizer(objective.learning_rate * self.critic_rate, BETAS)
        own, drawn = tuple(self.critic.parameters()), tuple(self.generator.parameters())
        critic = Phase("critic", own, self.critic_loss, fast, after_step=self.clip_critic)
        generator = Phase("generator", drawn, self.generator_loss, slow, every=objective.n_critic)
        game = Stage(
            "game", (critic, generator), self.distance, budget_fraction=share * (1.0 - before), max_steps=max_steps,
            ema_decay=objective.ema_decay, decay_on_plateau=False, full_run=full_run, collapse_bound=collapse_bound,
        )  # fmt: skip
        if not before:
            return (game,)
        alone = (Phase("mmd", drawn, self.mmd, slow),)
        pretrain = replace(
            game, name="pretrain", phases=alone, budget_fraction=share * before, full_run=False, collapse_bound=None
        )
        return pretrain, game

    def clip_critic(self) -> None:
        """Clip the critic's weights to the objective's bound, if there is one."""
        if self.objective.clip is not None:
            clip_weights(self.critic, self.objective.clip)

    def critic_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the critics' loss: the objective's loss plus the penalty."""
        real, given = self.real(batch, rng)
        real = self.kept(real)
        n = real.shape[1]
        with torch.no_grad():
            fake = self.fake(given, rng)[:, :n]
        loss = self.objective.loss.critic(*self.values(torch.cat([real, fake], 1)).chunk(2, 1))
        if self.objective.penalty is None:
            return loss
        few = math.ceil(n * self.penalised)
        seen, drawn = real[:, :few].flatten(0, 1), fake[:, :few].flatten(0, 1)
        return loss + self.objective.penalty(self._flat_values, seen, drawn, rng)

    def generator_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the generators' loss, without gradients for the critics."""
        real, given = self.real(batch, rng)
        fake = self.fake(given, rng)
        with frozen(self.critic):
            loss = self.objective.loss.generator(*self.values(torch.cat([real, fake], 1)).chunk(2, 1))
        if self.objective.mmd_weight:
            loss = loss + self.objective.mmd_weight * self._discrepancy(real, fake)
        return loss

    def mmd(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the maximum mean discrepancy of the critics' input features of real and generated rows."""
        real, given = self.real(batch, rng)
        return self._discrepancy(real, self.fake(given, rng))

    def _discrepancy(self, real: Tensor, fake: Tensor) -> Tensor:
        pairs = zip(self.features(real), self.features(fake), strict=True)
        return torch.stack([squared_mmd(*pair, len(self.layout.columns)) for pair in pairs]).mean()

    def _flat_values(self, points: Tensor) -> Tensor:
        """Map points (members * n, width) to values (members * n,)."""
        return self.values(points.unflatten(0, (self.members, -1))).flatten()
