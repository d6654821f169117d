"""Training stages of a model: phases with losses, and closed-form fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Generator, Tensor, nn

from gensynth.batch import Batch

Loss = Callable[[Batch, Generator], Tensor]
"""A loss: a function of n rows and a random generator that returns (n,), or (members, n) for an ensemble.

The trainer minimises the mean over rows and members, and can leave the worst rows out. What a batch costs as a whole
(free nats of the mean divergence, a penalty of the weights) is added to every row. The loss of a game may be a scalar,
which is minimised as it is and never trimmed.
"""


@dataclass(frozen=True)
class Optimizer:
    """Settings of AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101).

    Parameters
    ----------
    learning_rate : float
        Step size, > 0.
    betas : tuple of float
        Decays of the two moments, in [0, 1).
    weight_decay : float
        Decoupled decay of the weights, >= 0.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Phase:
    """Parameters trained by one optimizer.

    Parameters
    ----------
    name : str
        Unique within the stage.
    parameters : tuple of Parameter
        The parameters to train.
    loss : callable
        The loss to minimise (`Loss`).
    optimizer : Optimizer
        Settings of the optimiser.
    every : int
        Take a step on every n-th batch only (5 for the generator of a WGAN with five critic steps).
    after_step : callable or None
        Called after each step (weight clipping, exponential averages).
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Loss
    optimizer: Optimizer = Optimizer()
    every: int = 1
    after_step: Callable[[], None] | None = None


Report = Callable[[Batch, Generator], Mapping[str, float]]
"""A function of rows and a random generator that returns numbers by name, to report on training."""


@dataclass(frozen=True)
class Stage:
    """Phases that alternate batch by batch.

    Parameters
    ----------
    name : str
        Unique within the model.
    phases : tuple of Phase
        At least one.
    monitor : callable or None
        Evaluated on held-out rows in eval mode; lower is better; the best weights are kept. It has the signature of a
        loss, on all held-out rows at once or in chunks (the mean is taken). None: the first phase's loss.
    decay_on_plateau : bool
        Halve the learning rates when the monitor stalls (for likelihoods, not for GANs).
    budget_fraction : float
        Fraction of the run's epochs and time, > 0, relative to those of the other stages.
    ema_decay : float
        Decay, in [0, 1), of an exponential moving average of the weights, which is evaluated and kept (Polyak &
        Juditsky 1992); 0: no averaging.
    max_steps : int
        Steps of a full run if the trainer's ``max_epochs`` is "auto". Without ``decay_on_plateau`` the patience of the
        trainer is at least a third of them.
    collapse_bound : callable or None
        Returns, for the same held-out rows, a bound that the monitor exceeds only after a collapse (mode or posterior
        collapse): a stage that ends above it causes a `CollapseWarning`, and the run restarts once with a new seed.
    report : callable or None
        Returns further numbers by name for the history, computed on held-out rows in eval mode.
    trim : float
        Fraction, in [0, 1), of the rows of a batch with the highest losses that each member's losses and monitor leave
        out (trimmed likelihood: Neykov & Neytchev 1990); for training rows that may hold anomalies.
    full_run : bool
        Run all steps, without early stopping, and keep the best weights of the last sixth, when learning rates have
        decayed: for GANs, which are best there while their monitor fluctuates.
    """

    name: str
    phases: tuple[Phase, ...]
    monitor: Loss | None = None
    decay_on_plateau: bool = True
    budget_fraction: float = 1.0
    ema_decay: float = 0.0
    max_steps: int = 20_000
    collapse_bound: Loss | None = None
    report: Report | None = None
    trim: float = 0.0
    full_run: bool = False


@dataclass(frozen=True)
class Fit:
    """A closed-form fit between stages: statistics, a mixture, marginals.

    Parameters
    ----------
    name : str
        Unique within the model.
    function : callable
        Called once with training rows and a random generator, in eval mode without gradients.
    max_rows : int or None
        Maximal number of training rows, drawn at random; None: all of them.
    """

    name: str
    function: Callable[[Batch, Generator], None]
    max_rows: int | None = None
