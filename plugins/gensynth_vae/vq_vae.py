"""The recipe ``vq-vae``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.model import Encoding, GenerativeModel, Layout, Recipe
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding
from gensynth.nn.dropout import fitting_rate
from gensynth.nn.quantiser import VectorQuantiser
from gensynth_vae.choices import check_ranges
from gensynth_vae.parts import Encoder, row_decoder
from gensynth_vae.quantised import CodePrior, QuantisedModel


@dataclass(eq=False)
class VQVAE(Recipe):
    """VQ-VAE: a row is a few code-book entries; an autoregressive density over them is learned in a second stage.

    Parameters
    ----------
    groups : int, default=4
        Code-book entries a row.
    n_codes : int or None, default=None
        Entries of each code book; None chooses from the number of rows.
    code_dim : int, default=8
        Width of an entry.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    embedding_dim : int, default=16
        Width of a cell's embedding.
    commitment : float, default=0.25
        Weight of the distance between encoder and entries (beta of equation 3).
    decay : float, default=0.99
        Of the moving averages that the code books follow.
    prior_width : int, default=48
        Hidden units of the density of the codes, a code book.
    dropout : float or None, default=None
        Share of units dropped in the density of the codes; None chooses from the number of rows.
    learning_rate : float, default=2e-3
        Step size of the autoencoder.
    max_bins : int, default=100
        Most quantile bins of a numeric column.
    passes : int, default=8
        Passes that a row is written in: the columns of one are independent given the latent and the passes before.
        1 makes all cells independent given the latent, and sampling fastest.

    References
    ----------
    van den Oord et al. 2017, "Neural discrete representation learning" (arXiv 1711.00937).
    """

    groups: int = 4
    n_codes: int | None = None
    code_dim: int = 8
    hidden: tuple[int, ...] = (128, 128)
    embedding_dim: int = 16
    commitment: float = 0.25
    decay: float = 0.99
    prior_width: int = 48
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
        check_ranges(groups=(self.groups, 1, 1024), code_dim=(self.code_dim, 1, 4096), decay=(self.decay, 0, 1))
        n_codes = self.n_codes or max(8, min(32, layout.n_rows // 50))
        dropout = fitting_rate(layout.n_rows) if self.dropout is None else self.dropout
        buckets = Buckets(layout)
        cells = CellEmbedding(layout, buckets, self.embedding_dim)
        hidden, width = tuple(self.hidden), self.groups * self.code_dim
        return QuantisedModel(
            layout,
            Encoder(layout, cells, hidden, width, dropout),
            VectorQuantiser(self.groups, n_codes, self.code_dim, self.decay),
            row_decoder(layout, buckets, cells, passes=self.passes, hidden=hidden, latent_dim=width, dropout=dropout),
            CodePrior(self.groups, n_codes, self.prior_width, dropout),
            self.commitment,
            self.learning_rate,
        )
