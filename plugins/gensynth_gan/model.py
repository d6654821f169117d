"""The adversarial game that samples rows of a table: one model for every loss, penalty and condition."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.model import Batch, Fit, Observed, Score, Stage
from gensynth.nn.ensemble import standard_normal
from gensynth.nn.tabular.marginals import correct_biases, n_marginal_rows
from gensynth.nn.tabular.relaxed import RelaxedRows
from gensynth.nn.tabular.two_sample import TwoSample

from .conditions import ConditionTable, given_cells
from .critic import RowCritic
from .game import AdversarialGame
from .generator import RowGenerator
from .objective import AdversarialObjective

GAME_STEPS = 8000
"""Steps of the critic of a game that takes the whole run: falling learning rates count for more than length."""
MAX_MONITORED = 10_000
"""Held-out rows that the two-sample statistic is computed on, at most."""


class AdversarialModel(AdversarialGame):
    """Generator against critic over encoded rows, one member.

    Both see rows as `RelaxedRows`: numbers as normal scores, codes one-hot, drawn, with a gradient. The condition cells
    of generated rows are those of the real rows of the batch, so that both sides see the true class frequencies.
    A moving average of the weights is what is sampled and monitored; training keeps what was best by a two-sample
    statistic of held-out rows, never by a loss.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    objective : AdversarialObjective
        Loss, penalty, condition, pace; without condition columns a conditional one is unconditional.
    noise_dim, width, pac : int
        See `RowGenerator` and `RowCritic`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("feature", "critic")
    penalised: ClassVar[float] = 0.5
    critic_rate: ClassVar[float] = 4.0
    """Two time scales: Heusel et al. 2017, arXiv:1706.08500."""
    members = 1

    generator: RowGenerator
    critic: RowCritic
    feature_mean: Tensor
    feature_scale: Tensor

    def __init__(
        self, layout: Layout, objective: AdversarialObjective, *, noise_dim: int, width: int, pac: int
    ) -> None:
        super().__init__(layout, objective)
        n_conditions = layout.n_conditions if objective.conditional else 0
        if 0 < n_conditions == len(layout.columns):
            raise CapabilityError(
                "every column of the table is a condition: nothing is left to generate; leave a column out of "
                "condition_on"
            )
        self.conditions = ConditionTable(layout) if n_conditions else None
        self.rows = RelaxedRows(layout)
        given = self.rows.entries_of(tuple(range(n_conditions)))
        self.generator = RowGenerator(self.rows, given, noise_dim, width)
        self.critic = RowCritic(self.rows, width, pac)
        self.clip_critic()
        self.two_sample = TwoSample(layout)
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return the game, and what is measured before and after it; with a share for it, a stage without a critic."""
        game = self.game(GAME_STEPS, full_run=True, collapse_bound=self._collapse_bound)
        start, end = Fit("columns", self._measure_table), Fit("marginals", self._measure_samples, MAX_MONITORED)
        return start, *game, end

    @torch.no_grad()
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the two-sample statistic between these rows and as many generated ones."""
        batch = batch[:MAX_MONITORED]
        return self.two_sample(batch, self.generate(len(batch), rng))

    @torch.no_grad()
    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        """Draw rows; observed condition cells come back exactly, others are drawn with their true frequencies.

        Raises
        ------
        CapabilityError
            Columns are observed that the model was not built to be conditioned on, or gaps are to be imputed.
        """
        given = given_cells(self.layout, self.conditions, n, rng, observed, self.feature_mean)
        row = self.feature_mean.new_zeros(n, 0) if given is None else self.rows.encode(given, rng)
        rows = self.rows.decode(self._draw(row, rng), rng)
        if given is None:
            return rows
        return Observed.of_columns(tuple(range(self.layout.n_conditions)), given).put_into(rows, self.layout)

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows (n,), higher = more normal.

        "feature": minus half the squared distance of the critic's last hidden layer from its mean over the training
        rows, in units of its spread there, the mean over units (the feature residual of Schlegl et al. 2017, "AnoGAN",
        arXiv:1703.05921, eq. 4, without the search for a latent), and of the numbers that it sees from their middle:
        the layer alone says little of rows that neither the table nor the generator ever showed it. "critic": the
        critic's value of the row packed with itself; it was trained to tell real from generated rows and says little
        of rows that are like neither, and less the better the generator.
        """
        method = self.score_method(method)
        vectors = self.rows.encode(batch)
        value, hidden = self.critic.value_and_hidden(vectors)
        if method == "critic":
            return Score(value)
        deep = ((hidden - self.feature_mean) / self.feature_scale).square().mean(1)
        return Score(-0.5 * deep - self.rows.outlyingness(batch, vectors).sum(1))

    def real(self, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return packs of what the critic sees of rows (1, packs, width), and the rows as vectors."""
        n, pac = len(batch), self.critic.pac
        whole = slice(n - n % pac) if n >= pac else torch.arange(pac, device=batch.codes.device) % n
        row = self.rows.encode(batch[whole], rng)
        return self._packs(row), row

    def fake(self, given: Tensor, rng: Generator) -> Tensor:
        """Return packs (1, packs, width) of as many generated rows as are given."""
        return self._packs(self._draw(given, rng))

    def values(self, points: Tensor) -> Tensor:
        """Return the critic's values (1, packs)."""
        value: Tensor = self.critic(points)
        return value.unsqueeze(0)

    def features(self, points: Tensor) -> Tensor:
        """Return what the critic sees of each row of packs (1, rows, n_features)."""
        return points.view(1, -1, self.critic.n_features)

    def _packs(self, vectors: Tensor) -> Tensor:
        return self.critic.features(vectors).view(1, -1, self.critic.pac * self.critic.n_features)

    def _draw(self, row: Tensor, rng: Generator) -> Tensor:
        """Return as many generated vectors as ``row`` has rows, with its given entries."""
        noise = standard_normal((len(row), self.generator.noise_dim), row, rng)
        drawn: Tensor = self.generator(noise, rng, row if self.conditions is not None else None)
        return drawn

    @torch.no_grad()
    def _collapse_bound(self, rows: Batch, rng: Generator) -> Tensor:
        return self.two_sample.collapse_bound(rows[:MAX_MONITORED], rng)

    def _measure_table(self, rows: Batch, rng: Generator) -> None:
        """Measure the columns, and count the conditions."""
        self.rows.fit(rows)
        if self.conditions is not None:
            self.conditions.fit(rows, rng)

    def _measure_samples(self, rows: Batch, rng: Generator) -> None:
        """Set the marginals of what is sampled right, and measure the critic's features on the training rows."""
        n = n_marginal_rows(len(self.layout.columns))
        pick = torch.randint(len(rows), (n,), generator=rng, device=rows.codes.device)
        row = self.rows.encode(rows[pick], rng)
        outputs = self.generator.outputs(standard_normal((n, self.generator.noise_dim), row, rng), row)
        self.rows.fit_drawn(outputs)
        logits, bias = outputs[:, self.rows.n_scores :], self.generator.network.out.bias[self.rows.n_scores :]
        correct_biases(bias, logits, self.rows.codes(rows), self.rows.code_slots)
        _, hidden = self.critic.value_and_hidden(self.rows.encode(rows))
        self.feature_mean.copy_(hidden.mean(0))
        self.feature_scale.copy_(hidden.std(0, correction=0).clamp(min=1e-6))
