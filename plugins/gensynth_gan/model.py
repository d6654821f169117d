"""The adversarial game over rows of a table: one model for every loss, penalty and condition."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.errors import CapabilityError
from gensynth.model import Batch, Condition, GenerativeModel, Phase, Stage
from gensynth.nn.averaging import MovingAverage
from gensynth.nn.losses import AdversarialLoss
from gensynth.nn.matching import AssociationMatching
from gensynth.nn.penalties import GradientPenalty, clip_weights
from gensynth.nn.soft import FlatRows
from gensynth.nn.two_sample import TwoSample

from .conditions import ConditionTable
from .networks import RowCritic, RowGenerator

PENALISED = 0.25
"""Share of the packs of a batch that the penalty looks at: it is half of a step's cost otherwise."""
STEPS = 3500
"""Steps of the critic that a full run takes: falling learning rates count for more than length."""
MOST_MONITORED = 10_000
"""Held-out rows that the two-sample statistic is computed on, at most."""


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
    """

    loss: AdversarialLoss
    penalty: GradientPenalty | None = None
    clip: float | None = None
    conditional: bool = False
    critic_steps: int = 2
    learning_rate: float = 1e-3
    matching: float = 0.0
    ema_decay: float = 0.999


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Keep the parameters out of the graph that is built inside: no gradient reaches them."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


class AdversarialModel(GenerativeModel):
    """Generator against critic over encoded rows.

    A generated row enters the critic as one-hot codes with the gradient of soft ones, and numbers; a real one as its
    codes. The condition cells of
    generated rows are those of the real rows of the batch, so that both sides see the true class frequencies.
    The generator's moving average is what is sampled and monitored; training stops by a two-sample statistic of
    held-out rows, never by a loss.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    game : Game
        Loss, penalty, condition, steps; without condition columns a conditional one is unconditional.
    noise_dim, width, depth, pack : int
        See `RowGenerator` and `RowCritic`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("feature", "critic")

    feature_mean: Tensor
    feature_scale: Tensor

    def __init__(self, layout: Layout, game: Game, *, noise_dim: int, width: int, depth: int, pack: int) -> None:
        super().__init__(layout)
        self.game = game
        self.rows = FlatRows(layout)
        self.n_conditions = layout.n_conditions if game.conditional else 0
        if 0 < self.n_conditions == len(layout.columns):
            raise CapabilityError(
                "every column of the table is a condition: nothing is left to generate; leave a column out of "
                "condition_on, or use the model 'vlae', which takes conditions on any column"
            )
        self.conditions = ConditionTable(layout) if self.n_conditions else None
        self.generator = RowGenerator(
            layout,
            self.rows,
            n_given=self.n_conditions,
            noise_dim=noise_dim,
            width=width,
            depth=depth,
        )
        self.critic = RowCritic(layout, self.rows, width, depth, pack)
        if game.clip is not None:
            clip_weights(self.critic, game.clip)
        self.average = MovingAverage(self.generator, game.ema_decay)
        self.two_sample = TwoSample(layout)
        self.associations = AssociationMatching(layout, self.rows)
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))

    def stages(self) -> tuple[Stage, ...]:
        """Return the game, and the statistics of the critic's features on the training rows."""
        game = self.game
        clip = game.clip
        betas = (0.5, 0.9)
        critic = Phase(
            "critic",
            tuple(self.critic.parameters()),
            self.critic_loss,
            after_step=None if clip is None else lambda: clip_weights(self.critic, clip),
            learning_rate=game.learning_rate,
            betas=betas,
        )
        generator = Phase(
            "generator",
            tuple(self.generator.parameters()),
            self.generator_loss,
            every=game.critic_steps,
            after_step=lambda: self.average.update(self.generator),
            learning_rate=game.learning_rate,
            betas=betas,
        )
        return (
            Stage(
                "game",
                (critic, generator),
                self.distance,
                decay_on_plateau=False,
                prepare=self._count,
                steps=STEPS,
                collapse=lambda rows, rng: self.two_sample.collapse_bound(rows[:MOST_MONITORED], rng),
            ),
            Stage("features", (), prepare=self._measure_features),
        )

    def critic_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the critic minimises: the game's loss, plus the penalty."""
        batch = self._whole_packs(batch)
        critic, penalty = self.critic, self.game.penalty
        drawn = self.generator.draw(self._noise(self.generator, len(batch), rng), rng, self._given(batch))
        products = critic.enter(Batch.cat([batch, drawn]))
        loss = self.game.loss.critic(*critic.value(products).chunk(2))
        if penalty is None:
            return loss
        few = critic.pack * math.ceil(len(batch) / critic.pack * PENALISED)
        if penalty.mixes:  # the first layer is linear: its products are mixed in place of the wide flat rows
            real, fake = (rows[:few].view(-1, critic.pack * rows.shape[1]) for rows in products.chunk(2))
            return loss + penalty(critic.value, real, fake, rng, critic.weight)
        real, fake = (self._packs(self.rows.flatten(rows[:few])) for rows in (batch, drawn))
        return loss + penalty(critic, real, fake, rng)

    def generator_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the generator minimises; leaves no gradient in the critic."""
        batch = self._whole_packs(batch)
        fake = self.generator(self._noise(self.generator, len(batch), rng), rng, self._given(batch))
        with frozen(self.critic):
            loss = self.game.loss.generator(self.critic(self._packs(fake)))
        if self.game.matching:
            loss = loss + self.game.matching * self.associations(batch, fake)
        return loss

    @torch.no_grad()
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the two-sample statistic between these rows and as many generated ones."""
        batch = batch[:MOST_MONITORED]
        return self.two_sample(batch, self.generate(len(batch), rng))

    @torch.no_grad()
    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw rows; given condition cells come back exactly, others are drawn with their true frequencies.

        Raises
        ------
        CapabilityError
            The condition names columns that the model was not built to be conditioned on.
        """
        like = self.feature_mean
        given = None
        if self.conditions is not None:
            given = self.conditions.draw(n, rng, condition, like)
        elif condition is not None and condition.columns:
            names = ", ".join(repr(self.layout.columns[i].name) for i in condition.columns)
            raise CapabilityError(
                f"condition on {names}: this model was fitted without conditions; use the model 'vlae', which takes "
                "conditions on any column, or 'cgan' with condition_on set to these columns"
            )
        network = self.average.module
        return network.draw(self._noise(network, n, rng), rng, given)

    def score(self, batch: Batch, method: str | None = None) -> Tensor:
        """Score rows (n,), higher = more normal.

        "feature": minus the squared distance of the critic's last hidden layer from its mean over the training rows,
        in units of its spread there (the feature residual of Schlegl et al. 2017, "AnoGAN", arXiv:1703.05921, eq. 4,
        without the search for a latent). "critic": the critic's value of the row packed with itself; it was trained
        to tell real from generated rows and says little of rows that are like neither.
        """
        method = self.score_method(method)
        value, features = self.critic.value_and_features(batch)
        if method == "critic":
            return value
        return -((features - self.feature_mean) / self.feature_scale).square().mean(1)

    def _noise(self, network: RowGenerator, n: int, rng: Generator) -> Tensor:
        like = self.feature_mean
        return torch.randn((n, network.noise_dim), generator=rng, device=like.device, dtype=like.dtype)

    def _given(self, batch: Batch) -> Batch | None:
        return batch if self.n_conditions else None

    def _whole_packs(self, batch: Batch) -> Batch:
        """Leave out the rows that do not fill a pack; fewer rows than a pack are repeated."""
        n, pack = len(batch), self.critic.pack
        if n >= pack:
            return batch[: n - n % pack]
        return batch[torch.arange(pack, device=batch.codes.device) % n]

    def _packs(self, rows: Tensor) -> Tensor:
        return rows.view(-1, self.critic.pack * self.rows.width)

    def _count(self, rows: Batch, rng: Generator) -> None:
        if self.conditions is not None:
            self.conditions.fit(rows, rng)

    @torch.no_grad()
    def _measure_features(self, rows: Batch, rng: Generator) -> None:
        if len(rows) > MOST_MONITORED:
            rows = rows[torch.randperm(len(rows), generator=rng, device=rows.codes.device)[:MOST_MONITORED]]
        _, features = self.critic.value_and_features(rows)
        self.feature_mean.copy_(features.mean(0))
        self.feature_scale.copy_(features.std(0, correction=0).clamp(min=1e-6))
