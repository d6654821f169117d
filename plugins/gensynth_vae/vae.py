"""The recipes ``vae`` and ``beta-vae``, which differ only in their KL term."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar, Literal

from gensynth.constraints import NONE, Between, Constraint, SearchSpace, one_of, several
from gensynth.layout import Layout
from gensynth.model import GenerativeModel
from gensynth.nn.denoiser import Denoiser
from gensynth.nn.family import TaskDefaults, in_turns
from gensynth_vae.choices import HIDDEN, LATENT, PRIOR, WEIGHT, WIDTHS, IndependentCellsRecipe
from gensynth_vae.divergence import Divergence
from gensynth_vae.latent import LatentModel

WIDE, NARROW = (128, 128), (64, 64)
"""Hidden widths of encoder and decoder, by default and for few features."""
FEW_FEATURES = 8
"""Number of features up to which a detector has the narrow layers."""


@dataclass(eq=False)
class OneLatent(IndependentCellsRecipe):
    """Base of recipes with one latent vector for each row and a learned prior.

    The members of an ensemble cycle through the entries of tuples.

    Parameters
    ----------
    latent_dim : int, tuple of int or None, default=None
        Dimension of the latents; None for 16, for images 32, for a detector's members 8 and 16, and 2 if the rows may
        hold anomalies.
    hidden : tuple of int or None, default=None
        Hidden widths of encoder and decoder; None for (128, 128), for a detector (64, 64) if it reads at most 8
        features, and for `vae` if the rows may hold anomalies.
    noise : float, tuple of float or None, default=None
        Standard deviation of the noise on a detector's input in training, in scaled units; None for 0.
    prior : {"blockwise", "autoregressive", "flow", "mixture", "normal"}, default="blockwise"
        Prior of the latents, for sampling: N(0, I) ("normal"); a Gaussian mixture fitted to the latents after the
        training ("mixture"); or a jointly trained network that is autoregressive over dimensions or blocks of them.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "latent_dim": NONE | LATENT | several(LATENT),
        "hidden": NONE | WIDTHS,
        "prior": PRIOR,
    }
    search_space: ClassVar[SearchSpace] = {"latent_dim": Between(4, 64, log=True, whole=True), "hidden": HIDDEN}
    only_for: ClassVar[Mapping[str, str]] = {"prior": "sampling"}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"latent_dim": 16, "noise": 0.0, "learning_rate": 2e-3},
        "images": {"latent_dim": 32},
        "detection": {"n_members": 4, "latent_dim": (8, 16), "noise": 0.0, "learning_rate": 2e-3},
    }
    score_methods: ClassVar[tuple[str, ...]] = LatentModel.score_methods
    latent_dim: int | tuple[int, ...] | None = None
    hidden: tuple[int, ...] | None = None
    prior: str = "blockwise"

    @property
    def score_weights(self) -> Mapping[str, float]:
        """ELBO and denoising residual; the ELBO alone if rows may be anomalies.

        A denoiser without a bottleneck would learn the anomalies.
        """
        return {"elbo": 1.0, "denoising": 1.0} if self.task == "detection" else {"elbo": 1.0}

    @abstractmethod
    def divergence(self, own: SimpleNamespace, members: int) -> Divergence:
        """Return the KL term; ``own`` are the settings."""

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        own, networks = self.settings(layout), self.networks(layout)
        m = networks.members
        dims = in_turns(own.latent_dim, m)
        few = self.task != "sampling" and networks.width <= FEW_FEATURES
        hidden, latent_dim = tuple(own.hidden or (NARROW if few else WIDE)), max(dims)
        prior, fitted = networks.named_prior(self.prior, latent_dim), self.prior == "mixture"
        return LatentModel(
            networks,
            hidden,
            networks.decoder(latent_dim, hidden, self.column_groups),
            latent_dims=dims,
            noises=in_turns(own.noise, m),
            divergence=self.divergence(own, m),
            prior=None if fitted else prior,
            density=prior if fitted else None,
            learning_rate=own.learning_rate,
            denoiser=Denoiser(m, networks.width, hidden[-1]) if self.task == "detection" else None,
        )


@dataclass(eq=False)
class VAE(OneLatent):
    """Variational autoencoder.

    Departs from the paper in two points, which improve samples in experiments: the prior is trained jointly, and the KL
    divergence has a weight below 1, so that the latents carry the dependence between columns.
    ``prior="normal", beta=1`` is the paper's model.

    Parameters
    ----------
    beta : float, tuple of float or None, default=None
        Weight of the KL divergence; None for 0.3, for a detector 0.5, and 4 if the rows may hold anomalies.

    References
    ----------
    Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114), equation 10.
    Tomczak & Welling 2018, "VAE with a VampPrior" (arXiv 1705.07120): a jointly learned prior.
    """

    search_space: ClassVar[SearchSpace] = {"beta": Between(0.05, 1.0, log=True)}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"beta": 0.3},
        "detection": {"beta": 0.5},
        "robust detection": {"beta": 4.0, "latent_dim": 2, "hidden": NARROW},
    }

    def divergence(self, own: SimpleNamespace, members: int) -> Divergence:
        """Return a weight that grows to ``beta``."""
        return Divergence(in_turns(own.beta, members), own.warmup)


@dataclass(eq=False)
class BetaVAE(OneLatent):
    """beta-VAE: the divergence weighted by ``beta``, or driven to a growing ``capacity``; otherwise as `VAE`.

    The members of a detector lie along the rate-distortion curve (Alemi et al. 2018, arXiv 1711.00464).

    Parameters
    ----------
    beta : float, tuple of float or None, default=None
        Weight of the distance between KL divergence and capacity (without a capacity, of the divergence); None for 2,
        for a detector's members 1, 4, 2 and 8.
    capacity : float, "auto" or None, default="auto"
        Target of the divergence in nats, reached linearly over ``warmup`` steps; None for a plain weight, "auto" for
        16, and 40 for images. For sampling.
    warmup : int, default=2000
        Steps over which weight or capacity grow, for sampling.

    References
    ----------
    Higgins et al. 2017, "beta-VAE", equation 4. Burgess et al. 2018 (arXiv 1804.03599), equation 8.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"capacity": NONE | WEIGHT | one_of("auto")}
    search_space: ClassVar[SearchSpace] = {
        "beta": Between(0.5, 8.0, log=True),
        "capacity": Between(4.0, 64.0, log=True),
    }
    only_for: ClassVar[Mapping[str, str]] = {"capacity": "sampling"}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"beta": 2.0, "usual_capacity": 16.0},
        "images": {"usual_capacity": 40.0},
        "detection": {"n_members": 8, "latent_dim": 8, "beta": (1.0, 4.0, 2.0, 8.0), "capacity": None},
    }
    capacity: float | Literal["auto"] | None = "auto"
    warmup: int = 2000

    def divergence(self, own: SimpleNamespace, members: int) -> Divergence:
        """Return a weight on the distance from the capacity, or a plain one."""
        capacity = own.usual_capacity if own.capacity == "auto" else own.capacity
        return Divergence(in_turns(own.beta, members), own.warmup, capacity)
