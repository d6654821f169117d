"""Recipes of the adversarial scoring ensembles: each is a choice of loss, penalty and condition, as in `recipes`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.constraints import NONE, Constraint, number, several, whole
from gensynth.encoding.layout import Layout
from gensynth.model import GenerativeModel
from gensynth.nn.losses import LeastSquares, NonSaturating
from gensynth.nn.penalties import PerturbationPenalty
from gensynth.nn.scoring import ScoringRecipe

from .objective import AdversarialObjective
from .recipes import around_data, wasserstein
from .scoring import AdversarialEnsemble


@dataclass(eq=False)
class AdversarialScorer(ScoringRecipe):
    """What the recipes of all adversarial scoring ensembles share.

    Members differ in seed, scaling and latent width (see `of_members`). See `AdversarialEnsemble` for where the
    game and the scores depart from the papers.

    Parameters
    ----------
    n_members : int, default=4
        Networks of the ensemble.
    hidden : int, default=64
        Hidden width of a network.
    noise_dims : tuple of int
        Widths of the latents, in turns; None chooses by ``contaminated``: the narrower, the less room for anomalies.
    kappa : float
        Weight of the feature residual beside that of the row; None chooses by ``contaminated``.
    n_critic : int
        Steps of the critic for each step of the generator.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_critic": whole(1),
        "kappa": NONE | number(0),
        "noise_dims": NONE | several(whole(1)),
    }
    score_methods: ClassVar[tuple[str, ...]] = AdversarialEnsemble.score_methods
    n_members: int = 4
    hidden: int = 64
    noise_dims: tuple[int, ...] | None = None
    kappa: float | None = None
    n_critic: int = 2

    @abstractmethod
    def objective(self) -> AdversarialObjective:
        """Return loss, penalty and condition."""

    @property
    def score_weights(self) -> Mapping[str, float]:
        """Where a game was lost the generator says little, but what its critic saw counts."""
        return {"reconstruction": 1.0, "feature": 1.0}

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained ensemble for this layout."""
        self.check()
        dims = self.noise_dims or ((2, 8) if self.contaminated else (8, 16))
        kappa = self.kappa if self.kappa is not None else (0.1 if self.contaminated else 1.0)
        return AdversarialEnsemble(
            layout,
            self.views(),
            self.objective(),
            [int(d) for d in self.of_members(*dims)],
            hidden=self.hidden,
            trim=self.trim,
            kappa=kappa,
            # directions in which normal rows hardly vary are what a few anomalies spoil first
            ridge=1.0 if self.contaminated else 0.05,
        )

    def _pace(self) -> dict[str, Any]:
        return {"n_critic": self.n_critic, "learning_rate": self.learning_rate}


@dataclass(eq=False)
class GANScorer(AdversarialScorer):
    """Ensemble of GANs with encoders: what ``AnomalyDetector("gan")`` trains.

    Goodfellow et al. 2014, arXiv:1406.2661, with the penalty of Mescheder et al. 2018, arXiv:1801.04406.

    Parameters
    ----------
    penalty_weight : float, default=1.0
        Weight of the squared gradient at the data.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 1.0

    def objective(self) -> AdversarialObjective:
        """Return cross-entropy."""
        return AdversarialObjective(NonSaturating(), around_data(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class WGANScorer(AdversarialScorer):
    """As `GANScorer`, with the Wasserstein game (Gulrajani et al. 2017, arXiv:1704.00028), as f-AnoGAN has it.

    Parameters
    ----------
    penalty_weight : float, default=10.0
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 10.0

    def objective(self) -> AdversarialObjective:
        """Return the Wasserstein loss with gradient penalty."""
        return wasserstein(self.penalty_weight, None, self._pace())


@dataclass(eq=False)
class LSGANScorer(AdversarialScorer):
    """As `GANScorer`, with least squares (Mao et al. 2017, arXiv:1611.04076).

    Parameters
    ----------
    penalty_weight : float, default=1.0
        Weight of the squared gradient at the data.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 1.0

    def objective(self) -> AdversarialObjective:
        """Return least squares."""
        return AdversarialObjective(LeastSquares(), around_data(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class DRAGANScorer(AdversarialScorer):
    """As `GANScorer`, with gradients of norm 1 around the data (Kodali et al. 2017, arXiv:1705.07215).

    Parameters
    ----------
    penalty_weight : float, default=10.0
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 10.0

    def objective(self) -> AdversarialObjective:
        """Return cross-entropy with the penalty at perturbed real rows."""
        return AdversarialObjective(NonSaturating(), PerturbationPenalty(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class CGANScorer(AdversarialScorer):
    """As `WGANScorer`, each member given a third of the columns (Mirza & Osindero 2014, arXiv:1411.1784).

    A score says how odd the rest of a row is, given that third.

    Parameters
    ----------
    n_members : int, default=6
        Networks of the ensemble: six see each third in both scalings.
    penalty_weight : float, default=10.0
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    n_members: int = 6
    penalty_weight: float = 10.0

    def objective(self) -> AdversarialObjective:
        """Return the Wasserstein loss with gradient penalty, conditional."""
        return wasserstein(self.penalty_weight, None, self._pace(), conditional=True)
