"""The recipe ``nvae``: hierarchical latents, residual posteriors with flows, independent cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import NONE, Among, Between, Constraint, SearchSpace, several, whole
from gensynth.layout import Layout
from gensynth.model import GenerativeModel
from gensynth.nn.family import TaskDefaults, in_turns
from gensynth_vae.choices import LATENT, PRIOR, WEIGHT, WIDTH, IndependentCellsRecipe
from gensynth_vae.hierarchy import HierarchicalModel
from gensynth_vae.level import Level


@dataclass(eq=False)
class NVAE(IndependentCellsRecipe):
    """NVAE for tables: a top-down hierarchy of latents, residual posteriors with normalizing flows.

    Residual perceptrons replace the paper's residual convolutions; batch norm and squeeze-and-excitation have no
    counterpart. Cells are independent given the latents. Departs from the paper in two further points, which improve
    samples in experiments: the KL divergences have weights below 1, and sampling uses a second-stage prior that is
    fitted to the latents of all levels.

    Parameters
    ----------
    levels : int or None, default=None
        Levels of latents; None for 3, for a detector 2.
    latent_dim : int, tuple of int or None, default=None
        Latents per level; None for 6, for a detector's members 4 and 8, and 1 and 4 if the rows may hold anomalies. For
        images the channels of a level's latent map; None for 4.
    width : int or None, default=None
        Width of features and state; None for 128, for a detector 64. For images the number of channels; None for 32.
    flows : int, default=1
        Number of flows in each posterior: inverse autoregressive flows, for images coupling flows.
    beta : float, tuple of float or None, default=None
        Final weight of the KL divergences; None for 0.2, for a detector's members 0.5 and 0.1, and 1 for images and if
        the rows may hold anomalies.
    warmup : int, default=1000
        KL warm-up: steps over which the weight of the divergences grows from 0, with KL balancing of the levels; for
        sampling.
    noise : float, tuple of float or None, default=None
        Standard deviation of the noise on a detector's input in training, in scaled units; None for 0 and 0.3 in turns,
        and 1 if the rows may hold anomalies: noise as wide as a column keeps the latents from representing single
        anomalies.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"} or None, default=None
        Second-stage prior of the latents of all levels, for sampling; "normal" samples from the hierarchy's own prior.
        None for "blockwise", and "normal" for images.
    spectral : float, default=1e-3
        Weight of the spectral regularisation, for sampling.

    References
    ----------
    Vahdat & Kautz 2020, "NVAE: A deep hierarchical variational autoencoder" (arXiv 2007.03898).
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "levels": NONE | whole(1, 64),
        "latent_dim": NONE | LATENT | several(LATENT),
        "width": NONE | WIDTH,
        "flows": whole(0, 64),
        "prior": NONE | PRIOR,
        "spectral": WEIGHT,
    }
    search_space: ClassVar[SearchSpace] = {
        "levels": Between(2, 4, whole=True),
        "latent_dim": Between(3, 16, log=True, whole=True),
        "width": Among((64, 128, 256)),
        "flows": Between(0, 2, whole=True),
        "beta": Between(0.05, 1.0, log=True),
    }
    only_for: ClassVar[Mapping[str, str]] = {"prior": "sampling", "spectral": "sampling"}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"levels": 3, "latent_dim": 6, "width": 128, "beta": 0.2, "noise": 0.0, "learning_rate": 2e-3,
                     "prior": "blockwise"},
        "images": {"latent_dim": 4, "width": 32, "beta": 1.0, "prior": "normal"},
        "detection": {"n_members": 4, "levels": 2, "latent_dim": (4, 8), "width": 64, "beta": (0.5, 0.1),
                      "noise": (0.0, 0.3), "learning_rate": 2e-3, "spectral": 0.0},
        "robust detection": {"latent_dim": (1, 4), "beta": 1.0, "noise": 1.0},
    }  # fmt: skip
    score_methods: ClassVar[tuple[str, ...]] = HierarchicalModel.score_methods
    levels: int | None = None
    latent_dim: int | tuple[int, ...] | None = None
    width: int | None = None
    flows: int = 1
    prior: str | None = None
    spectral: float = 1e-3

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        own, networks = self.settings(layout), self.networks(layout)
        dims = in_turns(own.latent_dim, networks.members)
        of_levels = [networks.level_dims(i, own.levels, dims) for i in range(own.levels)]
        widest = max(max(each) for each in of_levels)
        levels = [
            Level(networks.level(i, own.levels, own.width, dims, widest, self.flows), each, widest)
            for i, each in enumerate(of_levels)
        ]
        prior = None if own.prior == "normal" else networks.named_prior(own.prior, own.levels * widest)
        return HierarchicalModel(
            networks,
            levels,
            networks.state_decoder(own.width, self.column_groups),
            width=own.width,
            betas=in_turns(own.beta, networks.members),
            noises=in_turns(own.noise, networks.members),
            warmup=own.warmup,
            spectral=own.spectral,
            density=prior,
            learning_rate=own.learning_rate,
        )
