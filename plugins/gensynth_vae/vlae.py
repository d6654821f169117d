"""The recipe ``vlae``: a variational lossy autoencoder, the default model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.constraints import NONE, Constraint, number, several
from gensynth.encoding.layout import Layout
from gensynth.model import GenerativeModel
from gensynth.nn.family import FamilyRecipe, in_turns
from gensynth.nn.layers import fitting_rate
from gensynth.nn.tabular.independent_decoder import WIDE_TABLE
from gensynth_vae.choices import LATENT, WEIGHT, WIDTH
from gensynth_vae.latent import Divergence, LatentModel, MemberOptions


@dataclass(eq=False)
class VLAE(FamilyRecipe):
    """Variational lossy autoencoder: an autoregressive decoder over cells, and an autoregressive-flow prior.

    The default of gensynth for tables. Numbers are quantile bins with a learned density inside each bin.

    Parameters
    ----------
    latent_dim : int, tuple of int or None, default=None
        Width of the latent; None for 8, of a detector's members 8 and 4 (2 and 8 where rows may be anomalies).
    width : int or None, default=None
        Width of the context that columns share; None chooses from the table.
    hidden : int or None, default=None
        Width of each column's hidden vector; None chooses from the table. Of a detector's networks: 64.
    beta : float, tuple of float or None, default=None
        Weight of the divergence.
    free_nats : float, default=0.5
        Divergence that costs nothing, so that the latent is used; for sampling.
    noise : float, tuple of float or None, default=None
        Deviation of the noise on a detector's input in training, in units of the columns. Where the rows may hold
        anomalies noise as wide as a column keeps the decoder from learning them from the cells before: the
        divergence, whatever its weight, has no hold on those.
    learning_rate : float or None, default=None
        Step size; None for 4e-3, of a detector 2e-3.
    max_bins : int, default=128
        Most quantile bins of a numeric column.

    References
    ----------
    Chen et al. 2017, "Variational lossy autoencoder" (arXiv 1611.02731), sections 2.2 and 3.2.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "latent_dim": NONE | LATENT | several(LATENT),
        "width": NONE | WIDTH,
        "hidden": NONE | WIDTH,
        "beta": NONE | WEIGHT | several(WEIGHT),
        "free_nats": WEIGHT,
        "noise": NONE | number(0, 1e3) | several(number(0, 1e3)),
    }
    by_task: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "sampling": {"latent_dim": 8, "beta": 1.0, "noise": 0.0, "learning_rate": 4e-3},
        "detection": {"n_members": 6, "latent_dim": (8, 4), "beta": (0.5, 0.1), "noise": (0.0, 0.3), "width": 64,
                      "hidden": 64, "learning_rate": 2e-3},
        "robust detection": {"latent_dim": (2, 8), "beta": 1.0, "noise": 1.0},
    }  # fmt: skip
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score", "latent"})
    score_methods: ClassVar[tuple[str, ...]] = LatentModel.score_methods
    latent_dim: int | tuple[int, ...] | None = None
    width: int | None = None
    hidden: int | None = None
    beta: float | tuple[float, ...] | None = None
    free_nats: float = 0.5
    noise: float | tuple[float, ...] | None = None
    max_bins: int = 128

    @property
    def score_weights(self) -> Mapping[str, float]:
        """The log-likelihood."""
        return {"log_likelihood": 1.0}

    def fitting_dropout(self, layout: Layout) -> float:
        """Return the common rate, which beyond some thousands of rows is too high for this family (measured)."""
        return min(fitting_rate(layout.n_rows), max(0.05, 0.2 * math.sqrt(10_000 / layout.n_rows)))

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        own, networks = self.settings(), self.networks(layout)
        m = networks.members
        members = MemberOptions(in_turns(own.latent_dim, m), in_turns(own.noise, m))
        small = layout.n_rows < 2000 or len(layout.columns) > WIDE_TABLE
        width, hidden = own.width or (64 if small else 128), own.hidden or (32 if small else 64)
        return LatentModel(
            networks,
            (width, width),
            networks.causal_decoder(max(members.latent_dims), width, hidden),
            members=members,
            divergence=Divergence(in_turns(own.beta, m), free_nats=self.free_nats if networks.for_sampling else 0.0),
            prior=networks.flow_prior(members.latent_dims),
            learning_rate=own.learning_rate,
        )
