"""Distributions of one column in two tables: common histogram bins, frequencies of common values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.metrics.columns import common_codes, kind_of, numbers

FEW = 12
"""Number of distinct values up to which each is shown as a bar of its own."""
TAIL = 0.005
"""Share of the rows at each end of an axis that may lie beyond it."""
_BINS = 30
_MAX_VALUES = 8
_MAX_LETTERS = 60


@dataclass(frozen=True)
class Histogram:
    """Shares of the rows of two columns in common bins; the outer bins hold what lies beyond.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Ends of the bins; dates are microseconds since 1970.
    real, synthetic : ndarray of shape (n_bins,)
        Shares in [0, 1].
    """

    edges: NDArray[np.float64]
    real: NDArray[np.float64]
    synthetic: NDArray[np.float64]


@dataclass(frozen=True)
class ValueShare:
    """A value, or all that are not shown by themselves, and its shares in [0, 1] of both columns."""

    name: str
    real: float
    synthetic: float


def is_binned(real: pd.Series[Any]) -> bool:
    """Return whether a column is shown as a histogram: numbers and dates of more than a few different values."""
    return kind_of(real) == "numeric" and real.nunique() > FEW


def histogram(real: pd.Series[Any], synthetic: pd.Series[Any]) -> Histogram:
    """Return two columns of numbers or dates in common bins.

    Raises
    ------
    DataError
        The synthetic column holds no numbers.
    """
    x, y = (part[np.isfinite(part)] for part in (numbers(real), numbers(synthetic, like=real)))
    ends = [np.quantile(part, (TAIL, 1 - TAIL)) for part in (x, y) if len(part)]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    shares = [np.histogram(part.clip(low, high), edges)[0] / max(len(part), 1) for part in (x, y)]
    return Histogram(edges, *shares)


def value_shares(real: pd.Series[Any], synthetic: pd.Series[Any]) -> list[ValueShare]:
    """Return shares of the commonest values, numbers in their order, and of all others together."""
    a, b, size = common_codes(real, synthetic)
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (a, b)]
    names: dict[int, Any] = {}
    for codes, column in ((b, synthetic), (a, real)):
        distinct, first = np.unique(codes, return_index=True)
        names |= dict(zip(distinct.tolist(), column.iloc[first].tolist(), strict=True))
    present = [code for code in range(1, size) if shares[0][code] + shares[1][code] > 0]
    order = sorted(present, key=lambda code: -max(shares[0][code], shares[1][code]))
    numeric = kind_of(real) == "numeric"
    shown = order[: FEW if numeric else _MAX_VALUES]
    if numeric:
        shown.sort(key=lambda code: names[code])
    rows = [ValueShare(_short(names[code]), float(shares[0][code]), float(shares[1][code])) for code in shown]
    rest = [code for code in order if code not in shown]
    if rest:
        rows.append(ValueShare(f"{len(rest):,} others", float(shares[0][rest].sum()), float(shares[1][rest].sum())))
    return rows


def missing_shares(real: pd.Series[Any], synthetic: pd.Series[Any]) -> tuple[float, float]:
    """Return the shares in [0, 1] of missing cells."""
    return float(real.isna().mean()), float(synthetic.isna().mean())


def moment(microseconds: float, like: pd.Series[Any]) -> str:
    """Return a date, or a span in days, that `gensynth.metrics.columns.numbers` has as microseconds."""
    if pd.api.types.is_timedelta64_dtype(like.dtype):
        return f"{microseconds / 86_400e6:.3g} d"
    return str(pd.Timestamp(int(microseconds), unit="us").date())


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _MAX_LETTERS else text[:_MAX_LETTERS] + " …"
