"""Rows as points for nearest-neighbour metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.metrics.columns import common_codes, kind_of, numbers
from gensynth.metrics.vectors import is_vector, unit_spread, vectors

Points = NDArray[np.floating[Any]]


def sampled(frame: pd.DataFrame, n: int, random_state: int) -> pd.DataFrame:
    """Return at most ``n`` rows, drawn without replacement."""
    return frame if len(frame) <= n else frame.sample(n, random_state=random_state)


def points(real: pd.DataFrame, *others: pd.DataFrame, n_ranking: int = 1, max_levels: int = 50) -> list[Points]:
    """Return each table as points (n, d) whose Euclidean distances compare columns of any kind.

    A numeric column counts by its rank, in [0, 1], among the rows of the first ``n_ranking`` tables; two different
    values of any other column are at distance 1. A missing number is 1 away from every number. Levels beyond the
    ``max_levels`` commonest of these tables are one. Images, and features of them, are compared by the distance of
    their numbers, in units in which the mean square of it is 1 among the rows of these tables.

    Rows that others are ranked by lie evenly, those of another table between them, nearer: tables whose distances are
    compared have to be ranked together.
    """
    parts: list[list[Points]] = [[] for _ in range(len(others) + 1)]
    rest = pd.concat(others, ignore_index=True)
    sizes = [len(real), *map(len, others)]
    ends, n = np.cumsum(sizes)[:-1], sum(sizes[:n_ranking])
    for j in range(real.shape[1]):
        a, b = real.iloc[:, j], rest.iloc[:, j]
        if is_vector(a):
            pieces = np.split(np.concatenate([vectors(a), vectors(b, like=a)]), ends)
            for part, piece in zip(parts, unit_spread(pieces, n_ranking), strict=True):
                part.append(piece)
            continue
        if kind_of(a) == "numeric":
            both = np.concatenate([numbers(a), numbers(b, like=a)])
            missing = np.isnan(both)
            place = np.where(missing, 0.5, _ranks(both, both[:n][~missing[:n]]))
            columns = np.column_stack([place, missing]) if missing.any() else place[:, None]
        else:
            codes_a, codes_b, size = common_codes(a, b)
            codes = np.concatenate([codes_a, codes_b])
            common = np.argsort(-np.bincount(codes[:n], minlength=size), kind="stable")[:max_levels]
            slot = np.full(size, len(common))
            slot[common] = np.arange(len(common))
            columns = np.eye(len(common) + 1)[slot[codes]] / np.sqrt(2)
        for part, piece in zip(parts, np.split(columns, ends), strict=True):
            part.append(piece)
    return [np.hstack(part) for part in parts]


def _ranks(values: Points, among: Points) -> Points:
    """Return mean ranks, over how many there are; values between two ranks are interpolated."""
    if not len(among):
        return np.full(len(values), 0.5)
    finite = np.nan_to_num(values, nan=0.0)
    there, counts = np.unique(np.nan_to_num(among), return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.interp(finite, there, middle, left=0, right=len(among)) / len(among)


def nearest(to: Points, of: Points, n: int = 1) -> tuple[Points, NDArray[np.int64]]:
    """Return the distances (m, n) of points to their nearest ones among others, the nearest first, and which these are.

    Of fewer points than ``n`` the last stands for those that there are not.
    """
    from sklearn.neighbors import NearestNeighbors

    there = min(n, len(to))
    found, which = NearestNeighbors(n_neighbors=there).fit(to).kneighbors(of)
    filled = np.minimum(np.arange(n), there - 1)
    return found[:, filled], which[:, filled]
