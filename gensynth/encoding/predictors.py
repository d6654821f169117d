"""Predictors: earlier columns whose rank nearly determines the rank of a column.

Two such columns lie along a curve that can be narrower than a bin: this month's bill and the last one's, the length and
the width of a thing. Decoders that draw column by column take the rank from there (`gensynth.nn.tabular.rank_heads`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gensynth.encoding.rows import Rows
from gensynth.layout import ColumnLayout, Layout, Predictor

MAX_SPREAD = 0.4
"""Spread up to which a column counts as a predictor; of independent columns it is 1.6."""
MIN_CODES = 16
"""Columns of at most this many ordered codes are left out: a softmax over few codes is sharp enough."""
MAX_ROWS = 10_000
"""Rows that are looked at."""
MIN_ROWS = 100
"""Rows in which both columns must have a rank; at least half of those that the later column has."""


def ranked_columns(layout: Layout) -> list[int]:
    """Return the positions of the columns that have ranks."""
    return [i for i, column in enumerate(layout.columns) if len(column.codes_in_order) > MIN_CODES]


def find_predictors(rows: Rows, layout: Layout) -> dict[int, Predictor]:
    """Return the predictors of the columns that have one, by position.

    Of the earlier columns it is the one with the greatest absolute rank correlation.

    Parameters
    ----------
    rows : Rows
        Encoded rows, some thousands of those that were fitted.
    layout : Layout
        Their layout.
    """
    ranked = ranked_columns(layout)
    ranks = np.stack([_ranks(rows, i, layout.columns[i]) for i in ranked], 1)  # (n, ranked)
    known = ~np.isnan(ranks)
    centred = np.where(known, ranks - 0.5, 0.0)
    squares = centred.T**2 @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.abs(centred.T @ centred) / np.sqrt(squares * squares.T)
    both = known.T.astype(np.float64) @ known
    enough = (both >= MIN_ROWS) & (2 * both >= np.diag(both)[:, np.newaxis])  # (later, earlier)
    correlation = np.tril(np.where(enough, correlation, 0.0), -1)
    out = {}
    for j in range(1, len(ranked)):
        i = int(correlation[j].argmax())
        if correlation[j, i] > 0.5:
            own, other = (log_odds(ranks[known[:, i] & known[:, j]][:, c], layout.n_rows) for c in (j, i))
            increasing = bool(own @ other > 0)
            spread = float(np.median(np.abs(own - (other if increasing else -other))))
            if spread <= MAX_SPREAD:
                out[ranked[j]] = Predictor(ranked[i], increasing, spread)
    return out


def log_odds(rank: NDArray[np.float64], n_rows: int) -> NDArray[np.float64]:
    """Return log(rank / (1 - rank)), of ranks at most half a row from 0 and 1."""
    rank = np.clip(rank, 0.5 / n_rows, 1.0 - 0.5 / n_rows)
    return np.log(rank) - np.log1p(-rank)


def _ranks(rows: Rows, position: int, column: ColumnLayout) -> NDArray[np.float64]:
    """Return ranks (n,) in [0, 1], NaN for cells without one."""
    inside, edges = column.codes_in_order, np.array(column.rank_edges)
    codes = rows.codes[:, position]
    known = (codes >= inside.start) & (codes < inside.stop)
    at = np.where(known, codes - inside.start, 0)
    within = 0.5 if column.numeric is None else np.clip(rows.numeric[:, column.numeric.index], 0.0, 1.0)
    return np.where(known, edges[at] + within * np.diff(edges)[at], np.nan)
