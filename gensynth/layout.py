"""The layout of encoded rows, from which every model is built. No torch in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gensynth.errors import OptionError, shown

UNKNOWN = 0
"""Code of values unseen in training; no training row has it, and it is never sampled."""

FAR = 1e4
"""Robust standard deviations from the median, or widths of the outermost bin, beyond which encoded numbers grow like
logarithms: the greatest floats are finite in float32 and in a score, and the order of values stays."""

_MIN_SHARE = 1e-9
"""Lower bound on the share of a code among the ranks."""

NumericKind = Literal["continuous", "within_bin"]
NumericEncoding = Literal["bins", "normal", "standard"]


@dataclass(frozen=True)
class NumericSlot:
    """The number that stands beside some codes of a column.

    Parameters
    ----------
    index : int
        Column of ``numeric`` that holds it.
    codes : range
        Codes for which it has a meaning; beside others it is 0.
    kind : {"continuous", "within_bin"}
        "continuous": the number is the standardised (about N(0, 1)) value itself and a model must learn it.
        "within_bin": where in its code (a bin, or the folded tail of a category) the value lies, in [0, 1] and
        uniform given the code alone; a model may learn it, and one that does not draws it uniformly.
        Rows outside the fitted range lie outside [0, 1].
    """

    index: int
    codes: range
    kind: NumericKind

    @property
    def middle(self) -> float:
        """Expected value of the number."""
        return 0.5 if self.kind == "within_bin" else 0.0

    def beside(self, codes: Any) -> Any:
        """Return a mask of the codes (tensor or array) that have a number beside them."""
        return (codes >= self.codes.start) & (codes < self.codes.stop)


@dataclass(frozen=True)
class Predictor:
    """An earlier column whose rank nearly determines this column's rank.

    Parameters
    ----------
    column : int
        Position of the earlier column in the layout.
    increasing : bool
        Whether ranks rise together; False: one falls as the other rises.
    spread : float
        Median absolute difference between the log-odds of the rank and those that follow from the earlier column.
    """

    column: int
    increasing: bool
    spread: float


@dataclass(frozen=True)
class ColumnLayout:
    """One learnable column: a code for every row, and for some codes a number beside it.

    Parameters
    ----------
    name : str
        Name of the column in the table.
    frequencies : tuple of float
        Share of each code among the fitted rows; its length is the cardinality. Entry 0 (`UNKNOWN`) is 0.
    ordered : bool
        Whether the codes that are neither unknown nor missing stand in the order of their values.
    missing : int or None
        Code of a missing value; None where the fitted column had none.
    numeric : NumericSlot or None
        The number beside the code; None for a column of codes only.
    predictor : Predictor or None
        An earlier column whose rank nearly determines this one's; None if there is none.
    """

    name: str
    frequencies: tuple[float, ...]
    ordered: bool = False
    missing: int | None = None
    numeric: NumericSlot | None = None
    predictor: Predictor | None = None

    @property
    def cardinality(self) -> int:
        """Number of codes, `UNKNOWN` included."""
        return len(self.frequencies)

    @property
    def codes_in_order(self) -> range:
        """The codes that stand in the order of their values: ordered categories, or bins without repeated values."""
        if self.ordered:
            return range((UNKNOWN if self.missing is None else self.missing) + 1, self.cardinality)
        return range(0) if self.numeric is None else self.numeric.codes

    @property
    def rank_edges(self) -> tuple[float, ...]:
        """Ranks, from 0 to 1, at which `codes_in_order` begin, and the last one's end."""
        codes = self.codes_in_order
        shares = np.maximum(self.frequencies[codes.start : codes.stop], _MIN_SHARE)
        return (0.0, *(np.cumsum(shares) / shares.sum()).tolist()) if len(codes) else ()

    def holds(self, kind: NumericKind) -> bool:
        """Return whether the column has a number of this kind beside some of its codes."""
        return self.numeric is not None and self.numeric.kind == kind


@dataclass(frozen=True)
class ImageLayout:
    """Images that belong to rows.

    Parameters
    ----------
    channels, height, width : int
        Shape of an image, each at least 1.
    levels : int
        Values of a pixel: integers below it stand as (integer + .5) / levels, in (0, 1).
    """

    channels: int
    height: int
    width: int
    levels: int = 256

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.channels, self.height, self.width

    @property
    def n_values(self) -> int:
        """Values of an image: of all its pixels and channels."""
        return self.channels * self.height * self.width

    @property
    def n_features(self) -> int:
        """Approximate size of one image's features in a network: 64 for each pixel."""
        return 64 * self.height * self.width


@dataclass(frozen=True)
class Layout:
    """Encoded rows as a model sees them.

    Parameters
    ----------
    columns : tuple of ColumnLayout
        The learnable columns, in the order of ``codes``. Condition columns come first.
    n_rows : int
        Fitted rows; networks size and regularise themselves from it.
    n_conditions : int
        The first ``n_conditions`` columns are the ones that sampling is meant to be conditioned on.
    image : ImageLayout or None
        The image of each row, whose label is a column like any other; None for rows of a table.
    """

    columns: tuple[ColumnLayout, ...]
    n_rows: int
    n_conditions: int = 0
    image: ImageLayout | None = None

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each column."""
        return tuple(column.cardinality for column in self.columns)

    @property
    def predictors(self) -> dict[int, Predictor]:
        """The predictors of the columns that have one, by position."""
        return {i: column.predictor for i, column in enumerate(self.columns) if column.predictor is not None}

    @property
    def n_numeric(self) -> int:
        """Number of columns of ``numeric``."""
        return sum(column.numeric is not None for column in self.columns)


@dataclass(frozen=True)
class Encoding:
    """Encoding of numeric columns that a recipe requests; categories are always codes.

    Parameters
    ----------
    numeric : {"bins", "normal", "standard"}
        "bins": quantile bins, numbers "within_bin". "normal": quantile-to-normal, "continuous" (one code "a value").
        "standard": the value itself less the median, in units of its robust spread; "continuous" too. Far values stay
        far (up to `FAR`, and beyond it in their order), which a score needs to see; columns that are often equal are
        not linked.
    max_bins : int
        Most bins a column gets; fewer for small tables.
    max_atoms : int
        Most repeated values a column gets as codes of their own.
    mixed : bool
        Whether repeated values are codes of their own beside bins; False: a column has codes of the one kind or of the
        other, so that the codes of its numbers stand in order.
    max_levels : int
        Most categories a column gets as codes of their own; the rest folds into one "other" code.
    """

    numeric: NumericEncoding = "bins"
    max_bins: int = 128
    max_atoms: int = 256
    max_levels: int = 1000
    mixed: bool = True

    def __post_init__(self) -> None:
        if self.numeric not in ("bins", "normal", "standard"):
            raise OptionError(f"numeric encoding must be 'bins', 'normal' or 'standard', got {self.numeric!r}")
        for name, least in (("max_bins", 2), ("max_atoms", 0), ("max_levels", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < least:
                raise OptionError(f"{name} must be a whole number of at least {least}, got {shown(value)}")
