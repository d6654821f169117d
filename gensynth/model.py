"""The contract between the engine and a family of models: all a plugin author has to read.

A `Recipe` holds hyperparameters and builds a `GenerativeModel` for a `Layout`. The model says in `stages`
what is to be minimised; the one `Trainer` does the rest. Nothing here knows tables, files or the command line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from sklearn.base import BaseEstimator
from torch import Generator, Tensor, nn

from gensynth.constraints import Constraint, check_parameters, plain_parameters
from gensynth.errors import CapabilityError, OptionError, hint
from gensynth.layout import UNKNOWN, ColumnLayout, Encoding, Layout

__all__ = [
    "UNKNOWN", "Batch", "ColumnLayout", "Condition", "Encoding",
    "Fit", "GenerativeModel", "HasLatents", "Layout", "Optimizer",
    "Phase", "Recipe", "Score", "Stage",
]  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Encoded rows on a device: ``numeric`` (n, d) float, ``codes`` (n, k) int64 (see `Layout`).

    ``log_jacobian`` (n, d) comes only with rows to be scored: a likelihood adds it to be a density over values.
    """

    numeric: Tensor
    codes: Tensor
    log_jacobian: Tensor | None = None

    def __len__(self) -> int:
        return self.codes.shape[0]

    def __getitem__(self, rows: Tensor | slice) -> Batch:
        """Rows by a slice or an index tensor (an index_select)."""

        def pick(t: Tensor) -> Tensor:
            return t[rows] if isinstance(rows, slice) else t.index_select(0, rows)

        jacobian = None if self.log_jacobian is None else pick(self.log_jacobian)
        return Batch(pick(self.numeric), pick(self.codes), jacobian)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Batch:
        """Move to a device; ``dtype`` casts the floating parts only."""
        jacobian = self.log_jacobian
        return Batch(
            self.numeric.to(device, dtype),
            self.codes.to(device),
            None if jacobian is None else jacobian.to(device, dtype),
        )

    def subsample(self, max_rows: int, rng: Generator) -> Batch:
        """Return at most ``max_rows`` rows, drawn at random; all of them where there are no more."""
        if len(self) <= max_rows:
            return self
        return self[torch.randperm(len(self), generator=rng, device=self.codes.device)[:max_rows]]

    @staticmethod
    def cat(parts: list[Batch]) -> Batch:
        """Stack batches (without their ``log_jacobian``)."""
        return Batch(torch.cat([p.numeric for p in parts]), torch.cat([p.codes for p in parts]))


@dataclass(frozen=True)
class Score:
    """How normal rows are, higher = more normal.

    Parameters
    ----------
    rows : Tensor of shape (n,) or (members, n)
        Scores; of an ensemble those of each of its networks.
    columns : Tensor of shape (n, k) or (members, n, k), or None
        What each column adds to minus the score, a row's summing to it; None if the family cannot say.
    """

    rows: Tensor
    columns: Tensor | None = None


@dataclass(frozen=True)
class Condition:
    """Cells that are given: ``rows`` holds one row per row asked for, of which only ``columns`` have a meaning."""

    columns: tuple[int, ...]
    rows: Batch


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
    """Parameters that one optimizer trains.

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
    """Phases that are trained together, batch by batch, in their order.

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
    """A closed form between stages: statistics, a mixture, marginals.

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


class GenerativeModel(nn.Module, ABC):
    """A network that can be trained, sampled and asked for scores. ``layout`` says what its rows look like."""

    score_methods: ClassVar[tuple[str, ...]]
    """Names that `score` takes as ``method``; the first is the default."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout

    def score_method(self, method: str | None) -> str:
        """Return the method to score by, the default for None; raise `OptionError` for one the family lacks."""
        if method is not None and method not in self.score_methods:
            known = ", ".join(map(repr, self.score_methods))
            raise OptionError(f"{hint(f'method={method!r}', f'--method {method}')} is unknown; the model has {known}")
        return self.score_methods[0] if method is None else method

    @abstractmethod
    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return what is to be trained and fitted, in order. Called once per training run."""

    @abstractmethod
    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw ``n`` encoded rows; with a condition its cells come back exactly as given.

        Runs in eval mode without gradients. A family without the capability "conditional" raises `CapabilityError`
        for cells that it cannot be given; "conditional-on-fitted" can be given the first ``layout.n_conditions``.
        """

    def complete(self, batch: Batch, missing: Tensor, rng: Generator) -> Batch:  # noqa: ARG002
        """Draw the cells where ``missing`` (n, k) is True given the rest of their row, which comes back exactly.

        What is drawn is never `UNKNOWN` and never the column's code for missing. Missing cells come as `UNKNOWN`.
        Runs as `generate` does. Families with the capability "impute" override it.
        """
        raise CapabilityError(f"{type(self).__name__} cannot fill in missing cells")

    @abstractmethod
    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Return how normal rows are: deterministic, and a row's score depends on that row alone.

        With ``attribute`` the score is told apart by column, by a family that can (`Score.columns`); for one that
        cannot the engine looks at what every cell costs.
        """

    def conditional_interval(self, batch: Batch, position: int) -> tuple[Tensor, Tensor] | None:  # noqa: ARG002
        """Return (n,) low and high ends of what was expected in one column given the other cells; None if unknown.

        ``position`` is the column's in the layout. Ends are numbers for a column of role "value", else codes.
        """
        return None


class HasLatents(Protocol):
    """What a `GenerativeModel` has besides if its recipe has the capability "latent"."""

    @property
    def latent_dim(self) -> int:
        """Width of the latents."""

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): the mean of q(latent | row); deterministic, of each row alone."""

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        """Draw one row of p(row | latent) for each of n latents (n, latent_dim)."""


class Recipe(BaseEstimator, ABC):
    """Hyperparameters of a family, and nothing else: subclasses are dataclasses (``@dataclass(eq=False)``)."""

    constraints: ClassVar[Mapping[str, Constraint]] = {}
    """What values the hyperparameters can have (`gensynth.constraints`); those of base classes hold too."""
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "score"})
    """What the family can do, of `gensynth.hookspecs.CAPABILITIES`; asked for before anything is trained; "latent": its
    models are `HasLatents`."""
    score_methods: ClassVar[tuple[str, ...]] = ()
    """What its models take as ``method`` of `GenerativeModel.score`; the first is the default. Those that are made for
    one task may lack some."""
    legacy_defaults: ClassVar[Mapping[str, Any]] = {}
    """What hyperparameters that came later stand for in files that were written without them."""

    @property
    def able(self) -> frozenset[str]:
        """What this recipe's models can do: `capabilities`, less what its hyperparameters leave out."""
        return self.capabilities

    def check(self) -> None:
        """Raise `OptionError` for a hyperparameter that has a value which it cannot have; fits call it first."""
        check_parameters(self, "model.")

    @property
    def encoding(self) -> Encoding:
        """How this family wants its rows encoded."""
        return Encoding()

    @property
    def score_weights(self) -> Mapping[str, float]:
        """Weights of the score methods that an anomaly detector adds up by default; empty: the model's first one.

        The detector takes the scores of each member and method in units of their interquartile range over the training
        rows about their median there, and averages the members.
        """
        return {}

    def for_detection(self, *, contaminated: bool, members: int | None = None) -> Recipe:  # noqa: ARG002
        """Return the recipe that an anomaly detector trains.

        Parameters
        ----------
        contaminated : bool
            Whether the training rows may hold anomalies.
        members : int or None
            Networks of the ensemble; None for the family's own number.

        Returns
        -------
        Recipe
            A family that knows nothing of ensembles returns itself, and the detector fits several models of it where
            ``members`` is more than 1; else the model's scores have a leading members axis (`Score.rows`).
        """
        return self

    @abstractmethod
    def build(self, layout: Layout) -> GenerativeModel:
        """Return a freshly initialised model for this layout; draws that name no generator come from the fit's seed."""

    def to_json(self) -> dict[str, Any]:
        """Return the hyperparameters as plain JSON values."""
        plain = plain_parameters(self.get_params(deep=False))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain}
