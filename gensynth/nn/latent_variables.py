"""Base of models with latents: sampling, conditions, imputation and scores from prior and posterior."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from gensynth.model import Batch, GenerativeModel, Observed, Score
from gensynth.nn.columns_first import CANDIDATES, columns_of, draw_columns
from gensynth.nn.networks import Networks, RowDecoder
from gensynth.nn.tabular.marginals import n_marginal_rows

N_SCORE_DRAWS = 8
"""Posterior draws behind a score; the same noise for every row, so that scores are comparable and repeatable."""

OF_LATENTS = frozenset({"kl", "prior"})
"""Score methods that depend on the latents alone, so that they have no anomaly map."""


class LatentVariableModel(GenerativeModel):
    """Base of models p(row | latents) p(latents) with an encoder; a family defines its latents.

    In rows with an image the columns are sampled first: p(columns) p(latents | columns) p(image | latents), and the
    encoder sees the image alone. If the class were sampled after the latents, like the image, latents between classes
    would have to determine it.

    Parameters
    ----------
    networks : Networks
        The networks of the model.
    noises : sequence of float
        Standard deviation of the noise on each member's input in training.
    learning_rate : float
        Step size.
    """

    decoder: RowDecoder
    step: Tensor
    noise: Tensor

    def __init__(self, networks: Networks, noises: Sequence[float], learning_rate: float) -> None:
        super().__init__(networks.layout)
        self.networks, self.learning_rate = networks, learning_rate
        self.register_buffer("noise", torch.tensor(noises).view(-1, 1, 1), persistent=False)
        self.register_buffer("step", torch.zeros(()))

    @abstractmethod
    def draw_prior(self, n: int, rng: Generator, columns: Batch | None = None) -> Tensor:
        """Sample decoder inputs (1, n, width) from the prior; ``columns`` were sampled first."""

    @abstractmethod
    def posterior_draw(self, rows: Batch, rng: Generator) -> Tensor:
        """Draw latents (1, n, latent_dim) of rows."""

    @abstractmethod
    def log_prior_of(self, latents: Tensor, rows: Batch) -> Tensor:
        """Return (1, n) log-densities of latents (1, n, latent_dim) given the columns of the rows."""

    def to_decoder(self, latents: Tensor) -> Tensor:
        """Return decoder inputs (1, n, width) for latents (1, n, latent_dim): by default the latents."""
        return latents

    @abstractmethod
    def propose_for(self, rows: Batch, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return decoder inputs (n * c, width) of c candidates for each of n rows, and log-weights (n * c,).

        The rows are those being imputed, with their current values.
        """

    @abstractmethod
    def middle(self, inputs: Any) -> Tensor:
        """Return decoder inputs (members, n, width) at the posterior mean."""

    @abstractmethod
    def costs(self, inputs: Any, method: str) -> tuple[Tensor, Tensor]:
        """Return the costs of cells (members, n, k) and of latents (members, n), in nats."""

    def encode(self, batch: Batch) -> Tensor:
        """Return the posterior means (n, latent_dim) of the first member."""
        return self.middle(self.networks.inputs(batch))[0]

    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        """Sample latents from the prior, then cells; both are conditional on observed cells.

        With observed cells this is exact in the limit of many candidates.
        """
        first = self.decoder.first()
        if first is None and observed is not None:
            return self.decoder.impute(self.propose, observed, rng)
        if first is None:
            return self.decoder.sample(self.draw_prior(n, rng), rng)
        if observed is not None and observed.impute:
            return self._fill_beside_images(first, observed, rng)
        columns = draw_columns(first, n, rng, observed)
        return self.decoder.complete(columns, self.draw_prior(n, rng, columns), rng)

    def _fill_beside_images(self, first: RowDecoder, observed: Observed, rng: Generator) -> Batch:
        """Impute columns of rows with known images, at a posterior draw given the image alone."""

        def log_joint(latents: Tensor, rows: Batch) -> Tensor:
            return self.log_prior_of(latents, rows) + self.decoder.rest_log_likelihood(rows, self.to_decoder(latents))

        n, parts = len(observed), []
        step = max(self.networks.at_most(n * CANDIDATES) // CANDIDATES, 1)
        for some in torch.arange(n, device=observed.mask.device).split(step):
            own = observed[some]
            parts.append(columns_of(first, log_joint, self.posterior_draw(own.rows, rng), rng, own))
        return replace(Batch.cat(parts), pixels=observed.rows.pixels) if parts else observed.rows

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        """Sample one row for each latent (n, latent_dim)."""
        first, latents = self.decoder.first(), latents.unsqueeze(0)
        if first is None:
            return self.decoder.sample(self.to_decoder(latents), rng)
        columns = columns_of(first, self.log_prior_of, latents, rng)
        return self.decoder.complete(columns, self.to_decoder(latents), rng)

    def propose(self, rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return candidates and their log-weights as `gensynth.nn.tabular.imputation.Propose` asks."""
        if rows is not None:
            return self.propose_for(rows, c, rng)
        z = self.draw_prior(n * c, rng)[0]
        return z, z.new_zeros(n * c)

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Score rows, in nats; see `costs` of the family for its methods. Higher = more normal."""
        method = self.score_method(method)
        with torch.set_grad_enabled(attribute and self.layout.image is None):  # pixels need no gradients
            inputs = self.networks.inputs(batch, differentiable=attribute)
            costs = self.denoising(inputs) if method == "denoising" else self.costs(inputs, method)
            found = self.networks.score(*costs, inputs, attribute=attribute)
        return replace(found, pixels=None) if method in OF_LATENTS else found

    def conditional_interval(self, batch: Batch, position: int) -> tuple[Tensor, Tensor] | None:
        """Return the members' expectation given the other cells, plus and minus two deviations; None for sampling."""
        return self.networks.conditional_interval(batch, position, self.middle, self.decoder)

    def denoising(self, inputs: Any) -> tuple[Tensor, Tensor]:
        """Return `costs` of rows given latents of their noisy versions, the mean over noise levels.

        Vincent et al. 2010, "Stacked denoising autoencoders".
        """
        middles = (self.middle(noisy) for noisy in self.networks.corrupted(inputs))
        return cells_only(-torch.stack([self.decoder.log_likelihood(inputs, z) for z in middles]).mean(0))

    @torch.no_grad()
    def correct_marginals(self, batch: Batch, rng: Generator) -> None:
        """Correct the marginals of generated rows."""
        if not self.layout.columns:  # images alone
            return
        n, first = n_marginal_rows(len(self.layout.columns)), self.decoder.first()
        if first is not None:
            first.correct_marginals(batch, self.step.new_zeros(1, n, 0), rng)
        else:
            self.decoder.correct_marginals(batch, self.draw_prior(n, rng), rng)


def cells_only(cells: Tensor) -> tuple[Tensor, Tensor]:
    """Return costs of cells (members, n, k), and zero for the row as a whole (members, n)."""
    return cells, cells.new_zeros(cells.shape[:-1])


def importance_weighted(cells: Tensor, log_ratios: Tensor) -> tuple[Tensor, Tensor]:
    """Return costs that sum to -log mean_k p(row, z_k) / q(z_k | row) (Burda et al. 2016, equation 8).

    Arguments have the posterior draws first: ``cells`` (draws, members, n, k) are log p(cell | z_k), whose means are
    the costs of the cells, and ``log_ratios`` (draws, members, n) are log p(z_k) - log q(z_k | row).
    """
    bound = (cells.sum(-1) + log_ratios).logsumexp(0) - math.log(len(cells))
    return -cells.mean(0), cells.mean(0).sum(-1) - bound


def latents_only(costs: Tensor, n_cells: int) -> tuple[Tensor, Tensor]:
    """Return costs of the row as a whole (members, n), and zero for its cells (members, n, k)."""
    return costs.new_zeros(*costs.shape, n_cells), costs
