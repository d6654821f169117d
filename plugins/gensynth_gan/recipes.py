"""Recipes of the adversarial families: each is a choice of loss, penalty and condition."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import ClassVar, Literal

from gensynth.constraints import NONE, Among, Between, Constraint, SearchSpace, number, one_of, several, whole
from gensynth.layout import Encoding, Layout
from gensynth.nn.family import TaskDefaults, TaskRecipe, in_turns
from gensynth.nn.losses import LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein
from gensynth.nn.penalties import DataPenalty, InterpolatePenalty, PerturbationPenalty, RealAndFakePenalty
from gensynth.nn.tabular.ensemble_networks import EnsembleNetworks
from gensynth.nn.tabular.relaxed import MAX_ONE_HOT

from .f_anogan import AnomalyGAN
from .game import AdversarialObjective
from .image_model import AdversarialImages
from .model import AdversarialModel

PACE = ("n_critic", "learning_rate", "mmd_weight", "ema_decay", "pretrain_fraction")
"""Settings that are passed on to the objective unchanged."""


@dataclass(eq=False)
class Adversarial(TaskRecipe):
    """Base of the adversarial recipes: sizes and training schedule.

    All depart from their papers by sampled codes with a straight-through gradient, a higher critic learning rate
    instead of more critic steps, a penalty on a part of the rows and a moving average of the weights; each recipe names
    further differences. A detector's members differ in seed, scaling and noise dimension; see `AnomalyGAN` for its
    scores.

    Parameters
    ----------
    noise_dim : int, tuple of int or None, default=None
        Dimension of the generator's noise; None for 64, for a detector's members 8 and 16 in turns, and 2 and 8 if the
        rows may hold anomalies, as a small dimension cannot represent them.
    width : int or None, default=None
        Width of the hidden layers; None depends on the number of rows (64 or 128), for a detector 64. For images the
        width of the critic's last layer; None for 128.
    pac : int, default=1
        Number of rows that the critic judges together (PacGAN), for sampling tables; 1 judges single rows.
    n_critic : int or None, default=None
        Critic steps for each generator step; None for 1, for a detector 2.
    mmd_weight : float, default=0.0
        Weight of the maximum mean discrepancy in the generator's loss, for tables; 0: adversarial loss only.
    learning_rate : float or None, default=None
        Learning rate of the generator; None for 0.0005 with four times the rate for the critic, for images 0.0004 with
        twice the rate, for a detector 0.002 for both.
    ema_decay : float or None, default=None
        Decay of the moving average of the weights, which replaces them after training; 0 uses the last weights, None is
        0.999, for images 0.998, for a detector 0.98.
    pretrain_fraction : float, default=0.0
        Fraction of the run, in [0, 1), in which the generator is pretrained with the maximum mean discrepancy, without
        a critic (Li et al. 2015, "Generative Moment Matching Networks", arXiv:1502.02761), for tables; 0: adversarial
        training only.
    penalty_weight : float or None, default=None
        Weight of the penalty on the critic's gradient; None for the recipe's default.
    kappa : float or None, default=None
        Weight of the feature residual relative to that of the row in a detector's score; None for 1, and 0.1 if the
        rows may hold anomalies.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "noise_dim": NONE | whole(1) | several(whole(1)),
        "width": NONE | whole(1),
        "pac": whole(1),
        "n_critic": NONE | whole(1),
        "mmd_weight": number(0),
        "ema_decay": NONE | number(0, 1, open_high=True),
        "pretrain_fraction": number(0, 1, open_high=True),
        "penalty_weight": NONE | number(0),
        "kappa": NONE | number(0),
    }
    search_space: ClassVar[SearchSpace] = {
        "noise_dim": Among((16, 32, 64, 128)),
        "width": Among((64, 128, 256)),
        "n_critic": Between(1, 3, whole=True),
        "learning_rate": Between(1e-4, 2e-3, log=True),
        "ema_decay": Among((0.99, 0.999)),
        "penalty_weight": Between(0.01, 10.0, log=True),
    }
    only_for: ClassVar[Mapping[str, str]] = {"kappa": "detection", "pac": "sampling"}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"noise_dim": 64, "n_critic": 1, "learning_rate": 5e-4, "ema_decay": 0.999},
        "detection": {
            "n_members": 4, "noise_dim": (8, 16), "width": 64, "n_critic": 2, "learning_rate": 2e-3,
            "ema_decay": 0.98, "kappa": 1.0,
        },
        "robust detection": {"noise_dim": (2, 8), "kappa": 0.1},
        "images": {"learning_rate": 4e-4, "ema_decay": 0.998, "width": 128},
    }  # fmt: skip
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "score", "images"})
    not_for_images: ClassVar[frozenset[str]] = frozenset({"pac", "mmd_weight", "pretrain_fraction"})
    score_methods: ClassVar[tuple[str, ...]] = AnomalyGAN.score_methods
    noise_dim: int | tuple[int, ...] | None = None
    width: int | None = None
    pac: int = 1
    n_critic: int | None = None
    mmd_weight: float = 0.0
    ema_decay: float | None = None
    pretrain_fraction: float = 0.0
    penalty_weight: float | None = None
    kappa: float | None = None

    def bins(self, max_levels: int) -> Encoding:
        """Return quantile bins with ordered codes and positions within bins."""
        return Encoding("bins", max_bins=128, max_atoms=MAX_ONE_HOT, mixed=False, max_levels=max_levels)

    @property
    def score_weights(self) -> Mapping[str, float]:
        """Reconstruction and feature distance: the critic's features help where the generator is poor."""
        return {} if self.task == "sampling" else {"reconstruction": 1.0, "feature": 1.0}

    @abstractmethod
    def objective(self, own: SimpleNamespace) -> AdversarialObjective:
        """Return loss, penalty and condition; ``own`` are the settings."""

    def build(self, layout: Layout) -> AdversarialModel | AdversarialImages | AnomalyGAN:
        """Return a freshly initialised model for this layout."""
        own = self.settings(layout)
        objective = replace(self.objective(own), **{name: getattr(own, name) for name in PACE})
        noise_dim = in_turns(own.noise_dim, 1)[0]
        if layout.image is not None:
            return AdversarialImages(layout, objective, noise_dim=noise_dim, width=own.width)
        if self.task == "sampling":
            width = own.width or (64 if layout.n_rows < 500 else 128)
            return AdversarialModel(layout, objective, noise_dim=noise_dim, width=width, pac=self.pac)
        robust = self.task == "robust detection"
        return AnomalyGAN(
            EnsembleNetworks(layout, own.n_members, robust=robust),
            objective,
            in_turns(own.noise_dim, own.n_members),
            width=own.width,
            kappa=own.kappa,
            # a few anomalies distort directions of low variance first
            ridge=1.0 if robust else 0.05,
        )


def around_data(weight: float) -> DataPenalty | None:
    """Return the penalty on the gradient at the data; None for weight 0."""
    return DataPenalty(weight) if weight else None


@dataclass(eq=False)
class GAN(Adversarial):
    """Generative adversarial network for tables.

    Goodfellow et al. 2014, "Generative Adversarial Nets", arXiv:1406.2661. Departs from the paper by a relativistic
    loss on pairs of a real and a generated row, with penalties on the critic's gradient at both (Huang et al. 2025,
    "The GAN is dead; long live the GAN!", arXiv:2501.05441); ``loss="minimax"`` is the paper's loss.

    Parameters
    ----------
    loss : {"relativistic", "non-saturating", "minimax"} or None, default=None
        The generator's loss: -log D(fake - real) in pairs, -log D(fake), or log(1 - D(fake)), whose gradient vanishes
        against a good critic; None for "relativistic", for a detector and for images "non-saturating".
    penalty_weight : float or None, default=None
        Weight of the squared gradient at the data (R1) and, with the relativistic loss, at generated rows (R2), without
        which training oscillates; 0: as in the paper, None: 0.1, for a detector and for images 1.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "loss": NONE | one_of("relativistic", "non-saturating", "minimax"),
    }
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"loss": "relativistic", "penalty_weight": 0.1},
        "detection": {"loss": "non-saturating", "penalty_weight": 1.0},
        "images": {"loss": "non-saturating", "penalty_weight": 1.0},
    }
    loss: Literal["relativistic", "non-saturating", "minimax"] | None = None

    def objective(self, own: SimpleNamespace) -> AdversarialObjective:
        """Return cross-entropy."""
        weight = own.penalty_weight
        if own.loss == "relativistic":
            return AdversarialObjective(Relativistic(), RealAndFakePenalty(weight) if weight else None)
        return AdversarialObjective(Minimax() if own.loss == "minimax" else NonSaturating(), around_data(weight))


@dataclass(eq=False)
class WGAN(Adversarial):
    """Wasserstein GAN for tables, with gradient penalty or with clipped weights.

    Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875; Gulrajani et al. 2017, "Improved Training of
    Wasserstein GANs", arXiv:1704.00028. Departs from the first by AdamW in place of RMSProp.

    Parameters
    ----------
    penalty_weight : float or None, default=None
        Weight of the gradient penalty; None for 0.1, for a detector 10. Not used with weight clipping.
    clip : float or None, default=None
        Bound for weight clipping of the critic, instead of the penalty (0.01 in the paper); None: gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"clip": NONE | number(0, open_low=True)}
    by_task: ClassVar[TaskDefaults] = {"sampling": {"penalty_weight": 0.1}, "detection": {"penalty_weight": 10.0}}
    clip: float | None = None

    def objective(self, own: SimpleNamespace) -> AdversarialObjective:
        """Return the Wasserstein loss with its gradient penalty or weight clipping."""
        if self.clip is not None:
            return AdversarialObjective(Wasserstein(), clip=self.clip)
        return AdversarialObjective(Wasserstein(), InterpolatePenalty(own.penalty_weight))


@dataclass(eq=False)
class LSGAN(Adversarial):
    """Least-squares GAN for tables: the critic is fitted to 1 for real and 0 for generated rows.

    Mao et al. 2017, "Least Squares Generative Adversarial Networks", arXiv:1611.04076, eq. 9. Departs from the paper
    by a penalty on the critic's gradient at the data (Mescheder et al. 2018, arXiv:1801.04406).

    Parameters
    ----------
    penalty_weight : float or None, default=None
        Weight of the squared gradient at the data (R1), without which training oscillates; 0: as in the paper, None: 1.
    """

    by_task: ClassVar[TaskDefaults] = {"sampling": {"penalty_weight": 1.0}, "detection": {"penalty_weight": 1.0}}

    def objective(self, own: SimpleNamespace) -> AdversarialObjective:
        """Return least squares."""
        return AdversarialObjective(LeastSquares(), around_data(own.penalty_weight))


@dataclass(eq=False)
class DRAGAN(Adversarial):
    """GAN for tables with a gradient penalty around the data.

    Kodali et al. 2017, "On Convergence and Stability of GANs", arXiv:1705.07215, eq. 4.

    Parameters
    ----------
    penalty_weight : float or None, default=None
        Weight of the gradient penalty; None for 1, for a detector 10.
    """

    by_task: ClassVar[TaskDefaults] = {"sampling": {"penalty_weight": 1.0}, "detection": {"penalty_weight": 10.0}}

    def objective(self, own: SimpleNamespace) -> AdversarialObjective:
        """Return cross-entropy with the penalty at perturbed real rows."""
        return AdversarialObjective(NonSaturating(), PerturbationPenalty(own.penalty_weight))


@dataclass(eq=False)
class CGAN(Adversarial):
    """Conditional GAN for tables: generator and critic are conditioned on given columns.

    Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", arXiv:1411.1784. The condition columns
    (``condition_on`` of the synthesizer) are part of every row that the critic sees and an input of the generator.
    Sampling with a condition on them is exact; without one they are sampled with their true joint frequencies.
    Without condition columns this is the unconditional `WGAN`, and for images the unconditional `GAN`. Each member of a
    detector is conditioned on a third of the columns, and scores the other cells given these. Departs from the paper by
    the Wasserstein loss with gradient penalty; for images the loss is the paper's, with R1 as in `GAN`.

    Parameters
    ----------
    loss : {"wasserstein", "non-saturating"} or None, default=None
        Loss of generator and critic; None for "wasserstein", for images "non-saturating".
    penalty_weight : float or None, default=None
        Weight of the gradient penalty, or of R1; None for 0.1, for a detector 10, for images 1.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"loss": NONE | one_of("wasserstein", "non-saturating")}
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"loss": "wasserstein", "penalty_weight": 0.1},
        "detection": {"loss": "wasserstein", "n_members": 6, "penalty_weight": 10.0},
        "images": {"loss": "non-saturating", "penalty_weight": 1.0},
    }
    loss: Literal["wasserstein", "non-saturating"] | None = None
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional-on-fitted", "score", "images"})

    def objective(self, own: SimpleNamespace) -> AdversarialObjective:
        """Return the conditional objective."""
        if own.loss == "non-saturating":
            return AdversarialObjective(NonSaturating(), around_data(own.penalty_weight), conditional=True)
        return AdversarialObjective(Wasserstein(), InterpolatePenalty(own.penalty_weight), conditional=True)
