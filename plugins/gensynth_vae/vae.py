"""Variational autoencoder and beta-VAE: cells independent given the latent, the latents' density learned."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import NONE, Constraint
from gensynth.model import GenerativeModel, Layout
from gensynth.nn.mixture import GaussianMixture
from gensynth_vae.choices import LATENT, PRIOR, STEPS_OF_WARMUP, WEIGHT, WIDTHS, named_prior
from gensynth_vae.latent import Divergence, LatentModel
from gensynth_vae.parts import Encoder, row_decoder
from gensynth_vae.variational import InColumnGroups


@dataclass(eq=False)
class OneLatent(InColumnGroups):
    """One latent vector a row, with a density of the latents that is learned.

    Parameters
    ----------
    latent_dim : int, default=16
        Width of the latent.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    prior : {"blockwise", "autoregressive", "flow", "mixture", "normal"}, default="blockwise"
        Density of the latents: N(0, I); a mixture of normals that is fitted to the latents once the rest is trained;
        or a network, trained with the rest, that gives each dimension, or block of dimensions, from those before.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"latent_dim": LATENT, "hidden": WIDTHS, "prior": PRIOR}
    column_groups: int = 1
    latent_dim: int = 16
    hidden: tuple[int, ...] = (128, 128)
    prior: str = "blockwise"

    @abstractmethod
    def divergence(self) -> Divergence:
        """Return how the divergence enters the loss."""

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        hidden = tuple(self.hidden)
        prior = named_prior(self.prior, self.latent_dim, layout)
        fitted = isinstance(prior, GaussianMixture)
        return LatentModel(
            layout,
            Encoder(layout, cells.embedding, hidden, 2 * self.latent_dim, cells.dropout),
            row_decoder(layout, cells, column_groups=self.column_groups, hidden=hidden, latent_dim=self.latent_dim),
            latent_dim=self.latent_dim,
            prior=None if fitted else prior,
            late_prior=prior if fitted else None,
            divergence=self.divergence(),
            learning_rate=self.learning_rate,
        )


@dataclass(eq=False)
class VAE(OneLatent):
    """Variational autoencoder over codes.

    Departs from the paper in two measured points: the density of the latents is learned together with the rest, and the
    divergence has a weight below 1, so that all that ties the columns passes through the latents.
    ``prior="normal", beta=1`` is the paper's.

    Parameters
    ----------
    beta : float, default=0.3
        Weight of the divergence.
    warmup : int, default=1000
        Steps over which that weight grows from 0.

    References
    ----------
    Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114), equation 10.
    Tomczak & Welling 2018, "VAE with a VampPrior" (arXiv 1705.07120): a prior that is learned with the rest.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"beta": WEIGHT, "warmup": STEPS_OF_WARMUP}
    beta: float = 0.3
    warmup: int = 1000

    def divergence(self) -> Divergence:
        """Return a weight that grows to ``beta``."""
        return Divergence(self.beta, self.warmup)


@dataclass(eq=False)
class BetaVAE(OneLatent):
    """beta-VAE: the divergence weighted by ``beta``, or steered to a growing ``capacity``. Else as `VAE`.

    Parameters
    ----------
    beta : float, default=4.0
        Weight of the distance between divergence and capacity (of the divergence itself without a capacity).
    capacity : float or None, default=25.0
        Nats of divergence to aim for, reached linearly over ``warmup`` steps; None for a plain weight.
    warmup : int, default=2000
        Steps over which weight or capacity grow.

    References
    ----------
    Higgins et al. 2017, "beta-VAE", equation 4. Burgess et al. 2018 (arXiv 1804.03599), equation 8.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "beta": WEIGHT,
        "capacity": NONE | WEIGHT,
        "warmup": STEPS_OF_WARMUP,
    }
    beta: float = 4.0
    capacity: float | None = 25.0
    warmup: int = 2000

    def divergence(self) -> Divergence:
        """Return a weight on the distance from the capacity, or a plain one."""
        return Divergence(self.beta, self.warmup, capacity=self.capacity)
