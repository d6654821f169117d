"""Numbers far from all others: bounded by the encoding, and reported where they distort a column."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import ColumnWarning, counted
from gensynth.layout import FAR

Floats = NDArray[np.float64]

WRECKED = 1e12
"""Robust standard deviations from the median beyond which a fitted cell is reported: no measurement reaches so far."""
MIN_ROWS = 20
"""Minimal number of rows for a warning: fewer do not show what is usual."""


def soft_clip(distance: Floats, unit: Floats | float) -> Floats:
    """Return ``distance / unit`` (unit > 0), beyond `FAR` growing like a logarithm: monotone, finite for all floats."""
    size = np.abs(distance)
    with np.errstate(over="ignore"):
        ratio = size / unit
    far = ratio > FAR
    if not far.any():
        return np.asarray(distance / unit)
    # a difference of logarithms, as the ratio may be no float any more; times `FAR`, so that no bits of it are lost
    beyond = np.maximum(np.log(np.where(far, size, 1.0)) - np.log(unit) - np.log(FAR), 0.0)
    return np.asarray(np.sign(distance) * np.where(far, FAR * (1.0 + beyond), ratio))


def undo_soft_clip(numbers: Floats) -> Floats:
    """Invert `soft_clip`, up to the largest float."""
    size = np.abs(numbers)
    with np.errstate(over="ignore"):
        ratio = np.where(size > FAR, FAR * np.exp(size / FAR - 1.0), size)
    return np.asarray(np.copysign(np.minimum(ratio, np.finfo(np.float64).max), numbers))


def warn_of_far_cells(series: pd.Series[Any], name: str | int, far: NDArray[np.bool_]) -> None:
    """Warn of cells (n,) of a training column beyond `WRECKED`, naming the first row."""
    if len(series) < MIN_ROWS:
        return
    row = int(np.argmax(far))
    others = int(far.sum()) - 1
    more = f" (and {counted(others, 'other cell')})" if others else ""
    warnings.warn(
        f"column {name!r}, row {series.index[row]}: {series.iloc[row]!s}{more} is more than a million million times "
        "farther from the median than the column's values usually are; it is learned unchanged, and samples may have "
        "values up to it: if it is a mistake, correct it or leave the cell empty",
        ColumnWarning,
        stacklevel=2,
    )
