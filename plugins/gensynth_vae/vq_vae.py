"""The recipe ``vq-vae``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import NONE, Constraint, number, whole
from gensynth.model import GenerativeModel, Layout
from gensynth.nn.tabular.encoder import CellEncoder
from gensynth.nn.tabular.independent_decoder import grouped_decoder
from gensynth.nn.vector_quantizer import VectorQuantizer
from gensynth_vae.choices import LATENT, WEIGHT, WIDTH, WIDTHS
from gensynth_vae.quantised import CodePrior, QuantisedModel
from gensynth_vae.variational import InColumnGroups


@dataclass(eq=False)
class VQVAE(InColumnGroups):
    """VQ-VAE: a row is a few code-book entries; an autoregressive density over them is learned in a second stage.

    Parameters
    ----------
    groups : int, default=2
        Code-book entries a row.
    n_codes : int or None, default=None
        Entries of each code book; None chooses from the number of rows.
    code_dim : int, default=8
        Width of an entry.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    commitment : float, default=0.25
        Weight of the distance between encoder and entries (beta of equation 3).
    decay : float, default=0.99
        Of the moving averages that the code books follow.
    prior_width : int, default=48
        Hidden units of the density of the codes, a code book.

    References
    ----------
    van den Oord et al. 2017, "Neural discrete representation learning" (arXiv 1711.00937).
    """

    score_methods: ClassVar[tuple[str, ...]] = QuantisedModel.score_methods
    constraints: ClassVar[Mapping[str, Constraint]] = {
        "groups": whole(1, 1024),
        "n_codes": NONE | whole(2, 65_536),
        "code_dim": LATENT,
        "hidden": WIDTHS,
        "commitment": WEIGHT,
        "decay": number(0, 1),
        "prior_width": WIDTH,
    }
    groups: int = 2
    n_codes: int | None = None
    code_dim: int = 8
    hidden: tuple[int, ...] = (128, 128)
    commitment: float = 0.25
    decay: float = 0.99
    prior_width: int = 48

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        n_codes = self.n_codes or max(8, min(32, layout.n_rows // 50))
        hidden, width = tuple(self.hidden), self.groups * self.code_dim
        return QuantisedModel(
            layout,
            CellEncoder(layout, cells.embedding, hidden, width, cells.dropout),
            VectorQuantizer(self.groups, n_codes, self.code_dim, self.decay),
            grouped_decoder(layout, *cells, column_groups=self.column_groups, hidden=hidden, latent_dim=width),
            CodePrior(self.groups, n_codes, self.prior_width, cells.dropout),
            self.commitment,
            self.learning_rate,
        )
