"""The adversarial game over rows of a table: one model for every loss, penalty and condition."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.encoding.layout import Layout
from gensynth.errors import CapabilityError
from gensynth.model import Batch, Condition, Fit, GenerativeModel, Phase, Score, Stage
from gensynth.nn.averaging import MovingAverage
from gensynth.nn.penalties import clip_weights
from gensynth.nn.tabular.marginals import n_marginal_rows
from gensynth.nn.tabular.mmd import MMDLoss
from gensynth.nn.tabular.one_hot import OneHotRows
from gensynth.nn.tabular.two_sample import TwoSample

from .conditions import ConditionTable
from .critic import RowCritic
from .game import Game, frozen
from .generator import RowGenerator

PENALISED = 0.25
"""Share of the packs of a batch that the penalty looks at: it is half of a step's cost otherwise."""
LIKELIHOOD_STEPS = 20_000
"""Steps of a likelihood stage that takes the whole run; a stall of the held-out likelihood ends it before."""
GAME_STEPS = 3500
"""Steps of the critic of a game that takes the whole run: falling learning rates count for more than length."""
LIKELIHOOD_RATE = 4e-3
"""Learning rate of the likelihood stage."""
OPENING = 0.3
"""Share of the steps after the likelihood stage in which the critic is trained alone."""
REFINE = 0.03
"""Learning rate of a generator that comes from the likelihood stage, in units of the critic's."""
MAX_MONITORED = 10_000
"""Held-out rows that the two-sample statistic is computed on, at most."""


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
    noise_dim, width, pack : int
        See `RowGenerator` and `RowCritic`.
    dropout : float
        Share of the generator's hidden units dropped in the likelihood stage.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "feature", "critic")

    feature_mean: Tensor
    feature_scale: Tensor

    def __init__(self, layout: Layout, game: Game, *, noise_dim: int, width: int, pack: int, dropout: float) -> None:
        super().__init__(layout)
        self.game = game
        self.rows = OneHotRows(layout)
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
            width=min(width, 128),
            dropout=dropout,
        )
        self.critic = RowCritic(layout, self.rows, width, pack)
        if game.clip is not None:
            clip_weights(self.critic, game.clip)
        self.average = MovingAverage(self.generator, game.ema_decay)
        self.two_sample = TwoSample(layout)
        self.associations = MMDLoss(layout, self.rows)
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return the game and what is measured after it; with a warm start, what comes before it.

        That is the likelihood stage of the generator, and some steps of the critic alone, so that the generator is not
        pulled about by one that knows nothing yet.
        """
        game = self.game
        warm, clip, betas = game.warm_start, game.clip, (0.5, 0.9)
        parameters = tuple(self.generator.parameters())
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
            parameters,
            self.generator_loss,
            every=game.critic_steps,
            after_step=lambda: self.average.update(self.generator),
            learning_rate=game.learning_rate * (REFINE if warm else 1.0),
            betas=betas,
        )
        play = Stage(
            "game",
            (critic, generator),
            self.distance,
            decay_on_plateau=False,
            budget_fraction=(1.0 - warm) * (1.0 - OPENING if warm else 1.0),
            max_steps=GAME_STEPS,
            # a warm-started game begins with what it falls back on: there is nothing to start over for
            collapse_bound=None if warm else self._collapse_bound,
            monitor_start=warm > 0,
        )
        start = Fit("start of the game", self._start_game)
        end = (Fit("marginals", self._calibrate), Fit("features", self._measure, MAX_MONITORED))
        if not warm:
            return start, play, *end
        learn = Phase("likelihood", parameters, self.likelihood_loss, learning_rate=LIKELIHOOD_RATE, weight_decay=0.1)
        likelihood = Stage("likelihood", (learn,), budget_fraction=warm, max_steps=LIKELIHOOD_STEPS, ema_decay=0.99)
        opening = Stage(
            "critic",
            (critic,),
            self._judgement,
            decay_on_plateau=False,
            budget_fraction=(1.0 - warm) * OPENING,
            max_steps=GAME_STEPS,
        )
        return likelihood, opening, start, play, *end

    def likelihood_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return minus the mean log-density of rows under the generator, each given noise of its own."""
        return -self.generator.log_likelihood(batch, self._noise(self.generator, len(batch), rng)).mean()

    def critic_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the critic minimises: the game's loss, plus the penalty."""
        batch = self._whole_packs(batch)
        critic, penalty = self.critic, self.game.penalty
        drawn = self.generator.draw(self._noise(self.generator, len(batch), rng), rng, self._given(batch), places=False)
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
        batch = batch[:MAX_MONITORED]
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

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows (n,), higher = more normal.

        "likelihood": log-density of the row's written cells under the generator without noise, which any generator
        that writes block by block has. "feature": minus the squared distance of the critic's last hidden layer from
        its mean over the training rows, in units of its spread there (the feature residual of Schlegl et al. 2017,
        "AnoGAN", arXiv:1703.05921, eq. 4, without the search for a latent). "critic": the critic's value of the row
        packed with itself; it was trained to tell real from generated rows and says little of rows that are like
        neither, and less the better the generator.
        """
        method = self.score_method(method)
        if method == "likelihood":
            network = self.average.module
            noise = self.feature_mean.new_zeros(len(batch), network.noise_dim)
            log_density = network.log_likelihood(batch, noise)
            return Score(log_density if batch.log_jacobian is None else log_density + batch.log_jacobian.sum(1))
        value, features = self.critic.value_and_features(batch)
        if method == "critic":
            return Score(value)
        return Score(-((features - self.feature_mean) / self.feature_scale).square().mean(1))

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

    @torch.no_grad()
    def _judgement(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the critic's loss without the penalty."""
        batch = self._whole_packs(batch)
        drawn = self.generator.draw(self._noise(self.generator, len(batch), rng), rng, self._given(batch), places=False)
        return self.game.loss.critic(*self.critic.value(self.critic.enter(Batch.cat([batch, drawn]))).chunk(2))

    @torch.no_grad()
    def _collapse_bound(self, rows: Batch, rng: Generator) -> Tensor:
        return self.two_sample.collapse_bound(rows[:MAX_MONITORED], rng)

    def _start_game(self, rows: Batch, rng: Generator) -> None:
        """Count the conditions, and let the average go on from what the likelihood stage has found."""
        if self.conditions is not None:
            self.conditions.fit(rows, rng)
        if self.game.warm_start:
            self.average.restart(self.generator)

    def _calibrate(self, rows: Batch, rng: Generator) -> None:
        """Set the marginals of what is sampled right."""
        network = self.average.module
        network.correct_marginals(rows, self._noise(network, n_marginal_rows(len(self.layout.columns)), rng), rng)

    def _measure(self, rows: Batch, _rng: Generator) -> None:
        """Measure the critic's features on the training rows."""
        _, features = self.critic.value_and_features(rows)
        self.feature_mean.copy_(features.mean(0))
        self.feature_scale.copy_(features.std(0, correction=0).clamp(min=1e-6))
