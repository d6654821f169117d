"""Validity of synthetic cells: missing values, categories, ranges, types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.metrics.columns import common_codes, is_time, kind_of, numbers, pair_of_scalars

_MAX_DECIMALS = 6


@dataclass(frozen=True)
class Validity:
    """Result of `validity`; every number is in [0, 1].

    Parameters
    ----------
    category_coverage : float
        Mean over categorical columns of the share of the real values that occur; 1 is best. NaN without such columns.
    missingness_error : float
        Mean over columns of the difference between the shares of missing cells; 0 is best.
    range_validity : float
        Share of the present cells of numeric columns (dates included) between the least and the greatest real value;
        1 is best. NaN without such cells.
    type_validity : float
        Share of cells that the real column could hold, 1 is best: a real category, a number with no more decimals,
        missing only where real cells are.
    """

    category_coverage: float
    missingness_error: float
    range_validity: float
    type_validity: float


def validity(real: Any, synthetic: Any) -> Validity:
    """Count the synthetic cells that a real column could hold.

    Parameters
    ----------
    real, synthetic : table of shape (n, d) and (m, d)
        Frames or arrays. Further columns of ``synthetic``, and images, are left out.

    Returns
    -------
    Validity
        Coverage of categories, missing cells, ranges and types.

    Raises
    ------
    DataError
        If a table has no rows, or nothing but images, a column is absent, or a numeric column came back as text.
    """
    left, right = pair_of_scalars(real, synthetic)
    coverage: list[float] = []
    gaps: list[float] = []
    inside: list[NDArray[np.bool_]] = []
    valid: list[float] = []
    for j in range(left.shape[1]):
        a, b = left.iloc[:, j], right.iloc[:, j]
        absent_a, absent_b = a.isna().to_numpy(), b.isna().to_numpy()
        gaps.append(abs(float(absent_a.mean()) - float(absent_b.mean())))
        if kind_of(a) == "numeric":
            x, y = numbers(a), numbers(b, like=a)
            fits = _has_decimals(y, _decimals(x, a))
            if not absent_a.all():
                present = y[~absent_b]
                inside.append((present >= np.nanmin(x)) & (present <= np.nanmax(x)))
        else:
            codes, others, size = common_codes(a, b)
            seen = np.zeros(size, dtype=bool)
            seen[codes] = True
            fits = seen[others]
            drawn = np.zeros(size, dtype=bool)
            drawn[others] = True
            if seen[1:].any():
                coverage.append(float(drawn[1:][seen[1:]].mean()))
        valid.append(float(np.where(absent_b, absent_a.any(), fits).mean()))
    cells = np.concatenate(inside) if inside else np.zeros(0, dtype=bool)
    return Validity(
        float(np.mean(coverage)) if coverage else np.nan,
        float(np.mean(gaps)),
        float(cells.mean()) if len(cells) else np.nan,
        float(np.mean(valid)),
    )


def _decimals(values: NDArray[np.float64], column: pd.Series[Any]) -> int | None:
    """Return the decimals that every value has at most, None where they are not fixed; dates have none."""
    if is_time(column):
        return None
    present = values[np.isfinite(values)]
    for decimals in range(_MAX_DECIMALS + 1):
        if _has_decimals(present, decimals).all():
            return decimals
    return None


def _has_decimals(values: NDArray[np.float64], decimals: int | None) -> NDArray[np.bool_]:
    """Return which values have no more than these decimals, but for the rounding of floats."""
    if decimals is None:
        return np.ones(len(values), dtype=bool)
    scaled = values * 10.0**decimals
    tolerance = np.maximum(1e-6, 4 * np.finfo(float).eps * np.abs(scaled))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(np.rint(scaled) - scaled) <= tolerance)
