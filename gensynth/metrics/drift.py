"""Drift between two tables: a two-sample test of each column, and one of whole rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.html import Section, fragment
from gensynth.metrics.columns import common_codes, kind_of, numbers, pair_of_frames
from gensynth.metrics.learned import detection_auc, fold_inflation
from gensynth.tables.imagearrays import refuse_images

SIGNIFICANT = 0.01
"""Corrected p-values below this show a difference, ..."""
NOTABLE = 0.05
"""... which is reported if the distributions are this far apart: with a million rows, any difference is significant."""
MIN_EXPECTED = 5.0
"""Minimal expected count of a category in the test (Cochran 1954); rarer categories are pooled."""

_N_SPLITS = 3
_MAX_SHOWN = 100  # columns in a notebook


@dataclass(frozen=True)
class ColumnDrift:
    """How the distribution of one column differs between two tables.

    Parameters
    ----------
    name : str or int
        The column.
    test : {"Kolmogorov-Smirnov", "chi-squared"}
        For numbers and dates, for all else.
    statistic : float
        Of the test: the largest distance of the distribution functions, in [0, 1], or chi-squared, >= 0.
    distance : float
        Distance of the two distributions in [0, 1]: that of Kolmogorov-Smirnov, or the total variation.
    p_value : float
        Probability of such a difference between samples of one distribution.
    adjusted : float
        The p-value corrected for the number of columns (Holm 1979).
    """

    name: str | int
    test: str
    statistic: float
    distance: float
    p_value: float
    adjusted: float = 1.0

    @property
    def moved(self) -> bool:
        """Whether the difference is significant and large enough to report."""
        return self.adjusted < SIGNIFICANT and self.distance >= NOTABLE


@dataclass(frozen=True)
class Drift:
    """How two tables differ.

    Parameters
    ----------
    columns : tuple of ColumnDrift
        In the order of the first table.
    auc : float
        Area under the ROC curve of a classifier that tells the rows of the two tables apart, cross-validated: 0.5 is
        chance (Lopez-Paz & Oquab 2017, "Revisiting Classifier Two-Sample Tests"). It sees what single columns do not.
    p_value : float
        Of that area, if all rows were of one distribution: Mann & Whitney's (1947) variance, times that of
        cross-validation (Nadeau & Bengio 2003).
    """

    columns: tuple[ColumnDrift, ...]
    auc: float
    p_value: float

    @property
    def moved(self) -> list[str | int]:
        """Columns whose distributions moved, the farthest first."""
        return [c.name for c in sorted(self.columns, key=lambda c: -c.distance) if c.moved]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        columns = [
            {"column": c.name, "test": c.test, "statistic": c.statistic, "distance": c.distance,
             "p_value": c.p_value, "adjusted_p_value": c.adjusted, "moved": c.moved} for c in self.columns
        ]  # fmt: skip
        return {"columns": columns, "table": {"auc": self.auc, "p_value": self.p_value}}

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the columns that moved, the test of whole rows, and all tests."""
        moved = self.moved
        said = f"{len(moved)} of {len(self.columns)} columns moved" if moved else "No column moved"
        order = sorted(self.columns, key=lambda c: (not c.moved, -c.distance))
        rows = [
            (
                str(c.name),
                "yes" if c.moved else "",
                c.test,
                f"{c.distance:.3f}",
                f"{c.p_value:.3g}",
                f"{c.adjusted:.3g}",
            )
            for c in order[:_MAX_SHOWN]
        ]
        header = ("column", "moved", "test", "distance", "p-value", "corrected for the number of columns")
        more = f"and {len(order) - len(rows):,} more" if len(order) > len(rows) else ""
        told = f"A classifier tells the two tables apart with an AUC of {self.auc:.3f} (0.5 is chance; p = "
        lines = [f"{said}.", f"{told}{self.p_value:.3g})."]
        return fragment("Drift", lines, [Section("columns", header, rows, texts=(0, 1, 2), note=more)])


def drift(old: Any, new: Any, *, random_state: int = 0) -> Drift:
    """Return how a table differs from an older one of the same columns.

    Parameters
    ----------
    old, new : table
        Of any number of rows; missing cells are compared too. Columns of keys, which differ by what they are, are best
        left out.
    random_state : int, default=0
        Seed of the classifier's folds.

    Raises
    ------
    CapabilityError
        A column holds images.
    DataError
        A table has no rows, or ``new`` lacks a column of ``old``; or there are fewer than 3 rows.
    """
    left, right = pair_of_frames(old, new)
    refuse_images(left, "a test of drift")
    tests = [column_drift(left.iloc[:, i], right.iloc[:, i], name) for i, name in enumerate(left.columns)]
    auc = detection_auc(left, right, n_splits=_N_SPLITS, random_state=random_state)
    n = min(len(left), len(right), 20_000)
    return Drift(corrected(tests), auc, _auc_p_value(auc, n))


def column_drift(old: pd.Series[Any], new: pd.Series[Any], name: Any) -> ColumnDrift:
    """Return how one column differs; the p-value is not corrected."""
    from scipy.stats import ks_2samp

    if kind_of(old) != "numeric":
        before, after, n = common_codes(old, new)
        return counts_drift(name, np.bincount(before, minlength=n), np.bincount(after, minlength=n))
    gaps = [np.bincount(column.isna(), minlength=2) for column in (old, new)]
    missing = counts_drift(name, *gaps)
    a, b = numbers(old), numbers(new, like=old)
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(a) or not len(b):
        return missing
    found = ks_2samp(a, b, method="asymp" if len(a) + len(b) > 1_000 else "auto")
    own = ColumnDrift(name, "Kolmogorov-Smirnov", float(found.statistic), float(found.statistic), float(found.pvalue))
    if not gaps[0][1] and not gaps[1][1]:
        return own
    worse = min(own, missing, key=lambda test: test.p_value)  # two tests: Bonferroni
    return ColumnDrift(name, worse.test, worse.statistic, worse.distance, min(1.0, 2 * worse.p_value))


def counts_drift(name: Any, old: NDArray[Any], new: NDArray[Any], *, ordered: bool = False) -> ColumnDrift:
    """Return how the counts (k,) of the values of a column differ.

    ``ordered`` values are compared by their distribution functions (Kolmogorov-Smirnov; few of them make the p-value
    too large, never too small).
    """
    from scipy.stats import chi2
    from scipy.stats.distributions import kstwobign

    n, m = float(old.sum()), float(new.sum())
    shares = old / max(n, 1e-300), new / max(m, 1e-300)
    if ordered:
        distance = float(np.abs(np.cumsum(shares[0]) - np.cumsum(shares[1])).max(initial=0.0))
        p_value = float(kstwobign.sf(distance * np.sqrt(n * m / max(n + m, 1.0))))
        return ColumnDrift(name, "Kolmogorov-Smirnov", distance, distance, p_value)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    rare = (old + new) * min(n, m) < MIN_EXPECTED * (n + m)
    table = np.stack([np.append(part[~rare], part[rare].sum()) for part in (old, new)]).astype(np.float64)
    table = table[:, table.sum(0) > 0]
    if table.shape[1] < 2 or not n or not m:
        return ColumnDrift(name, "chi-squared", 0.0, distance, 1.0)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return ColumnDrift(name, "chi-squared", statistic, distance, float(chi2.sf(statistic, table.shape[1] - 1)))


def corrected(tests: Sequence[ColumnDrift]) -> tuple[ColumnDrift, ...]:
    """Return the tests with p-values that are corrected for their number."""
    order = np.argsort([test.p_value for test in tests], kind="stable")
    adjusted = np.zeros(len(tests))
    highest = 0.0
    for rank, i in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(tests) - rank) * tests[i].p_value))
        adjusted[i] = highest
    return tuple(
        ColumnDrift(t.name, t.test, t.statistic, t.distance, t.p_value, float(p))
        for t, p in zip(tests, adjusted, strict=True)
    )


def _auc_p_value(auc: float, n: int) -> float:
    """Return the probability of such an area or a larger one for n rows of each of two equal tables."""
    from scipy.stats import norm

    variance = (2 * n + 1) / (12 * n * n) * fold_inflation(_N_SPLITS)
    return float(norm.sf((auc - 0.5) / np.sqrt(variance)))
