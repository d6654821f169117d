"""The recipe ``nvae``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import Constraint, whole
from gensynth.model import GenerativeModel, Layout
from gensynth.nn.tabular.encoder import CellEncoder
from gensynth.nn.tabular.independent_decoder import grouped_decoder
from gensynth_vae.choices import LATENT, PRIOR, STEPS_OF_WARMUP, WEIGHT, WIDTH, named_prior
from gensynth_vae.hierarchical import HierarchicalModel, Level
from gensynth_vae.variational import InColumnGroups


@dataclass(eq=False)
class NVAE(InColumnGroups):
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
    beta : float, default=1.0
        Final weight of the divergences.
    warmup : int, default=1000
        Steps over which that weight grows from 0, the levels balanced meanwhile.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"}, default="blockwise"
        Density fitted to the latents of all levels in a second stage; "normal" samples from the hierarchy's own.
    spectral : float, default=1e-3
        Weight of the spectral regularisation.

    References
    ----------
    Vahdat & Kautz 2020, "NVAE: A deep hierarchical variational autoencoder" (arXiv 2007.03898).
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "levels": whole(1, 64),
        "latent_dim": LATENT,
        "width": WIDTH,
        "flows": whole(0, 64),
        "beta": WEIGHT,
        "warmup": STEPS_OF_WARMUP,
        "prior": PRIOR,
        "spectral": WEIGHT,
    }
    score_methods: ClassVar[tuple[str, ...]] = HierarchicalModel.score_methods
    levels: int = 3
    latent_dim: int = 6
    width: int = 128
    flows: int = 1
    beta: float = 1.0
    warmup: int = 1000
    prior: str = "blockwise"
    spectral: float = 1e-3

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        return HierarchicalModel(
            layout,
            CellEncoder(layout, cells.embedding, (self.width, self.width), self.width, cells.dropout),
            [Level(self.width, self.latent_dim, self.flows, cells.dropout) for _ in range(self.levels)],
            grouped_decoder(
                layout, *cells, column_groups=self.column_groups, hidden=(self.width,), latent_dim=self.width
            ),
            late_prior=named_prior(self.prior, self.levels * self.latent_dim, layout),
            width=self.width,
            latent_dim=self.latent_dim,
            beta=self.beta,
            warmup=self.warmup,
            spectral=self.spectral,
            learning_rate=self.learning_rate,
        )
