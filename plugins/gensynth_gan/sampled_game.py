"""Base of the GANs that sample: one generator and one critic, for tables and for images."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from gensynth.layout import Layout
from gensynth.model import Batch, Observed, Score
from gensynth.nn.ensemble import standard_normal
from gensynth.nn.tabular.relaxed import RelaxedRows
from gensynth.nn.tabular.two_sample import TwoSample

from .conditions import ConditionTable, check_given
from .game import AdversarialGame, AdversarialObjective


class SampledGame(AdversarialGame):
    """Base of sampling GANs over `RelaxedRows`: normal scores, and sampled codes with a straight-through gradient.

    The condition cells of generated rows are those of the real rows of the batch, so that both have the true class
    frequencies. Samples and monitor use a moving average of the weights; training keeps the best weights by a
    two-sample statistic on held-out rows, never by a loss.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    objective : AdversarialObjective
        Loss, penalty, condition, learning rates; unconditional if there are no condition columns.
    noise_dim, width : int
        Dimension of the generator's noise, and width of the critic's last hidden layer.
    """

    members = 1
    feature_mean: Tensor
    feature_scale: Tensor

    def __init__(self, layout: Layout, objective: AdversarialObjective, noise_dim: int, width: int) -> None:
        super().__init__(layout, objective)
        self.noise_dim = noise_dim
        self.n_conditions = layout.n_conditions if objective.conditional else 0
        self.conditions = ConditionTable(layout) if self.n_conditions else None
        self.rows, self.two_sample = RelaxedRows(layout), TwoSample(layout)
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))

    @abstractmethod
    def drawn(self, row: Tensor, rng: Generator) -> tuple[Any, Tensor]:
        """Generate images, if there are any, and vectors of columns, one for each vector with its given entries."""

    @abstractmethod
    def points(self, pixels: Any, row: Tensor) -> Tensor:
        """Return the critic's inputs (1, n, width) for images and vectors of columns."""

    @abstractmethod
    def value_and_hidden(self, pixels: Any, row: Tensor) -> tuple[Tensor, Tensor]:
        """Return the critic's value (n,) of each row, and its last hidden layer (n, width)."""

    @torch.no_grad()
    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        """Sample rows; observed condition cells are returned exactly, others sampled with their true frequencies.

        Raises
        ------
        CapabilityError
            Observed columns are not condition columns of the model, or missing cells are to be imputed.
        """
        check_given(self.layout, self.n_conditions, observed)
        given = None if self.conditions is None else self.conditions.draw(n, rng, observed, self.feature_mean)
        row = self.feature_mean.new_zeros(n, self.rows.width) if given is None else self.rows.encode(given.rows, rng)
        pixels, vectors = self.drawn(row, rng)
        rows = replace(self.rows.decode(vectors, rng), pixels=pixels)
        return rows if given is None else given.put_into(rows, self.layout)

    @torch.no_grad()
    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows (n,), higher = more normal.

        "feature": minus half the mean squared distance of the critic's last hidden layer from its mean over the
        training rows, in units of its spread (the feature residual of Schlegl et al. 2017, "AnoGAN", arXiv:1703.05921,
        eq. 4, without the search for a latent), minus the outlyingness of the cells, because the critic's features are
        unreliable far from training data and generated rows. "critic": the critic's value; it separates real from
        generated rows, and carries little information about rows that are like neither, or if the generator is good.
        """
        method, row = self.score_method(method), self.rows.encode(batch)
        value, hidden = self.value_and_hidden(batch.pixels, row)
        if method == "critic":
            return Score(value)
        deep = ((hidden - self.feature_mean) / self.feature_scale).square().mean(1)
        return Score(-0.5 * deep - self.rows.outlyingness(batch, row).sum(1))

    def real(self, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return the critic's inputs for rows, and their columns as vectors."""
        row = self.rows.encode(batch, rng)
        return self.points(batch.pixels, row), row

    def fake(self, given: Tensor, rng: Generator) -> Tensor:
        """Return the critic's inputs for generated rows, one for each given row."""
        return self.points(*self.drawn(given, rng))

    def noise(self, row: Tensor, rng: Generator) -> Tensor:
        """Draw noise (n, noise_dim) for columns as vectors."""
        return standard_normal((len(row), self.noise_dim), row, rng)

    def measure_columns(self, rows: Batch, rng: Generator) -> None:
        """Fit the columns and the distribution of conditions."""
        self.rows.fit(rows)
        if self.conditions is not None:
            self.conditions.fit(rows, rng)

    def measure_features(self, hidden: Tensor) -> None:
        """Fit the metric of the critic's last hidden layer (n, width) to the training rows."""
        self.feature_mean.copy_(hidden.mean(0))
        self.feature_scale.copy_(hidden.std(0, correction=0).clamp(min=1e-6))
