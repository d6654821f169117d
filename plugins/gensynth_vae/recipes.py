"""The variational families: each a choice of encoder, decoder, divergence and prior."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gensynth.errors import OptionError
from gensynth.model import Encoding, GenerativeModel, Layout, Recipe
from gensynth.nn.autoregressive import AutoregressiveDecoder
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding
from gensynth.nn.priors import AutoregressivePrior, MixturePrior, Prior
from gensynth_vae.latent import Divergence, LatentModel
from gensynth_vae.parts import Encoder, IndependentDecoder


def _fitting_dropout(layout: Layout) -> float:
    """Small tables overfit: .1 from 10,000 rows on, up to .5 for a hundred."""
    return min(0.5, max(0.1, 0.1 * math.sqrt(10_000 / max(layout.n_rows, 1))))


def _check(**ranges: tuple[float, float, float]) -> None:
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise OptionError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")


@dataclass(eq=False)
class VAE(Recipe):
    """Variational autoencoder over codes, with independent cells given the latent.

    Departs from the paper in two measured points: the divergence has a weight below 1 (at 1 the posterior
    collapses on tables: every column independent), and sampling uses a mixture fitted to the latents in a second
    stage instead of N(0, I) (``prior="normal"`` and ``beta=1`` give the paper's).

    Parameters
    ----------
    latent_dim : int, default=16
        Width of the latent.
    hidden : tuple of int, default=(256, 256)
        Hidden widths of encoder and decoder.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    beta : float, default=0.2
        Weight of the divergence.
    warmup : int, default=1000
        Steps over which that weight grows from 0.
    prior : {"autoregressive", "mixture", "flow", "normal"}, default="mixture"
        Density of the latents that sampling draws from.
    dropout : float or None, default=0.0
        Share of hidden units dropped in training; None chooses from the number of rows.
    learning_rate : float, default=1e-3
        Step size.
    max_bins : int, default=100
        Most quantile bins of a numeric column.

    References
    ----------
    Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114), equation 10.
    Dai & Wipf 2019, "Diagnosing and enhancing VAE models" (arXiv 1903.05789): the second stage.
    """

    latent_dim: int = 16
    hidden: tuple[int, ...] = (256, 256)
    embedding_dim: int = 16
    beta: float = 0.2
    warmup: int = 1000
    prior: str = "mixture"
    dropout: float | None = 0.0
    learning_rate: float = 1e-3
    max_bins: int = 100

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        _check(latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6), max_bins=(self.max_bins, 2, 10_000))
        return _independent(self, layout, Divergence(self.beta, self.warmup))


@dataclass(eq=False)
class BetaVAE(Recipe):
    """beta-VAE: the divergence weighted by ``beta``, or steered to a growing ``capacity``.

    Parameters
    ----------
    latent_dim : int, default=16
        Width of the latent.
    hidden : tuple of int, default=(256, 256)
        Hidden widths of encoder and decoder.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    beta : float, default=4.0
        Weight of the distance between divergence and capacity (of the divergence itself without a capacity).
    capacity : float or None, default=8.0
        Nats of divergence to aim for, reached linearly over ``warmup`` steps; None for a plain weight.
    warmup : int, default=2000
        Steps over which weight or capacity grow.
    prior : {"autoregressive", "mixture", "flow", "normal"}, default="mixture"
        Density of the latents that sampling draws from.
    dropout : float or None, default=0.0
        Share of hidden units dropped in training; None chooses from the number of rows.
    learning_rate : float, default=1e-3
        Step size.
    max_bins : int, default=100
        Most quantile bins of a numeric column.

    References
    ----------
    Higgins et al. 2017, "beta-VAE", equation 4. Burgess et al. 2018 (arXiv 1804.03599), equation 8.
    """

    latent_dim: int = 16
    hidden: tuple[int, ...] = (256, 256)
    embedding_dim: int = 16
    beta: float = 4.0
    capacity: float | None = 8.0
    warmup: int = 2000
    prior: str = "mixture"
    dropout: float | None = 0.0
    learning_rate: float = 1e-3
    max_bins: int = 100

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        _check(latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6), max_bins=(self.max_bins, 2, 10_000))
        return _independent(self, layout, Divergence(self.beta, self.warmup, capacity=self.capacity))


@dataclass(eq=False)
class VLAE(Recipe):
    """Variational lossy autoencoder: an autoregressive decoder over cells, and an autoregressive-flow prior.

    The default of gensynth for tables. Numbers are quantile bins with a learned density inside each bin.

    Parameters
    ----------
    latent_dim : int, default=8
        Width of the latent.
    width : int or None, default=None
        Width of the context that columns share; None chooses from the table.
    hidden : int or None, default=None
        Width of each column's hidden vector; None chooses from the table.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    beta : float, default=1.0
        Weight of the divergence.
    free_nats : float, default=0.5
        Divergence that costs nothing, so that the latent is used.
    dropout : float or None, default=None
        Share of units dropped in training; None chooses from the number of rows.
    learning_rate : float, default=2e-3
        Step size.
    max_bins : int, default=128
        Most quantile bins of a numeric column.

    References
    ----------
    Chen et al. 2017, "Variational lossy autoencoder" (arXiv 1611.02731), sections 2.2 and 3.2.
    """

    latent_dim: int = 8
    width: int | None = None
    hidden: int | None = None
    embedding_dim: int = 16
    beta: float = 1.0
    free_nats: float = 0.5
    dropout: float | None = None
    learning_rate: float = 2e-3
    max_bins: int = 128

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        _check(latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6), max_bins=(self.max_bins, 2, 10_000))
        dropout = _fitting_dropout(layout) if self.dropout is None else self.dropout
        small, wide = layout.n_rows < 2000, len(layout.columns) > 200
        width = self.width or (64 if small or wide else 128)
        hidden = self.hidden or (32 if small or wide else 64)
        buckets = Buckets(layout)
        cells = CellEmbedding(layout, buckets, self.embedding_dim)
        decoder = AutoregressiveDecoder(layout, buckets, cells, width, hidden, dropout, self.latent_dim)
        return LatentModel(
            layout,
            Encoder(layout, cells, (width, width), self.latent_dim, dropout),
            decoder,
            latent_dim=self.latent_dim,
            prior=AutoregressivePrior(self.latent_dim),
            divergence=Divergence(self.beta, free_nats=self.free_nats),
            learning_rate=self.learning_rate,
            weight_decay=1e-3,
        )


def _independent(recipe: VAE | BetaVAE, layout: Layout, divergence: Divergence) -> GenerativeModel:
    """Return the model of `VAE` and `BetaVAE`, which differ in their divergence only."""
    dropout = _fitting_dropout(layout) if recipe.dropout is None else recipe.dropout
    buckets = Buckets(layout)
    cells = CellEmbedding(layout, buckets, recipe.embedding_dim)
    hidden = tuple(recipe.hidden)
    return LatentModel(
        layout,
        Encoder(layout, cells, hidden, recipe.latent_dim, dropout),
        IndependentDecoder(layout, buckets, hidden, recipe.latent_dim, dropout),
        latent_dim=recipe.latent_dim,
        late_prior=_late_prior(recipe.prior, recipe.latent_dim, layout),
        divergence=divergence,
        learning_rate=recipe.learning_rate,
    )


def _late_prior(name: str, latent_dim: int, layout: Layout) -> Prior | None:
    if name == "normal":
        return None
    if name == "flow":
        return AutoregressivePrior(latent_dim)
    if name == "autoregressive":
        return AutoregressivePrior(latent_dim, n_components=10)
    if name == "mixture":
        return MixturePrior(latent_dim, max(4, min(100, layout.n_rows // 50)))
    raise OptionError(f"prior must be autoregressive, mixture, flow or normal, got {name!r}")
