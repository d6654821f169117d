"""Recipes of the adversarial family: each is a choice of loss, penalty and condition."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gensynth.constraints import NONE, Constraint, number, one_of, whole
from gensynth.encoding.layout import Encoding, Layout
from gensynth.model import Recipe
from gensynth.nn.layers import fitting_rate
from gensynth.nn.losses import LeastSquares, Minimax, NonSaturating, Wasserstein
from gensynth.nn.penalties import DataPenalty, InterpolatePenalty, PerturbationPenalty

from .game import Game
from .model import AdversarialModel


@dataclass(eq=False)
class Adversarial(Recipe):
    """What every adversarial recipe shares: sizes and pace.

    Parameters
    ----------
    noise_dim : int, default=64
        Width of the generator's noise.
    width : int or None, default=None
        Width of the hidden layers; None sizes it from the number of rows (64 to 256).
    pack : int, default=4
        Rows that the critic judges together (PacGAN); 1 judges single rows.
    critic_steps : int
        Steps of the critic for each step of the generator.
    matching : float
        Weight of the association matching (pairs of columns) in the generator's loss; 0: the critic's word alone.
    learning_rate : float
        Of both networks in the game; a generator that comes from a warm start takes smaller steps.
    ema_decay : float, default=0.999
        Of the moving average of the generator, which is what is sampled from; 0 samples the generator itself.
    warm_start : float, default=0.8
        Share of the run in [0, 1) in which the generator is trained by maximum likelihood, before the game; 0: the
        game alone.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "noise_dim": whole(1),
        "width": NONE | whole(1),
        "pack": whole(1),
        "critic_steps": whole(1),
        "matching": number(0),
        "learning_rate": number(0, open_low=True),
        "ema_decay": number(0, 1, open_high=True),
        "warm_start": number(0, 1, open_high=True),
    }
    noise_dim: int = 64
    width: int | None = None
    pack: int = 4
    critic_steps: int = 2
    matching: float = 30.0
    learning_rate: float = 1e-3
    ema_decay: float = 0.999
    warm_start: float = 0.8

    @property
    def encoding(self) -> Encoding:
        """Codes only: quantile bins, with the place inside a bin drawn uniformly."""
        return Encoding(numeric="bins", max_bins=128)

    @abstractmethod
    def game(self) -> Game:
        """Return loss, penalty and pace."""

    def build(self, layout: Layout) -> AdversarialModel:
        """Return a freshly initialised model for this layout."""
        self.check()
        width = self.width or (64 if layout.n_rows < 500 else 128 if layout.n_rows < 5000 else 256)
        return AdversarialModel(
            layout,
            self.game(),
            noise_dim=self.noise_dim,
            width=width,
            pack=self.pack,
            dropout=fitting_rate(layout.n_rows),
        )

    def _pace(self) -> dict[str, Any]:
        """Return the settings of `Game` that do not depend on the loss."""
        names = ("critic_steps", "learning_rate", "matching", "ema_decay", "warm_start")
        return {name: getattr(self, name) for name in names}


def around_data(weight: float) -> DataPenalty | None:
    """Return the penalty on the gradient at the data; None for weight 0."""
    return DataPenalty(weight) if weight else None


def wasserstein(penalty_weight: float, clip: float | None, pace: dict[str, Any], conditional: bool = False) -> Game:
    """Return the Wasserstein game with a gradient penalty, or with clipping where a bound is given."""
    penalty = None if clip is not None else InterpolatePenalty(penalty_weight)
    return Game(Wasserstein(), penalty, clip, conditional=conditional, **pace)


@dataclass(eq=False)
class GAN(Adversarial):
    """Generative adversarial network for tables.

    Goodfellow et al. 2014, "Generative Adversarial Nets", arXiv:1406.2661. Departs from the paper by a generator that
    is trained by maximum likelihood before the game (as that of SeqGAN: Yu et al. 2017, arXiv:1609.05473;
    ``warm_start=0`` for the game alone), drawn codes with a straight-through gradient, packs of rows, association
    matching beside the critic, a penalty on the critic's gradient at the data (Mescheder et al. 2018,
    arXiv:1801.04406) and a moving average of the generator.

    Parameters
    ----------
    loss : {"non-saturating", "minimax"}, default="non-saturating"
        What the generator minimises: -log D, or log(1 - D), whose gradient vanishes against a good critic.
    penalty_weight : float, default=1.0
        Weight of the squared gradient at the data (R1), without which the game circles; 0: as in the paper.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "loss": one_of("non-saturating", "minimax"),
        "penalty_weight": number(0),
    }
    loss: Literal["non-saturating", "minimax"] = "non-saturating"
    penalty_weight: float = 1.0

    def game(self) -> Game:
        """Return cross-entropy."""
        losses = {"non-saturating": NonSaturating, "minimax": Minimax}
        return Game(losses[self.loss](), around_data(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class WGAN(Adversarial):
    """Wasserstein GAN for tables, with gradient penalty or with clipped weights.

    Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875; Gulrajani et al. 2017, "Improved Training of
    Wasserstein GANs", arXiv:1704.00028. Departs from both by the warm start of `GAN`, drawn codes with a
    straight-through gradient, packs of rows, of which a quarter is penalised, association matching beside the critic
    and a moving average of the generator, and from the first by AdamW in place of RMSProp.

    Parameters
    ----------
    penalty_weight : float, default=10.0
        Weight of the gradient penalty; not used when weights are clipped.
    clip : float or None, default=None
        Bound on the critic's weights, in place of the penalty (0.01 in the paper); None: gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "penalty_weight": number(0),
        "clip": NONE | number(0, open_low=True),
    }
    penalty_weight: float = 10.0
    clip: float | None = None

    def game(self) -> Game:
        """Return the Wasserstein loss with what keeps its critic Lipschitz."""
        return wasserstein(self.penalty_weight, self.clip, self._pace())


@dataclass(eq=False)
class LSGAN(Adversarial):
    """Least-squares GAN for tables: the critic is fitted to 1 for real and 0 for generated rows.

    Mao et al. 2017, "Least Squares Generative Adversarial Networks", arXiv:1611.04076, eq. 9. Departs from the paper
    as `GAN` does from its own.

    Parameters
    ----------
    penalty_weight : float, default=1.0
        Weight of the squared gradient at the data (R1), without which the game circles; 0: as in the paper.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 1.0

    def game(self) -> Game:
        """Return least squares."""
        return Game(LeastSquares(), around_data(self.penalty_weight), **self._pace())


@dataclass(eq=False)
class DRAGAN(Adversarial):
    """GAN for tables whose critic has gradients of norm 1 around the data.

    Kodali et al. 2017, "On Convergence and Stability of GANs", arXiv:1705.07215, eq. 4. Departs from the paper as
    `GAN` does from its own.

    Parameters
    ----------
    penalty_weight : float, default=10.0
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 10.0

    def game(self) -> Game:
        """Return cross-entropy with the penalty at perturbed real rows."""
        return Game(NonSaturating(), PerturbationPenalty(self.penalty_weight), **self._pace())


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
    penalty_weight : float, default=10.0
        Weight of the gradient penalty.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"penalty_weight": number(0)}
    penalty_weight: float = 10.0

    def game(self) -> Game:
        """Return the Wasserstein loss with gradient penalty, conditional."""
        return wasserstein(self.penalty_weight, None, self._pace(), conditional=True)
