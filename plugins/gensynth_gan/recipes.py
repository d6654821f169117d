"""Recipes of the adversarial family: each is a choice of loss, penalty and condition."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gensynth.constraints import NONE, Constraint, number, one_of, whole
from gensynth.encoding.layout import Encoding, Layout
from gensynth.model import Recipe
from gensynth.nn.losses import LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein
from gensynth.nn.penalties import DataPenalty, InterpolatePenalty, PerturbationPenalty, RealAndFakePenalty
from gensynth.nn.tabular.relaxed import MAX_ONE_HOT

from .model import AdversarialModel
from .objective import AdversarialObjective


@dataclass(eq=False)
class Adversarial(Recipe):
    """What every adversarial recipe shares: sizes and pace.

    Parameters
    ----------
    noise_dim : int, default=64
        Width of the generator's noise.
    width : int or None, default=None
        Width of the hidden layers; None sizes it from the number of rows (64 or 128).
    pac : int, default=1
        Rows that the critic judges together (PacGAN); 1 judges single rows.
    n_critic : int, default=1
        Steps of the critic for each step of the generator.
    mmd_weight : float, default=0.0
        Weight of the maximum mean discrepancy in the generator's loss; 0: the critic's word alone.
    learning_rate : float, default=0.0005
        Of the generator; the critic's is four times as high.
    ema_decay : float, default=0.999
        Of the moving average of the weights, which is what is sampled from; 0 samples the last ones.
    pretrain_fraction : float, default=0.0
        Share of the run in [0, 1) in which the generator is trained by the maximum mean discrepancy, without a critic,
        before the game (Li et al. 2015, "Generative Moment Matching Networks", arXiv:1502.02761); 0: the game alone.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "noise_dim": whole(1),
        "width": NONE | whole(1),
        "pac": whole(1),
        "n_critic": whole(1),
        "mmd_weight": number(0),
        "learning_rate": number(0, open_low=True),
        "ema_decay": number(0, 1, open_high=True),
        "pretrain_fraction": number(0, 1, open_high=True),
    }
    score_methods: ClassVar[tuple[str, ...]] = AdversarialModel.score_methods
    noise_dim: int = 64
    width: int | None = None
    pac: int = 1
    n_critic: int = 1
    mmd_weight: float = 0.0
    learning_rate: float = 5e-4
    ema_decay: float = 0.999
    pretrain_fraction: float = 0.0

    @property
    def encoding(self) -> Encoding:
        """Numbers of many values in bins, whose codes stand in order, with the place inside a bin."""
        return Encoding(numeric="bins", max_bins=128, max_atoms=MAX_ONE_HOT, mixed=False)

    @abstractmethod
    def objective(self) -> AdversarialObjective:
        """Return loss, penalty and pace."""

    def build(self, layout: Layout) -> AdversarialModel:
        """Return a freshly initialised model for this layout."""
        self.check()
        width = self.width or (64 if layout.n_rows < 500 else 128)
        return AdversarialModel(layout, self.objective(), noise_dim=self.noise_dim, width=width, pac=self.pac)

    def _pace(self) -> dict[str, Any]:
        """Return the settings of `AdversarialObjective` that do not depend on the loss."""
        names = ("n_critic", "learning_rate", "mmd_weight", "ema_decay", "pretrain_fraction")
        return {name: getattr(self, name) for name in names}


def around_data(weight: float) -> DataPenalty | None:
    """Return the penalty on the gradient at the data; None for weight 0."""
    return DataPenalty(weight) if weight else None


def wasserstein(
    penalty_weight: float, clip: float | None, pace: dict[str, Any], *, conditional: bool = False
) -> AdversarialObjective:
    """Return the Wasserstein game with a gradient penalty, or with clipping where a bound is given."""
    penalty = None if clip is not None else InterpolatePenalty(penalty_weight)
    return AdversarialObjective(Wasserstein(), penalty, clip, conditional=conditional, **pace)


@dataclass(eq=False)
class GAN(Adversarial):
    """Generative adversarial network for tables.

    Goodfellow et al. 2014, "Generative Adversarial Nets", arXiv:1406.2661. Departs from the paper by pairs of a real
    and a generated row that are told apart (relativistic) with penalties on the critic's gradient at both (Huang et al.
    2025, "The GAN is dead; long live the GAN!", arXiv:2501.05441; ``loss="minimax"`` for the paper's game), by drawn
    codes with a straight-through gradient, a faster critic and a moving average of the weights.

    Parameters
    ----------
    loss : {"relativistic", "non-saturating", "minimax"}, default="relativistic"
        What the generator minimises: -log D(fake - real) in pairs, -log D(fake), or log(1 - D(fake)), whose gradient
        vanishes against a good critic.
    penalty_weight : float, default=0.1
        Weight of the squared gradient at the data (R1) and, of the relativistic loss, at generated rows (R2), without
        which the game circles; 0: as in the paper.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "loss": one_of("relativistic", "non-saturating", "minimax"),
        "penalty_weight": number(0),
    }
    loss: Literal["relativistic", "non-saturating", "minimax"] = "relativistic"
    penalty_weight: float = 0.1

    def objective(self) -> AdversarialObjective:
        """Return cross-entropy."""
        if self.loss == "relativistic":
            penalty = RealAndFakePenalty(self.penalty_weight) if self.penalty_weight else None
            return AdversarialObjective(Relativistic(), penalty, **self._pace())
        losses = {"non-saturating": NonSaturating, "minimax": Minimax}
        return AdversarialObjective(losses[self.loss](), around_data(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class WGAN(Adversarial):
    """Wasserstein GAN for tables, with gradient penalty or with clipped weights.

    Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875; Gulrajani et al. 2017, "Improved Training of
    Wasserstein GANs", arXiv:1704.00028. Departs from both by drawn codes with a straight-through gradient, a faster
    critic in place of more steps of it, a penalty on half of the rows and a moving average of the weights, and from the
    first by AdamW in place of RMSProp.

    Parameters
    ----------
    penalty_weight : float, default=0.1
        Weight of the gradient penalty; not used when weights are clipped.
    clip : float or None, default=None
        Bound on the critic's weights, in place of the penalty (0.01 in the paper); None: gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "penalty_weight": number(0),
        "clip": NONE | number(0, open_low=True),
    }
    penalty_weight: float = 0.1
    clip: float | None = None

    def objective(self) -> AdversarialObjective:
        """Return the Wasserstein loss with what keeps its critic Lipschitz."""
        return wasserstein(self.penalty_weight, self.clip, self._pace())


@dataclass(eq=False)
class LSGAN(Adversarial):
    """Least-squares GAN for tables: the critic is fitted to 1 for real and 0 for generated rows.

    Mao et al. 2017, "Least Squares Generative Adversarial Networks", arXiv:1611.04076, eq. 9. Departs from the paper
    by a penalty on the critic's gradient at the data (Mescheder et al. 2018, arXiv:1801.04406), drawn codes with a
    straight-through gradient, a faster critic and a moving average of the weights.

    Parameters
    ----------
    penalty_weight : float, default=0.1
        Weight of the squared gradient at the data (R1), without which the game circles; 0: as in the paper.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 0.1

    def objective(self) -> AdversarialObjective:
        """Return least squares."""
        return AdversarialObjective(LeastSquares(), around_data(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class DRAGAN(Adversarial):
    """GAN for tables whose critic has gradients of norm 1 around the data.

    Kodali et al. 2017, "On Convergence and Stability of GANs", arXiv:1705.07215, eq. 4. Departs from the paper by
    drawn codes with a straight-through gradient, a faster critic and a moving average of the weights.

    Parameters
    ----------
    penalty_weight : float, default=0.1
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 0.1

    def objective(self) -> AdversarialObjective:
        """Return cross-entropy with the penalty at perturbed real rows."""
        return AdversarialObjective(NonSaturating(), PerturbationPenalty(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class CGAN(Adversarial):
    """Conditional GAN for tables: generator and critic are given the condition columns.

    Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", arXiv:1411.1784. The condition columns
    (``condition_on`` of the synthesizer) are part of every row that the critic sees and an input of the generator.
    Sampling with a condition on them is exact; without one they are drawn with their true joint frequencies.
    Without condition columns this is the unconditional `WGAN`. Departs from the paper by the Wasserstein loss with
    gradient penalty, and as `WGAN` does from its own.

    Parameters
    ----------
    penalty_weight : float, default=0.1
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional-on-fitted", "score"})
    penalty_weight: float = 0.1

    def objective(self) -> AdversarialObjective:
        """Return the Wasserstein loss with gradient penalty, conditional."""
        return wasserstein(self.penalty_weight, None, self._pace(), conditional=True)
