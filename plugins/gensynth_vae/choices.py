"""Hyperparameters that the variational recipes share, and their constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import NONE, Among, Between, Constraint, SearchSpace, number, one_of, several, whole
from gensynth.nn.family import FamilyRecipe, TaskDefaults
from gensynth.nn.sampling import PRIORS

MAX_START = 30_000
"""Maximal number of rows whose latents initialise a density."""

WIDTH = whole(1, 65_536)
"""Permitted widths of a layer."""
WIDTHS = several(WIDTH)
LATENT = whole(1, 4096)
WEIGHT = number(0, 1e6)
HIDDEN = Among(((64, 64), (128, 128), (256, 256), (256, 256, 256)))
"""Search space of hidden widths."""
PRIOR = one_of(*PRIORS)


@dataclass(eq=False)
class VariationalRecipe(FamilyRecipe):
    """Base of the recipes of this plugin.

    Parameters
    ----------
    beta : float, tuple of float or None, default=None
        Weight of the KL divergence; None for the family's default.
    noise : float, tuple of float or None, default=None
        Standard deviation of the noise on a detector's input in training, in scaled units; None for the family's
        default.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "beta": NONE | WEIGHT | several(WEIGHT),
        "noise": NONE | number(0, 1e3) | several(number(0, 1e3)),
    }
    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Between(5e-4, 1e-2, log=True),
        "embedding_dim": Among((8, 16, 32)),
    }
    only_for: ClassVar[Mapping[str, str]] = {"noise": "detection"}
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score", "latent", "images"})
    in_monitor: ClassVar[frozenset[str]] = frozenset({"beta", "capacity"})
    beta: float | tuple[float, ...] | None = None
    noise: float | tuple[float, ...] | None = None


@dataclass(eq=False)
class IndependentCellsRecipe(VariationalRecipe):
    """Base of the recipes with independent cells given the latents.

    Parameters
    ----------
    column_groups : int, default=1
        Number of groups of columns that are sampled one after the other, each given the latents and the groups before;
        1: all cells are independent given the latents. For sampling.
    warmup : int, default=1000
        KL warm-up: steps over which the weight of the divergence grows from 0 to its full size, for sampling.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"column_groups": whole(1, 1_000_000), "warmup": whole(0, 10**9)}
    only_for: ClassVar[Mapping[str, str]] = {"column_groups": "sampling", "warmup": "sampling"}
    by_task: ClassVar[TaskDefaults] = {"detection": {"warmup": 0}}
    not_for_images: ClassVar[frozenset[str]] = frozenset({"column_groups"})
    column_groups: int = 1
    warmup: int = 1000
