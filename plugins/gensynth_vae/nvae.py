"""The recipe ``nvae``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.model import Encoding, GenerativeModel, Layout, Recipe
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding
from gensynth.nn.dropout import fitting_rate
from gensynth_vae.choices import check_ranges, named_prior
from gensynth_vae.hierarchical import HierarchicalModel, Level
from gensynth_vae.parts import Encoder, row_decoder


@dataclass(eq=False)
class NVAE(Recipe):
    """NVAE for tables: a top-down hierarchy of latents, residual posteriors with normalizing flows.

    What the paper does to images with residual convolutions is done here with residual perceptrons; batch norm and
    squeeze-and-excitation have no counterpart.

    Parameters
    ----------
    levels : int, default=3
        Groups of latents.
    latent_dim : int, default=6
        Latents a group.
    width : int, default=128
        Width of features and state.
    flows : int, default=1
        Inverse autoregressive flows in each posterior.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    beta : float, default=0.5
        Final weight of the divergences.
    warmup : int, default=1000
        Steps over which that weight grows from 0, the levels balanced meanwhile.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"}, default="blockwise"
        Density fitted to the latents of all levels in a second stage; "normal" samples from the hierarchy's own.
    dropout : float or None, default=None
        Share of units dropped in training; None chooses from the number of rows.
    spectral : float, default=1e-3
        Weight of the spectral regularisation.
    learning_rate : float, default=2e-3
        Step size.
    max_bins : int, default=100
        Most quantile bins of a numeric column.
    passes : int, default=8
        Passes that a row is written in: the columns of one are independent given the latent and the passes before.
        1 makes all cells independent given the latent, and sampling fastest.

    References
    ----------
    Vahdat & Kautz 2020, "NVAE: A deep hierarchical variational autoencoder" (arXiv 2007.03898).
    """

    levels: int = 3
    latent_dim: int = 6
    width: int = 128
    flows: int = 1
    embedding_dim: int = 16
    beta: float = 0.5
    warmup: int = 1000
    prior: str = "blockwise"
    dropout: float | None = None
    spectral: float = 1e-3
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
        check_ranges(levels=(self.levels, 1, 64), latent_dim=(self.latent_dim, 1, 4096), beta=(self.beta, 0, 1e6))
        dropout = fitting_rate(layout.n_rows) if self.dropout is None else self.dropout
        buckets = Buckets(layout)
        cells = CellEmbedding(layout, buckets, self.embedding_dim)
        return HierarchicalModel(
            layout,
            Encoder(layout, cells, (self.width, self.width), self.width, dropout),
            [Level(self.width, self.latent_dim, self.flows, dropout) for _ in range(self.levels)],
            row_decoder(
                layout, buckets, cells, passes=self.passes, hidden=(self.width,), latent_dim=self.width, dropout=dropout
            ),
            late_prior=named_prior(self.prior, self.levels * self.latent_dim, layout),
            width=self.width,
            latent_dim=self.latent_dim,
            beta=self.beta,
            warmup=self.warmup,
            spectral=self.spectral,
            learning_rate=self.learning_rate,
        )
