"""Training stages of a model: phases with losses, and closed-form fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Generator, Tensor, nn

from gensynth.batch import Batch

Loss = Callable[[Batch, Generator], Tensor]
"""From n rows and a source of randomness to what each costs: (n,), or (members, n) of networks side by side.

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
        No other phase of the stage has it.
    parameters : tuple of Parameter
        What is trained.
    loss : callable
        What is minimised (`Loss`).
    optimizer : Optimizer
        How.
    every : int
        5 takes a step on every fifth batch only (the generator of a WGAN).
    after_step : callable or None
        Follows each of its steps (weight clipping, exponential averages).
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Loss
    optimizer: Optimizer = Optimizer()
    every: int = 1
    after_step: Callable[[], None] | None = None


Report = Callable[[Batch, Generator], Mapping[str, float]]
"""From rows and a source of randomness to numbers that tell how training goes, by name."""


@dataclass(frozen=True)
class Stage:
    """Phases that alternate batch by batch.

    Parameters
    ----------
    name : str
        No other stage or fit of the model has it.
    phases : tuple of Phase
        At least one.
    monitor : callable or None
        Evaluated on held-out rows in eval mode; lower is better; the best weights are kept. It returns what a loss
        does, of all held-out rows at once or in chunks (the mean is taken). None: the first phase's loss.
    decay_on_plateau : bool
        Halve the learning rates when the monitor stalls (right for likelihoods, not for games).
    budget_fraction : float
        Of the epochs and the time of the run, > 0, in proportion to those of the other stages.
    ema_decay : float
        Decay in [0, 1) of an exponential moving average of the weights, which is what is evaluated and kept (Polyak &
        Juditsky 1992); 0 keeps the weights as they are.
    max_steps : int
        Steps of a full run where the trainer's ``max_epochs`` is "auto". Without ``decay_on_plateau`` the patience of
        the trainer lasts a third of them at least.
    collapse_bound : callable or None
        Returns, on the same held-out rows, what the monitor exceeds only if training has collapsed: a stage that ends
        above it is reported in a `CollapseWarning`, and the run starts over from a new seed, once.
    report : callable or None
        Returns numbers by name, of held-out rows in eval mode, that go into the history beside the monitor.
    trim : float
        Fraction in [0, 1) of the rows of a batch, those of the highest losses to each member, that its losses and
        monitor leave out (trimmed likelihood: Neykov & Neytchev 1990); for training rows that may hold anomalies.
    full_run : bool
        All steps are made, and the best weights of their last sixth are kept, where learning rates have fallen: right
        for games, which are nearest to their end there while their monitor wavers.
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
        No other stage or fit of the model has it.
    function : callable
        Called once with training rows and a source of randomness, in eval mode without gradients.
    max_rows : int or None
        Training rows that it is given at most, drawn at random; None: all of them.
    """

    name: str
    function: Callable[[Batch, Generator], None]
    max_rows: int | None = None
