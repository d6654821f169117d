"""The contract between the engine and a family of models, for authors of plugins.

A `Recipe` holds hyperparameters and builds a `GenerativeModel` for a `Layout`. The model says in `stages`
what is to be minimised; the one `Trainer` does the rest. Nothing here knows tables, files or the command line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from sklearn.base import BaseEstimator
from torch import Generator, Tensor, nn

from gensynth.batch import Batch, Observed, Score
from gensynth.constraints import Constraint, SearchSpace, check_parameters, plain_parameters
from gensynth.errors import CapabilityError, OptionError, hint
from gensynth.layout import UNKNOWN, ColumnLayout, Encoding, ImageLayout, Layout, NumericSlot
from gensynth.stages import Fit, Loss, Optimizer, Phase, Report, Stage

__all__ = [
    "UNKNOWN", "Batch", "ColumnLayout", "Encoding", "Fit", "GenerativeModel", "HasLatents", "ImageLayout", "Layout",
    "Loss", "NumericSlot", "Observed", "Optimizer", "Phase", "Recipe", "Report", "Score", "Stage",
]  # fmt: skip


class GenerativeModel(nn.Module, ABC):
    """A network that can be trained, sampled from and used for scoring; ``layout`` describes its rows."""

    score_methods: ClassVar[tuple[str, ...]] = ()
    """Names that `score` takes as ``method``; the first is the default. None of a family that only draws rows."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout

    def score_method(self, method: str | None) -> str:
        """Return the method to score by, the default for None.

        Raises
        ------
        CapabilityError
            The family does not score.
        OptionError
            It has no such method.
        """
        if not self.score_methods:
            raise CapabilityError(f"{type(self).__name__} does not score rows")
        if method is not None and method not in self.score_methods:
            known = ", ".join(map(repr, self.score_methods))
            raise OptionError(f"{hint(f'method={method!r}', f'--method {method}')} is unknown; the model has {known}")
        return self.score_methods[0] if method is None else method

    @abstractmethod
    def stages(self) -> tuple[Stage | Fit, ...]:
        """Return the training stages and closed-form fits, in order. Called once per training run."""

    @abstractmethod
    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        """Sample ``n`` encoded rows; observed cells are returned exactly, the others sampled given them.

        Runs in eval mode without gradients. Sampled codes are never `UNKNOWN` and, with ``observed.impute``, never the
        column's code for missing. A family raises `CapabilityError` for cells that it cannot condition on:
        "conditional" allows the same columns in every row, "conditional-on-fitted" some of the first
        ``layout.n_conditions``, "impute" any cells, with ``observed.impute``.
        """

    @abstractmethod
    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Score rows: deterministic, and independent of the other rows.

        With ``attribute`` the score is also attributed to columns, if the family can (`Score.columns`); otherwise the
        engine estimates the attribution by replacing cells.
        """

    def conditional_interval(self, batch: Batch, position: int) -> tuple[Tensor, Tensor] | None:  # noqa: ARG002
        """Return low and high ends (n,) of the interval expected in one column given the other cells; None if unknown.

        ``position`` is the column's in the layout. Ends are numbers for a column of "continuous" ones, else codes.
        """
        return None


class HasLatents(Protocol):
    """Further interface of a `GenerativeModel` whose recipe has the capability "latent"."""

    @property
    def latent_dim(self) -> int:
        """Width of the latents."""

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): the mean of q(latent | row); deterministic, of each row alone."""

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        """Sample one row of p(row | latent) for each of n latents (n, latent_dim)."""


class Recipe(BaseEstimator, ABC):
    """Hyperparameters of a family, and nothing else: subclasses are dataclasses (``@dataclass(eq=False)``)."""

    constraints: ClassVar[Mapping[str, Constraint]] = {}
    """What values the hyperparameters can have (`gensynth.constraints`); those of base classes hold too."""
    search_space: ClassVar[SearchSpace] = {}
    """Which values are worth trying by a search for a model to sample from; those of base classes are too."""
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "score"})
    """What the family can do, of `gensynth.hookspecs.CAPABILITIES`; asked for before anything is trained; "latent": its
    models are `HasLatents`."""
    in_monitor: ClassVar[frozenset[str]] = frozenset()
    """Hyperparameters that what training is monitored by depends on, as the weight of a divergence: it does not tell
    which of two values of them is better."""
    score_methods: ClassVar[tuple[str, ...]] = ()
    """What its models take as ``method`` of `GenerativeModel.score`; the first is the default. Those that are made for
    one task may lack some."""
    legacy_defaults: ClassVar[Mapping[str, Any]] = {}
    """What hyperparameters that came later stand for in files that were written without them."""

    image_estimators: ClassVar[int] = 1
    """Models that an anomaly detector of images fits where no number is asked for."""

    @property
    def able(self) -> frozenset[str]:
        """Capabilities of this recipe's models: `capabilities` without those that its hyperparameters exclude."""
        return self.capabilities

    def check(self) -> None:
        """Raise `OptionError` for an invalid hyperparameter; fits call it first."""
        check_parameters(self, "model.")

    @property
    def encoding(self) -> Encoding:
        """The encoding of rows for this family."""
        return Encoding()

    @property
    def score_weights(self) -> Mapping[str, float]:
        """Weights of the score methods that an anomaly detector sums by default; empty: the model's first one.

        The detector centres and scales the scores of each member and method by their median and interquartile range on
        the training rows, and averages the members.
        """
        return {}

    def for_detection(self, *, contaminated: bool, members: int | None = None) -> Recipe:  # noqa: ARG002
        """Return the recipe that an anomaly detector trains.

        Parameters
        ----------
        contaminated : bool
            Whether the training rows may hold anomalies.
        members : int or None
            Number of networks in the ensemble; None for the family's own number.

        Returns
        -------
        Recipe
            A recipe without ensembles returns itself, and the detector fits several models of it if ``members`` is more
            than 1; otherwise the model's scores have a leading members axis (`Score.rows`).
        """
        return self

    def for_image_detection(self) -> Recipe:
        """Return the recipe that an anomaly detector of images trains; by default this recipe."""
        return self

    @abstractmethod
    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout; random draws without a generator use the fit's seed."""

    def to_json(self) -> dict[str, Any]:
        """Return the hyperparameters as plain JSON values."""
        plain = plain_parameters(self.get_params(deep=False))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain}
