"""Whether synthetic rows are copies of real ones, or nearer to them than chance would have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.metrics.columns import common_codes, kind_of, numbers, pair_of_frames


def copies(real: Any, synthetic: Any) -> NDArray[np.bool_]:
    """Say which synthetic rows equal a real row in every column.

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
    """Say which rows equal another row of the same table in every column; missing equals missing.

    The share of them is what held-out real rows are expected to have in common with the rest: how many copies a table
    of so few different rows has by nature.
    """
    codes = [common_codes(rows.iloc[:, j], rows.iloc[:0, j])[0] for j in range(rows.shape[1])]
    return np.asarray(pd.DataFrame(dict(enumerate(codes))).duplicated(keep=False), dtype=bool)


def dcr_share(train: Any, holdout: Any, synthetic: Any, *, max_rows: int = 2000, random_state: int = 0) -> float:
    """Return the share of synthetic rows that lie nearer to a training row than to any held-out row.

    Numeric columns count by their rank among training rows in [0, 1]; any other column adds distance 1 where the
    values differ; a missing number is a value of its own. Training and hold-out are cut to the same number of rows.

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
        about fidelity.

    Raises
    ------
    DataError
        If a table has no rows or lacks a column of ``train``.
    """
    from sklearn.neighbors import NearestNeighbors

    if max_rows < 1:
        raise DataError(f"max_rows={max_rows}: at least one row has to be measured")
    left, held = pair_of_frames(train, holdout)
    drawn = pair_of_frames(train, synthetic)[1]
    rng = np.random.default_rng(random_state)
    n = min(len(left), len(held))
    left, held = _some(left, n, rng), _some(held, n, rng)
    drawn = _some(drawn, max_rows, rng)
    a, b, c = _places(left, held, drawn)
    to_train, to_held = (NearestNeighbors(n_neighbors=1).fit(x).kneighbors(c)[0][:, 0] for x in (a, b))
    return float(((to_train < to_held).mean() + (to_train <= to_held).mean()) / 2)


def _some(frame: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    if len(frame) <= n:
        return frame
    return frame.iloc[np.sort(rng.choice(len(frame), n, replace=False))]


def _places(train: pd.DataFrame, *others: pd.DataFrame, max_levels: int = 50) -> list[NDArray[np.float64]]:
    """Return each table as points whose Euclidean distances are those of `dcr_share`."""
    parts: list[list[NDArray[np.float64]]] = [[] for _ in range(len(others) + 1)]
    rest = pd.concat(others, ignore_index=True)
    ends = np.cumsum([len(train), *map(len, others)])[:-1]
    for j in range(train.shape[1]):
        a, b = train.iloc[:, j], rest.iloc[:, j]
        if kind_of(a) == "numeric":
            x = numbers(a)
            ranks = np.sort(x[~np.isnan(x)])
            both = np.concatenate([x, numbers(b, like=a)])
            missing = np.isnan(both)
            middle = (np.searchsorted(ranks, both, "left") + np.searchsorted(ranks, both, "right")) / 2
            place = np.where(missing, 0.5, middle / max(len(ranks), 1))
            columns = np.column_stack([place, missing]) if missing.any() else place[:, None]
        else:
            codes_a, codes_b, size = common_codes(a, b)
            common = np.argsort(-np.bincount(codes_a, minlength=size), kind="stable")[:max_levels]
            slot = np.full(size, len(common))
            slot[common] = np.arange(len(common))
            columns = np.eye(len(common) + 1)[slot[np.concatenate([codes_a, codes_b])]] / np.sqrt(2)
        for part, piece in zip(parts, np.split(columns, ends), strict=True):
            part.append(piece)
    return [np.hstack(part) for part in parts]
