"""Parameter constraints and search spaces as data: checked at fit, searched by tuning."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from gensynth.errors import OptionError, hint


@dataclass(frozen=True)
class Constraint:
    """A constraint on the values of a parameter.

    Parameters
    ----------
    allows : callable
        From a value to whether it is one.
    words : str
        What is expected, in words: "an integer >= 1".
    """

    allows: Callable[[Any], bool]
    words: str

    def __or__(self, other: Constraint) -> Constraint:
        """Return the union of two constraints."""
        return Constraint(lambda v: self.allows(v) or other.allows(v), f"{self.words} or {other.words}")


def whole(low: int, high: int | None = None) -> Constraint:
    """Allow integers (of Python or numpy) from ``low`` to ``high``; None for no bound."""

    def allows(value: Any) -> bool:
        right = isinstance(value, int | np.integer) and not isinstance(value, bool)
        return right and bool(low <= value) and (high is None or bool(value <= high))

    return Constraint(allows, f"an integer >= {low}" if high is None else f"an integer from {low:,} to {high:,}")


def number(low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False) -> Constraint:
    """Allow finite numbers from ``low`` to ``high``, including the ends unless they are open."""

    def allows(value: Any) -> bool:
        if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
            return False
        above = value > low if open_low else value >= low
        below = value < high if open_high else value <= high
        return bool(math.isfinite(value) and above and below)

    if math.isinf(high):
        return Constraint(allows, f"a number {'>' if open_low else '>='} {low:g}")
    ends = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
    return Constraint(allows, f"a number in {ends}")


def one_of(*values: Any) -> Constraint:
    """Allow these values, of exactly their types."""

    def allows(value: Any) -> bool:
        return any(type(value) is type(v) and value == v for v in values)

    return Constraint(allows, " or ".join(map(repr, values)) if len(values) < 3 else f"one of {_listing(values)}")


def several(part: Constraint) -> Constraint:
    """Allow tuples and lists of one or more such values."""

    def allows(value: Any) -> bool:
        return isinstance(value, tuple | list) and len(value) > 0 and all(map(part.allows, value))

    return Constraint(allows, f"a tuple of one or more, each {part.words}")


NONE = Constraint(lambda v: v is None, "None")
FLAG = Constraint(lambda v: isinstance(v, bool | np.bool_), "True or False")
ANY_CALLABLES = Constraint(
    lambda v: isinstance(v, Sequence) and all(callable(c) or hasattr(c, "on_round") for c in v), "a list of callables"
)


@dataclass(frozen=True)
class Among:
    """Search space of discrete values.

    Parameters
    ----------
    values : tuple
        At least one.
    """

    values: tuple[Any, ...]

    @property
    def examples(self) -> tuple[Any, ...]:
        """Every value."""
        return self.values


@dataclass(frozen=True)
class Between:
    """Search space of an interval; also a distribution for scikit-learn's searches.

    Parameters
    ----------
    low, high : float
        Ends, which are among them.
    log : bool, default=False
        Whether they are spread evenly on a logarithmic scale; ``low`` is then above 0.
    whole : bool, default=False
        Whether they are integers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def examples(self) -> tuple[float, ...]:
        """Both ends."""
        return self.low, self.high

    def rvs(self, size: int | None = None, random_state: Any = None) -> Any:
        """Return a number, or ``size`` of them, as a distribution of scipy does.

        Parameters
        ----------
        size : int or None
            How many; None: one number, of Python.
        random_state : int, numpy.random.RandomState or None
            Seed.
        """
        from sklearn.utils import check_random_state

        rng = check_random_state(random_state)
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        drawn = np.exp(rng.uniform(math.log(low), math.log(high), size)) if self.log else rng.uniform(low, high, size)
        drawn = np.clip(np.rint(drawn) if self.whole else drawn, self.low, self.high)
        if size is not None:
            return drawn.astype(np.int64) if self.whole else drawn
        return int(drawn) if self.whole else float(drawn)


SearchSpace = Mapping[str, Among | Between]
"""Search space of the tuner: values to try, by parameter name."""


def search_space_of(kind: type) -> dict[str, Among | Between]:
    """Return the search space of a class: its own ``search_space`` and those of the classes that it derives from."""
    found: dict[str, Among | Between] = {}
    for base in reversed(kind.__mro__):
        found |= vars(base).get("search_space", {})
    return found


def constraints_of(kind: type) -> dict[str, Constraint]:
    """Return the constraints of a class: its own ``constraints`` and those of the classes that it derives from."""
    found: dict[str, Constraint] = {}
    for base in reversed(kind.__mro__):
        found |= vars(base).get("constraints", {})
    return found


def check_parameters(estimator: BaseEstimator, setting: str = "") -> None:
    """Raise `OptionError` for the first parameter with an invalid value.

    Parameters
    ----------
    estimator : BaseEstimator
        Its class has ``constraints``.
    setting : str
        What the command line puts before the names of its parameters: "model.".

    Raises
    ------
    OptionError
        Names the class, the parameter, the value and what was expected.
    """
    values = estimator.get_params(deep=False)
    for name, constraint in constraints_of(type(estimator)).items():
        if not constraint.allows(values[name]):
            whose = hint(f"{type(estimator).__name__}: ", setting)
            raise OptionError(f"{whose}{name}={plain_value(values[name])!r}, expected {constraint.words}")


def plain_parameters(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield parameters with numpy scalars converted to Python ones."""
    for name, value in values.items():
        parts = tuple(plain_value(v) for v in value) if isinstance(value, tuple) else value
        yield name, plain_value(parts)


def plain_value(value: Any) -> Any:
    """Return a numpy scalar as a Python one; anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def _listing(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values))
