"""The recipe ``vlae``."""

from __future__ import annotations

from dataclasses import dataclass

from gensynth.model import Encoding, GenerativeModel, Layout, Recipe
from gensynth.nn.autoregressive import AutoregressiveDecoder
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding
from gensynth.nn.dropout import fitting_rate
from gensynth.nn.priors import AutoregressivePrior
from gensynth_vae.choices import check_ranges
from gensynth_vae.latent import Divergence, LatentModel
from gensynth_vae.parts import Encoder


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
    learning_rate : float, default=4e-3
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
    learning_rate: float = 4e-3
    max_bins: int = 128

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        check_ranges(
            latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6), max_bins=(self.max_bins, 2, 10_000)
        )
        dropout = fitting_rate(layout.n_rows) if self.dropout is None else self.dropout
        small, wide = layout.n_rows < 2000, len(layout.columns) > 200
        width = self.width or (64 if small or wide else 128)
        hidden = self.hidden or (32 if small or wide else 64)
        buckets = Buckets(layout)
        cells = CellEmbedding(layout, buckets, self.embedding_dim)
        decoder = AutoregressiveDecoder(layout, buckets, cells, width, hidden, dropout, self.latent_dim)
        return LatentModel(
            layout,
            Encoder(layout, cells, (width, width), 2 * self.latent_dim, dropout),
            decoder,
            latent_dim=self.latent_dim,
            prior=AutoregressivePrior(self.latent_dim),
            divergence=Divergence(self.beta, free_nats=self.free_nats),
            learning_rate=self.learning_rate,
        )
