"""The recipe ``vlae``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import NONE, Constraint
from gensynth.model import GenerativeModel, Layout
from gensynth.nn.layers import fitting_rate
from gensynth.nn.priors import AutoregressivePrior
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth_vae.choices import LATENT, WEIGHT, WIDE_TABLE, WIDTH
from gensynth_vae.latent import Divergence, LatentModel
from gensynth_vae.parts import Encoder
from gensynth_vae.variational import Variational


@dataclass(eq=False)
class VLAE(Variational):
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
    beta : float, default=1.0
        Weight of the divergence.
    free_nats : float, default=0.5
        Divergence that costs nothing, so that the latent is used.
    learning_rate : float, default=4e-3
        Step size.
    max_bins : int, default=128
        Most quantile bins of a numeric column.

    References
    ----------
    Chen et al. 2017, "Variational lossy autoencoder" (arXiv 1611.02731), sections 2.2 and 3.2.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "latent_dim": LATENT,
        "width": NONE | WIDTH,
        "hidden": NONE | WIDTH,
        "beta": WEIGHT,
        "free_nats": WEIGHT,
    }
    capabilities: ClassVar[frozenset[str]] = frozenset({"conditional", "impute", "score", "latent"})
    latent_dim: int = 8
    width: int | None = None
    hidden: int | None = None
    beta: float = 1.0
    free_nats: float = 0.5
    learning_rate: float = 4e-3
    max_bins: int = 128

    def _fitting_dropout(self, layout: Layout) -> float:
        # measured for this family alone: beyond some thousands of rows the common rate is too high for it
        return min(fitting_rate(layout.n_rows), max(0.05, 0.2 * math.sqrt(10_000 / layout.n_rows)))

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        small, wide = layout.n_rows < 2000, len(layout.columns) > WIDE_TABLE
        width = self.width or (64 if small or wide else 128)
        hidden = self.hidden or (32 if small or wide else 64)
        decoder = CausalDecoder(
            layout, cells.code_slots, cells.embedding, width, hidden, cells.dropout, self.latent_dim
        )
        return LatentModel(
            layout,
            Encoder(layout, cells.embedding, (width, width), 2 * self.latent_dim, cells.dropout),
            decoder,
            latent_dim=self.latent_dim,
            prior=AutoregressivePrior(self.latent_dim),
            divergence=Divergence(self.beta, free_nats=self.free_nats),
            learning_rate=self.learning_rate,
        )
