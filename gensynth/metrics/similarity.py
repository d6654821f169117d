"""Fidelity of the columns, and of the pairs of columns, of a synthetic table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.metrics.columns import ColumnKind, common_codes, kind_of, numbers, pair_of_scalars

N_BINS = 10
N_WORST = 10


@dataclass(frozen=True)
class ColumnFidelity:
    """Errors of one column, each in [0, 1], 0 is best; ``trend_error`` is the mean over its pairs (NaN: no pair)."""

    name: Any
    kind: ColumnKind
    shape_error: float
    trend_error: float


@dataclass(frozen=True)
class PairFidelity:
    """Error of a pair of columns, in [0, 1], 0 is best."""

    first: Any
    second: Any
    trend_error: float


@dataclass(frozen=True)
class Fidelity:
    """Result of `fidelity`.

    Parameters
    ----------
    shape_error : float
        Mean over columns, in [0, 1]; 0 is best.
    trend_error : float
        Mean over pairs of columns, in [0, 1]; 0 is best (and 0 for a table of one column).
    columns : tuple of ColumnFidelity
        In the order of the table.
    pairs : tuple of PairFidelity
        The pairs that were compared, the largest error first.
    """

    shape_error: float
    trend_error: float
    columns: tuple[ColumnFidelity, ...]
    pairs: tuple[PairFidelity, ...]

    @property
    def worst_pairs(self) -> tuple[PairFidelity, ...]:
        """The ten pairs with the largest errors, the largest first."""
        return self.pairs[:N_WORST]

    @property
    def n_pairs(self) -> int:
        """Pairs that were compared."""
        return len(self.pairs)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per column: ``kind``, ``shape_error``, ``trend_error``; the index is the column's name."""
        return pd.DataFrame(
            {
                "kind": [c.kind for c in self.columns],
                "shape_error": [c.shape_error for c in self.columns],
                "trend_error": [c.trend_error for c in self.columns],
            },
            index=pd.Index([c.name for c in self.columns], name="column"),
        )


def fidelity(
    real: Any,
    synthetic: Any,
    *,
    weight: NDArray[np.float64] | None = None,
    max_pairs: int = 5000,
    random_state: int = 0,
) -> Fidelity:
    """Compare the columns and the pairs of columns of two tables.

    The shape error of a numeric column (dates included) is the Kolmogorov-Smirnov distance of the values that are
    not missing, or the difference of the shares of missing values if that is larger; of any other column the total
    variation distance, a missing value being a value of its own. The trend error of two numeric columns is half the
    difference of their Pearson correlations (over rows where neither is missing; 0 where undefined); of any other
    pair the total variation distance of their contingency tables. There, numeric columns are cut at the deciles of
    the *real* column, for both tables alike, and missing is a bin of its own [1]_.

    Parameters
    ----------
    real, synthetic : table of shape (n, d) and (m, d)
        Frames or arrays. ``synthetic`` holds all columns of ``real``; further ones, and images, are left out.
    weight : ndarray of shape (n,), optional
        Weights of the real rows, not negative: rows of a rare class that was drawn on purpose are compared with real
        rows weighted to the same share of classes. Equal by default.
    max_pairs : int, default=5000
        Most contingency tables to build; where a wide table has more, a random sample is taken.
    random_state : int, default=0
        Seed of that sample.

    Returns
    -------
    Fidelity
        Overall, per column and worst pairs.

    Raises
    ------
    DataError
        If a table has no rows, or nothing but images, a column is absent, a numeric column came back as text, or a
        weight is negative.

    References
    ----------
    .. [1] Zhang et al., "Mixed-Type Tabular Data Synthesis with Score-based Diffusion in Latent Space" (TabSyn),
       ICLR 2024, arXiv:2310.09656, appendix E.3.
    """
    left, right = pair_of_scalars(real, synthetic)
    mass = _mass(weight, len(left))
    if mass is not None:
        left, mass = left[mass > 0], mass[mass > 0]
    kinds = [kind_of(left.iloc[:, j]) for j in range(left.shape[1])]
    shapes, codes, sizes = [], [], []
    values: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for j, kind in enumerate(kinds):
        a, b = left.iloc[:, j], right.iloc[:, j]
        if kind == "numeric":
            x, y = numbers(a), numbers(b, like=a)
            values[j] = x, y
            shapes.append(_numeric_shape(x, y, mass))
            cut, size = _bins(x, y)
        else:
            *cut, size = common_codes(a, b)
            shapes.append(_variation(np.asarray(cut[0]), np.asarray(cut[1]), size, mass))
        codes.append((np.asarray(cut[0]), np.asarray(cut[1])))
        sizes.append(size)

    pairs, errors = _correlation_errors(values, mass)
    mixed = [(i, j) for i, j in combinations(range(len(kinds)), 2) if not (i in values and j in values)]
    if len(mixed) > max_pairs:
        chosen = np.random.default_rng(random_state).choice(len(mixed), max_pairs, replace=False)
        mixed = [mixed[k] for k in np.sort(chosen)]
    for i, j in mixed:
        pairs.append((i, j))
        p, q = (codes[i][side] * sizes[j] + codes[j][side] for side in (0, 1))
        errors.append(_variation(p, q, sizes[i] * sizes[j], mass))
    return _summary(list(left.columns), kinds, shapes, pairs, np.asarray(errors, dtype=float))


def _summary(
    names: list[Any],
    kinds: list[ColumnKind],
    shapes: list[float],
    pairs: list[tuple[int, int]],
    errors: NDArray[np.float64],
) -> Fidelity:
    ends = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    total = np.zeros(len(names))
    count = np.zeros(len(names))
    for side in (0, 1):
        np.add.at(total, ends[:, side], errors)
        np.add.at(count, ends[:, side], 1)
    trends = np.divide(total, count, out=np.full(len(names), np.nan), where=count > 0)
    order = np.argsort(-errors, kind="stable")
    return Fidelity(
        shape_error=float(np.mean(shapes)),
        trend_error=float(errors.mean()) if len(errors) else 0.0,
        columns=tuple(
            ColumnFidelity(name, kind, shape, float(trend))
            for name, kind, shape, trend in zip(names, kinds, shapes, trends, strict=True)
        ),
        pairs=tuple(PairFidelity(names[pairs[k][0]], names[pairs[k][1]], float(errors[k])) for k in order),
    )


def _mass(weight: NDArray[np.float64] | None, n: int) -> NDArray[np.float64] | None:
    """Return weights that add up to 1, or None for equal ones."""
    if weight is None:
        return None
    weight = np.asarray(weight, dtype=np.float64)
    if weight.shape != (n,) or not np.isfinite(weight).all() or (weight < 0).any() or weight.sum() == 0:
        raise DataError(f"weight: expected {n} finite numbers >= 0, not all 0 (one per real row)")
    return np.asarray(weight / weight.sum())


def _numeric_shape(x: NDArray[np.float64], y: NDArray[np.float64], mass: NDArray[np.float64] | None) -> float:
    mass = np.full(len(x), 1 / len(x)) if mass is None else mass
    absent = np.isnan(x)
    missing = abs(float(mass[absent].sum()) - float(np.isnan(y).mean()))
    x, mass, y = x[~absent], mass[~absent], np.sort(y[~np.isnan(y)])
    if len(x) == 0 or len(y) == 0:
        return missing  # 0 if both are all missing, else the share that should not be
    order = np.argsort(x)
    x, below = x[order], np.concatenate([[0.0], np.cumsum(mass[order])])
    grid = np.sort(np.concatenate([x, y]), kind="stable")  # two sorted runs: quick, and so are look-ups in order
    gap = below[np.searchsorted(x, grid, "right")] / below[-1] - np.searchsorted(y, grid, "right") / len(y)
    return max(float(np.abs(gap).max()), missing)


def _bins(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[list[NDArray[np.int64]], int]:
    """Cut both at the deciles of ``x``; code 0 is missing."""
    present = x[~np.isnan(x)]
    inner = np.linspace(0, 1, N_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(present, inner)) if len(present) else np.empty(0)
    return [np.where(np.isnan(v), 0, np.searchsorted(edges, v, "right") + 1) for v in (x, y)], len(edges) + 2


def _variation(p: NDArray[np.int64], q: NDArray[np.int64], size: int, mass: NDArray[np.float64] | None = None) -> float:
    """Return the total variation distance of two samples of codes below ``size``, in [0, 1]; ``mass`` is of ``p``."""
    if size > 4 * (len(p) + len(q)):  # most cells are empty: count those that occur
        codes = np.unique(np.concatenate([p, q]), return_inverse=True)[1]
        p, q, size = codes[: len(p)], codes[len(p) :], int(codes.max()) + 1
    share = np.bincount(p, minlength=size) / len(p) if mass is None else np.bincount(p, mass, minlength=size)
    return float(0.5 * np.abs(share - np.bincount(q, minlength=size) / len(q)).sum())


def _correlation_errors(
    values: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]], mass: NDArray[np.float64] | None
) -> tuple[list[tuple[int, int]], list[float]]:
    columns = list(values)
    if len(columns) < 2:
        return [], []
    r = _correlations(np.column_stack([values[j][0] for j in columns]), mass)
    s = _correlations(np.column_stack([values[j][1] for j in columns]), None)
    i, j = np.triu_indices(len(columns), 1)
    errors = np.abs(r - s)[i, j] / 2
    return [(columns[a], columns[b]) for a, b in zip(i, j, strict=True)], [float(e) for e in errors]


def _correlations(X: NDArray[np.float64], mass: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return (d, d) Pearson correlations over the rows where both are present; 0 where undefined."""
    present = np.isfinite(X)
    W = present * (np.full(len(X), 1 / len(X)) if mass is None else mass)[:, None]  # (n, d)
    Z = np.where(present, X, 0.0)
    total = np.maximum(W.sum(0), 1e-300)
    Z = np.where(present, Z - (W * Z).sum(0) / total, 0.0)  # centred and scaled, or the squares lose their digits
    scale = np.sqrt((W * Z**2).sum(0) / total)
    constant = scale <= 1e-12 * np.abs(np.where(present, X, 0.0)).max(0, initial=0.0)
    Z = np.divide(Z, scale, out=np.zeros_like(Z), where=~constant)
    M = present.astype(np.float64)
    WZ = W * Z
    n = np.maximum(W.T @ M, 1e-300)
    mean = (WZ.T @ M) / n  # mean[i, j]: of column i over the rows where j is present too
    cov = (WZ.T @ Z) / n - mean * mean.T
    var = (WZ * Z).T @ M / n - mean**2
    spread = np.sqrt(np.maximum(var, 0) * np.maximum(var.T, 0))
    out = np.divide(cov, spread, out=np.zeros_like(cov), where=spread > 1e-12)
    return np.asarray(np.clip(out, -1, 1))
