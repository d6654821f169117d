"""The recipes ``vae`` and ``beta-vae``, which differ in their divergence only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.model import Encoding, GenerativeModel, Layout, Recipe
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding
from gensynth.nn.dropout import fitting_rate
from gensynth_vae.choices import check_ranges, named_prior
from gensynth_vae.latent import Divergence, LatentModel
from gensynth_vae.parts import Encoder, row_decoder


@dataclass(eq=False)
class VAE(Recipe):
    """Variational autoencoder over codes, with independent cells given the latent.

    Departs from the paper in two measured points: the divergence has a weight below 1 (at 1 the posterior
    collapses on tables: every column independent), and sampling uses a density fitted to the latents in a second
    stage instead of N(0, I) (``prior="normal"`` and ``beta=1`` give the paper's).

    Parameters
    ----------
    latent_dim : int, default=16
        Width of the latent.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    beta : float, default=0.5
        Weight of the divergence.
    warmup : int, default=1000
        Steps over which that weight grows from 0.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"}, default="blockwise"
        Density of the latents that sampling draws from.
    dropout : float or None, default=None
        Share of hidden units dropped in training; None chooses from the number of rows.
    learning_rate : float, default=2e-3
        Step size.
    max_bins : int, default=100
        Most quantile bins of a numeric column.
    passes : int, default=8
        Passes that a row is written in: the columns of one are independent given the latent and the passes before.
        1 makes all cells independent given the latent, and sampling fastest.

    References
    ----------
    Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114), equation 10.
    Dai & Wipf 2019, "Diagnosing and enhancing VAE models" (arXiv 1903.05789): the second stage.
    """

    latent_dim: int = 16
    hidden: tuple[int, ...] = (128, 128)
    embedding_dim: int = 16
    beta: float = 0.5
    warmup: int = 1000
    prior: str = "blockwise"
    dropout: float | None = None
    learning_rate: float = 2e-3
    max_bins: int = 100
    passes: int = 8
    before: ClassVar[Mapping[str, Any]] = {"passes": 1}

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        check_ranges(
            latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6), max_bins=(self.max_bins, 2, 10_000)
        )
        return _independent(self, layout, Divergence(self.beta, self.warmup))


@dataclass(eq=False)
class BetaVAE(Recipe):
    """beta-VAE: the divergence weighted by ``beta``, or steered to a growing ``capacity``.

    Parameters
    ----------
    latent_dim : int, default=16
        Width of the latent.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    beta : float, default=4.0
        Weight of the distance between divergence and capacity (of the divergence itself without a capacity).
    capacity : float or None, default=4.0
        Nats of divergence to aim for, reached linearly over ``warmup`` steps; None for a plain weight.
    warmup : int, default=2000
        Steps over which weight or capacity grow.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"}, default="blockwise"
        Density of the latents that sampling draws from.
    dropout : float or None, default=None
        Share of hidden units dropped in training; None chooses from the number of rows.
    learning_rate : float, default=2e-3
        Step size.
    max_bins : int, default=100
        Most quantile bins of a numeric column.
    passes : int, default=8
        Passes that a row is written in: the columns of one are independent given the latent and the passes before.
        1 makes all cells independent given the latent, and sampling fastest.

    References
    ----------
    Higgins et al. 2017, "beta-VAE", equation 4. Burgess et al. 2018 (arXiv 1804.03599), equation 8.
    """

    latent_dim: int = 16
    hidden: tuple[int, ...] = (128, 128)
    embedding_dim: int = 16
    beta: float = 4.0
    capacity: float | None = 4.0
    warmup: int = 2000
    prior: str = "blockwise"
    dropout: float | None = None
    learning_rate: float = 2e-3
    max_bins: int = 100
    passes: int = 8
    before: ClassVar[Mapping[str, Any]] = {"passes": 1}

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        check_ranges(
            latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6), max_bins=(self.max_bins, 2, 10_000)
        )
        return _independent(self, layout, Divergence(self.beta, self.warmup, capacity=self.capacity))


def _independent(recipe: VAE | BetaVAE, layout: Layout, divergence: Divergence) -> GenerativeModel:
    """Return the model of `VAE` and `BetaVAE`, which differ in their divergence only."""
    dropout = fitting_rate(layout.n_rows) if recipe.dropout is None else recipe.dropout
    buckets = Buckets(layout)
    cells = CellEmbedding(layout, buckets, recipe.embedding_dim)
    hidden = tuple(recipe.hidden)
    return LatentModel(
        layout,
        Encoder(layout, cells, hidden, 2 * recipe.latent_dim, dropout),
        row_decoder(
            layout,
            buckets,
            cells,
            passes=recipe.passes,
            hidden=hidden,
            latent_dim=recipe.latent_dim,
            dropout=dropout,
        ),
        latent_dim=recipe.latent_dim,
        late_prior=named_prior(recipe.prior, recipe.latent_dim, layout),
        divergence=divergence,
        learning_rate=recipe.learning_rate,
    )
