"""Memorisation: copies of real rows, and rows too near to training rows. Not a guarantee of privacy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.metrics.columns import common_codes, pair_of_frames
from gensynth.metrics.learned import auc_with_interval
from gensynth.metrics.points import Points, nearest, points, sampled

_TIE = 1e-9  # distances that differ by less are equal: they are computed by products


def copies(real: Any, synthetic: Any) -> NDArray[np.bool_]:
    """Return a mask of the synthetic rows that equal a real row in every column.

    Missing equals missing, whatever stands for it. Values are compared, not dtypes: 1 equals 1.0, a category its
    text. No false alarms: rows are matched column by column, and only those that still match go on.

    Parameters
    ----------
    real, synthetic : table of shape (n, d) and (m, d)
        Frames or arrays. Further columns of ``synthetic`` are left out.

    Returns
    -------
    ndarray of shape (m,), bool
        True for a copy.
    """
    left, right = pair_of_frames(real, synthetic)
    rows_left, rows_right = np.arange(len(left)), np.arange(len(right))
    key_left, key_right = np.zeros(len(left), dtype=np.int64), np.zeros(len(right), dtype=np.int64)
    n_keys = 1
    for j in range(left.shape[1]):
        a, b, n_values = common_codes(left.iloc[rows_left, j], right.iloc[rows_right, j])
        key_left, key_right = key_left * n_values + a, key_right * n_values + b
        n_keys *= n_values
        if n_keys > 4 * (len(a) + len(b)):  # re-number, so that keys neither overflow nor need a large table
            keys, uniques = pd.factorize(np.concatenate([key_left, key_right]))
            key_left, key_right, n_keys = keys[: len(a)], keys[len(a) :], len(uniques)
        seen_left, seen_right = np.zeros(n_keys, dtype=bool), np.zeros(n_keys, dtype=bool)
        seen_left[key_left], seen_right[key_right] = True, True
        keep_left, keep_right = seen_right[key_left], seen_left[key_right]
        rows_left, key_left = rows_left[keep_left], key_left[keep_left]
        rows_right, key_right = rows_right[keep_right], key_right[keep_right]
        if len(rows_right) == 0:
            break
    out = np.zeros(len(right), dtype=bool)
    out[rows_right] = True
    return out


def repeated(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return a mask of the rows that equal another row of the table in every column; missing equals missing.

    The share of them is what held-out real rows are expected to have in common with the rest: how many copies a table
    of so few different rows has by nature.
    """
    codes = [common_codes(rows.iloc[:, j], rows.iloc[:0, j])[0] for j in range(rows.shape[1])]
    return np.asarray(pd.DataFrame(dict(enumerate(codes))).duplicated(keep=False), dtype=bool)


def dcr_share(train: Any, holdout: Any, synthetic: Any, *, max_rows: int = 2000, random_state: int = 0) -> float:
    """Return the share of synthetic rows that lie nearer to a training row than to any held-out row.

    Distances are those of `gensynth.metrics.points.points`. Training and hold-out are cut to the same number of rows;
    a row that is equally near to both counts one half.

    Parameters
    ----------
    train, holdout, synthetic : table
        What the model was fitted on, rows it never saw, and what it drew.
    max_rows : int, default=2000
        Most synthetic rows to measure.
    random_state : int, default=0
        Seed of the samples that are taken.

    Returns
    -------
    float
        In [0, 1]; 0.5 is best, 1 is a model that memorises. Independent columns also give 0.5: it proves nothing
        about fidelity. It is a check on memorisation and no guarantee of privacy.

    Raises
    ------
    DataError
        If a table has no rows or lacks a column of ``train``.
    """
    return memorisation(train, holdout, synthetic, max_rows=max_rows, random_state=random_state).dcr_share


def nndr_share(train: Any, holdout: Any, synthetic: Any, *, max_rows: int = 2000, random_state: int = 0) -> float:
    """Return the share of synthetic rows whose nearest-neighbour distance ratio is smaller among training rows.

    The ratio is the distance to the nearest row over that to the second nearest: near 0 where one single row was
    singled out. Parameters, range and errors are those of `dcr_share`; 0.5 is best.
    """
    return memorisation(train, holdout, synthetic, max_rows=max_rows, random_state=random_state).nndr_share


@dataclass(frozen=True)
class Memorisation:
    """Result of `memorisation`.

    Parameters
    ----------
    dcr_share, nndr_share : float
        In [0, 1]; 0.5 is best.
    standard_error : float
        Of the first, were training and held-out rows exchanged at random: a real row that many synthetic ones are
        near to counts as often, so that few held-out rows say less than as many synthetic ones would.
    """

    dcr_share: float
    nndr_share: float
    standard_error: float


def memorisation(
    train: Any, holdout: Any, synthetic: Any, *, max_rows: int = 2000, random_state: int = 0
) -> Memorisation:
    """Return `dcr_share` and `nndr_share` at once; parameters and errors are the same."""
    if max_rows < 1:
        raise DataError(f"max_rows={max_rows}: at least one row has to be measured")
    left, held = pair_of_frames(train, holdout)
    drawn = pair_of_frames(train, synthetic)[1]
    n = min(len(left), len(held))
    parts = [sampled(frame, m, random_state) for frame, m in ((left, n), (held, n), (drawn, max_rows))]
    a, b, c = points(*parts, n_ranking=2)  # by the training rows alone, these would be farther than the others
    (to_train, near), (to_held, near_held) = nearest(a, c, 2), nearest(b, c, 2)  # (m, 2) each
    lead = to_held[:, 0] - to_train[:, 0]
    to_a = np.where(np.abs(lead) <= _TIE, 0.5, lead > 0)  # a tie counts one half for either
    weight = np.append(
        np.bincount(near[:, 0], to_a, minlength=len(a)), np.bincount(near_held[:, 0], 1 - to_a, minlength=len(b))
    ) / len(c)
    return Memorisation(
        _share_below(to_train[:, 0], to_held[:, 0]),
        _share_below(_ratio(to_train), _ratio(to_held)),
        float(np.sqrt(((weight - 1 / len(weight)) ** 2).sum()) / 2),  # equally many rows have either label
    )


def nearest_share(
    real: Any, synthetic: Any, *, max_rows: int = 2000, max_real: int = 50_000, random_state: int = 0
) -> float:
    """Return how often the nearest real row is nearer to a synthetic row than to another real row.

    For this no held-out rows are needed: of all pairs of a synthetic and a real row, the share in which the synthetic
    one has the nearer real row beside itself. Distances are those of `gensynth.metrics.points.points`.

    Parameters
    ----------
    real, synthetic : table
        The rows.
    max_rows : int, default=2000
        Most rows of each table to measure.
    max_real : int, default=50000
        Most real rows to measure them against.
    random_state : int, default=0
        Seed of the samples that are taken.

    Returns
    -------
    float
        In [0, 1]; 0.5 is what a second real sample has. More: synthetic rows lean to real ones; less: they lie aside.

    Raises
    ------
    DataError
        If a table has no rows, or lacks a column of ``real``.
    """
    left, right = pair_of_frames(real, synthetic)
    left = sampled(left, max_real, random_state)
    a, b = points(left, sampled(right, max_rows, random_state), n_ranking=2)
    some = a if len(a) <= max_rows else a[np.random.default_rng(random_state).choice(len(a), max_rows, replace=False)]
    to_itself_and_next = nearest(a, some, 2)[0]
    to_next, to_real = to_itself_and_next[:, 1], nearest(a, b)[0][:, 0]
    return auc_with_interval(np.round(to_next, 9), np.round(to_real, 9)).auc  # ties are ties


def _ratio(found: Points) -> NDArray[np.float64]:
    """Return the first distance over the second, (n,); 1 where both are 0."""
    second = found[:, 1]
    return np.asarray(np.divide(found[:, 0], second, out=np.ones(len(found)), where=second > 0))


def _share_below(a: Points, b: Points) -> float:
    return float(((a < b - _TIE).mean() + (a <= b + _TIE).mean()) / 2)
