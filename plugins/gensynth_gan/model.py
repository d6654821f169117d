"""The adversarial game over rows of a table: one model for every loss, penalty and condition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.errors import CapabilityError, OptionError
from gensynth.model import Batch, Condition, GenerativeModel, Phase, Stage
from gensynth.nn.averaging import MovingAverage
from gensynth.nn.losses import AdversarialLoss
from gensynth.nn.penalties import GradientPenalty, clip_weights
from gensynth.nn.soft import FlatRows
from gensynth.nn.two_sample import TwoSample

from .conditions import ConditionTable
from .networks import RowCritic, RowGenerator

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
    temperature : float
        Of the Gumbel-softmax codes.
    ema_decay : float
        Of the moving average of the generator, which is what is sampled from.
    """

    loss: AdversarialLoss
    penalty: GradientPenalty | None = None
    clip: float | None = None
    conditional: bool = False
    critic_steps: int = 2
    learning_rate: float = 1e-3
    temperature: float = 0.3
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
            temperature=game.temperature,
        )
        self.critic = RowCritic(layout, self.rows, width, depth, pack)
        if game.clip is not None:
            clip_weights(self.critic, game.clip)
        self.average = MovingAverage(self.generator, game.ema_decay)
        self.two_sample = TwoSample(layout)
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
            Stage("game", (critic, generator), self.distance, decay_on_plateau=False, prepare=self._count),
            Stage("features", (), prepare=self._measure_features),
        )

    def critic_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the critic minimises: the game's loss, plus the penalty."""
        batch = self._whole_packs(batch)
        with torch.no_grad():
            fake = self._packs(self._soft_rows(batch, rng))
        loss = self.game.loss.critic(self.critic.real(batch), self.critic(fake))
        if self.game.penalty is not None:
            real = self._packs(self.rows.flatten(batch))
            loss = loss + self.game.penalty(self.critic, real, fake, rng)
        return loss

    def generator_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the generator minimises; leaves no gradient in the critic."""
        batch = self._whole_packs(batch)
        fake = self._packs(self._soft_rows(batch, rng))
        with frozen(self.critic):
            return self.game.loss.generator(self.critic(fake))

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
        noise = torch.randn((n, network.noise_dim), generator=rng, device=like.device, dtype=like.dtype)
        return network.draw(noise, rng, given)

    def score(self, batch: Batch, method: str | None = None) -> Tensor:
        """Score rows (n,), higher = more normal.

        "feature": minus the squared distance of the critic's last hidden layer from its mean over the training rows,
        in units of its spread there (the feature residual of Schlegl et al. 2017, "AnoGAN", arXiv:1703.05921, eq. 4,
        without the search for a latent). "critic": the critic's value of the row packed with itself; it was trained
        to tell real from generated rows and says little of rows that are like neither.
        """
        value, features = self.critic.value_and_features(batch)
        if method in (None, "feature"):
            return -((features - self.feature_mean) / self.feature_scale).square().mean(1)
        if method == "critic":
            return value
        raise OptionError(f"score method {method!r}: expected one of {', '.join(map(repr, self.score_methods))}")

    def _soft_rows(self, batch: Batch, rng: Generator) -> Tensor:
        """Return one generated flat row for each row of the batch, with the condition cells of that row."""
        noise = torch.randn(
            (len(batch), self.generator.noise_dim), generator=rng, device=batch.codes.device, dtype=batch.numeric.dtype
        )
        fake: Tensor = self.generator(noise, rng, batch if self.n_conditions else None)
        return fake

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
