"""GAN that samples rows of a table, for every loss, penalty and condition."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.model import Batch, Fit, Stage
from gensynth.nn.tabular.marginals import correct_biases, n_marginal_rows

from .game import AdversarialObjective
from .networks import RowCritic, RowGenerator
from .sampled_game import SampledGame

GAME_STEPS = 16_000
"""Critic steps of a full run; with half of them the TSTR gap is about a quarter larger."""
MAX_MONITORED = 10_000
"""Maximal number of held-out rows for the two-sample statistic."""


class AdversarialModel(SampledGame):
    """GAN over encoded rows.

    Parameters
    ----------
    layout, objective
        As of `SampledGame`.
    noise_dim, width, pac : int
        See `RowGenerator` and `RowCritic`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("feature", "critic")
    penalised: ClassVar[float] = 0.5
    critic_rate: ClassVar[float] = 4.0
    """Two time scales: Heusel et al. 2017, arXiv:1706.08500."""
    generator: RowGenerator
    critic: RowCritic

    def __init__(
        self, layout: Layout, objective: AdversarialObjective, *, noise_dim: int, width: int, pac: int
    ) -> None:
        super().__init__(layout, objective, noise_dim, width)
        if 0 < self.n_conditions == len(layout.columns):
            raise CapabilityError(
                "every column of the table is a condition: nothing is left to generate; leave a column out of "
                "condition_on"
            )
        self.generator = RowGenerator(self.rows, self.n_conditions, noise_dim, width)
        self.critic = RowCritic(self.rows, width, pac)
        self.clip_critic()

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return the adversarial stage with the fits before and after it, and pretraining if requested."""
        game = self.game(GAME_STEPS, full_run=True, collapse_bound=self._collapse_bound)
        start, end = Fit("columns", self.measure_columns), Fit("marginals", self._measure_samples, MAX_MONITORED)
        return start, *game, end

    @torch.no_grad()
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the two-sample statistic between these rows and as many generated ones."""
        batch = batch[:MAX_MONITORED]
        return self.two_sample(batch, self.generate(len(batch), rng))

    @torch.no_grad()
    def _collapse_bound(self, rows: Batch, rng: Generator) -> Tensor:
        return self.two_sample.collapse_bound(rows[:MAX_MONITORED], rng)

    def real(self, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return whole packs of rows, and the rows as vectors."""
        n, pac = len(batch), self.critic.pac
        return super().real(batch[slice(n - n % pac) if n >= pac else torch.arange(pac, device=batch.device) % n], rng)

    def drawn(self, row: Tensor, rng: Generator) -> tuple[None, Tensor]:
        """Return as many generated vectors as ``row`` has rows, with its given entries."""
        return None, self.generator(self.noise(row, rng), row, rng)

    def points(self, pixels: None, row: Tensor) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return packs of the critic's features of rows (1, packs, width)."""
        return self.critic.features(row).view(1, -1, self.critic.pac * self.critic.n_features)

    def values(self, points: Tensor) -> Tensor:
        """Return the critic's values (1, packs)."""
        value: Tensor = self.critic(points)
        return value.unsqueeze(0)

    def features(self, points: Tensor) -> Tensor:
        """Return the critic's input features of each row of packs (1, rows, n_features)."""
        return points.view(1, -1, self.critic.n_features)

    def value_and_hidden(self, pixels: None, row: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002 - likewise
        """Return the critic's value and last hidden layer of each row, packed with itself."""
        return self.critic.value_and_hidden(row)

    def _measure_samples(self, rows: Batch, rng: Generator) -> None:
        """Correct the marginals of samples, and fit the critic's features on the training rows."""
        n = n_marginal_rows(len(self.layout.columns))
        pick = torch.randint(len(rows), (n,), generator=rng, device=rows.device)
        row = self.rows.encode(rows[pick], rng)
        outputs = self.generator.outputs(self.noise(row, rng), row)
        self.rows.fit_drawn(outputs)
        logits, bias = outputs[:, self.rows.n_scores :], self.generator.network.out.bias[self.rows.n_scores :]
        correct_biases(bias, logits, self.rows.codes(rows), self.rows.code_slots)
        self.measure_features(self.value_and_hidden(None, self.rows.encode(rows))[1])
