"""Variational lossy autoencoder, the default: an autoregressive decoder with latents that are used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor

from gensynth.constraints import NONE, Among, Between, Constraint, SearchSpace, several
from gensynth.layout import Layout
from gensynth.model import Batch, GenerativeModel
from gensynth.nn import ranks
from gensynth.nn.family import TaskDefaults, in_turns
from gensynth.nn.layers import fitting_rate
from gensynth.nn.networks import Networks, RowDecoder
from gensynth.nn.tabular.independent_decoder import WIDE_TABLE
from gensynth_vae.choices import LATENT, WEIGHT, WIDTH, VariationalRecipe
from gensynth_vae.divergence import Divergence
from gensynth_vae.latent import LatentModel

N_COMPONENTS = 4
"""Mixture components in each conditional of the prior, for sampling."""
AUXILIARY_HIDDEN = 64
"""Hidden width of the auxiliary decoder."""
AUXILIARY_FRACTION = 0.25
"""Fraction of a batch's rows on which it is trained."""
NATS_DECAY = 0.95
"""Decay of the moving average of the divergence, which is compared with the free nats."""


class LossyAutoencoder(LatentModel):
    """VAE with an autoregressive decoder, with free nats and an auxiliary decoder against posterior collapse.

    The KL divergence costs the encoder nothing below ``free_nats`` (Kingma et al. 2016, arXiv 1606.04934), while the
    prior is always trained. In training, an auxiliary decoder predicts independent cells from the latents alone (Lucas
    & Verbeek 2018), so that the latents represent what columns have in common.

    Parameters
    ----------
    networks, hidden, decoder
        As of `LatentModel`.
    free_nats : float
        Divergence of each member that costs nothing, in nats.
    auxiliary : RowDecoder or None
        p(row | z) of independent cells.
    auxiliary_weight : float
        Weight of its log-likelihood.
    options
        The others of `LatentModel`.
    """

    ties_by_latents: ClassVar[bool] = False
    nats: Tensor

    def __init__(
        self,
        networks: Networks,
        hidden: Sequence[int],
        decoder: RowDecoder,
        *,
        free_nats: float,
        auxiliary: RowDecoder | None,
        auxiliary_weight: float,
        **options: Any,
    ) -> None:
        super().__init__(networks, hidden, decoder, **options)
        self.free_nats = free_nats
        self.auxiliary, self.auxiliary_weight = auxiliary, auxiliary_weight
        self.register_buffer("nats", torch.zeros(networks.members))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return (members, n): the negative ELBO (Chen et al. 2017, section 2.1) minus the auxiliary log-likelihood."""
        self.step += 1.0
        inputs = self.networks.noisy(self.networks.inputs(batch), self.noise, rng)
        mean, log_variance = self.posterior(inputs)
        z = self._sample(mean, log_variance, rng)
        paid = (self.nats >= self.free_nats).to(z).view(-1, 1, 1)
        own = [t.detach().lerp(t, paid) for t in (mean, log_variance, z)]  # free nats train the prior only
        divergence = self._divergence(inputs, *own)
        self.nats.lerp_(ranks.mean(divergence.detach().mean(1)), 1.0 - NATS_DECAY)
        loss = self.divergence.cost(divergence, float(self.step)) - self.decoder.log_likelihood(inputs, z).sum(-1)
        return loss if self.auxiliary is None else loss - self._auxiliary_gain(self.auxiliary, batch, z)

    def _auxiliary_gain(self, auxiliary: RowDecoder, batch: Batch, z: Tensor) -> Tensor:
        """Return (members, n): the weighted log-likelihood of the first rows, whose mean is that of all; then zeros."""
        some = max(round(AUXILIARY_FRACTION * len(batch)), 1)
        rows = slice(0, some)
        gain = auxiliary.log_likelihood(self.networks.inputs(batch[rows]), z[:, rows]).sum(-1)
        return F.pad(self.auxiliary_weight * len(batch) / some * gain, (0, len(batch) - some))


@dataclass(eq=False)
class VLAE(VariationalRecipe):
    """Variational lossy autoencoder: an autoregressive decoder over cells, and an autoregressive prior.

    The default of gensynth for tables. Numbers are quantile bins with a learned density inside each bin, and logistic
    densities that follow an earlier column's rank where the two are closely dependent.

    Parameters
    ----------
    latent_dim : int, tuple of int or None, default=None
        Dimension of the latents; None for 8, for images 32, for a detector's members 8 and 4 (2 and 8 if the rows may
        hold anomalies).
    width : int or None, default=None
        Width of the causal network's running sums; None depends on the table.
    hidden : int or None, default=None
        Width of each column's hidden vector; None depends on the table, for a detector 64. For images, of each pixel's;
        None for 32.
    free_nats : float or None, default=None
        KL divergence in nats that costs nothing, against posterior collapse; None for 1.6, and 8 for images. For
        sampling.
    auxiliary_weight : float, default=0.3
        Weight of the log-likelihood of an auxiliary decoder with independent cells given the latents, so that the
        latents represent what columns have in common; for sampling.
    noise : float, tuple of float or None, default=None
        Standard deviation of the noise on a detector's input in training, in scaled units. If the rows may hold
        anomalies, noise as wide as a column keeps the decoder from learning them from earlier cells, which the KL
        divergence cannot prevent.
    learning_rate : float or None, default=None
        Step size; None for 4e-3, for images and for a detector 2e-3.

    References
    ----------
    Chen et al. 2017, "Variational lossy autoencoder" (arXiv 1611.02731), sections 2.2 and 3.2.
    Lucas & Verbeek 2018, "Auxiliary guided autoregressive variational autoencoders" (arXiv 1711.11479).
    Salimans et al. 2017, "PixelCNN++" (arXiv 1701.05517), section 2.1: the logistic densities.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "latent_dim": NONE | LATENT | several(LATENT),
        "width": NONE | WIDTH,
        "hidden": NONE | WIDTH,
        "free_nats": NONE | WEIGHT,
        "auxiliary_weight": WEIGHT,
    }
    search_space: ClassVar[SearchSpace] = {
        "latent_dim": Between(2, 32, log=True, whole=True),
        "width": Among((32, 64, 128, 256)),
        "hidden": Among((16, 32, 64, 128)),
        "free_nats": Between(0.4, 6.0, log=True),
        "auxiliary_weight": Between(0.0, 1.0),
    }
    only_for: ClassVar[Mapping[str, str]] = {"free_nats": "sampling", "auxiliary_weight": "sampling"}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"latent_dim": 8, "beta": 1.0, "noise": 0.0, "learning_rate": 4e-3,
                     "free_nats": 1.6},
        "detection": {"n_members": 6, "latent_dim": (8, 4), "beta": (0.5, 0.1), "noise": (0.0, 0.3), "width": 64,
                      "hidden": 64, "learning_rate": 2e-3, "free_nats": -math.inf, "auxiliary_weight": 0.0},
        "robust detection": {"latent_dim": (2, 8), "beta": 1.0, "noise": 1.0},
        "images": {"latent_dim": 32, "hidden": 32, "learning_rate": 2e-3, "free_nats": 8.0},
    }  # fmt: skip
    score_methods: ClassVar[tuple[str, ...]] = LatentModel.score_methods
    latent_dim: int | tuple[int, ...] | None = None
    width: int | None = None
    hidden: int | None = None
    free_nats: float | None = None
    auxiliary_weight: float = 0.3
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
        own, networks = self.settings(layout), self.networks(layout)
        m = networks.members
        dims = in_turns(own.latent_dim, m)
        small = layout.n_rows < 2000 or len(layout.columns) > WIDE_TABLE
        width, hidden = own.width or (64 if small else 128), own.hidden or (32 if small else 64)
        latent_dim, weight = max(dims), own.auxiliary_weight
        auxiliary = networks.auxiliary_decoder(latent_dim, (AUXILIARY_HIDDEN,)) if weight else None
        return LossyAutoencoder(
            networks,
            (width, width),
            networks.causal_decoder(latent_dim, width, hidden),
            latent_dims=dims,
            noises=in_turns(own.noise, m),
            divergence=Divergence(in_turns(own.beta, m)),
            free_nats=own.free_nats,
            auxiliary=auxiliary,
            auxiliary_weight=weight,
            prior=networks.flow_prior(dims, N_COMPONENTS),
            learning_rate=own.learning_rate,
        )
