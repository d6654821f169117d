"""Sampling of rows that keep the relations of their table: adjusted, or sampled again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.related_rows import resolve, settle
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.sampling.blocks import draw_rows, whole_blocks
from gensynth.errors import ConditionError
from gensynth.model import GenerativeModel

_ATTEMPTS = 12

Bools = NDArray[np.bool_]


def draw_settled(
    model: GenerativeModel, encoder: TableEncoder, n: int, seed: int, rng: np.random.Generator, conditions: Any = None
) -> tuple[Rows, Bools]:
    """Return ``n`` encoded rows that keep conditions and relations, and a mask (n, k) of given cells.

    Parameters
    ----------
    model : GenerativeModel
        Trained.
    encoder : TableEncoder
        Table to rows and back.
    n : int
        Number of rows, >= 0.
    seed : int
        Seed of the model's draws, in [0, 2**63).
    rng : numpy.random.Generator
        For what the encoder draws.
    conditions : mapping, DataFrame or None
        As for `TableEncoder.encode_condition`.

    Raises
    ------
    ConditionError
        A condition cannot be kept, alone or with the relations.
    """

    def draw(seed: int, rng: np.random.Generator) -> tuple[Rows, Bools]:
        columns: tuple[int, ...] = ()
        cells = None
        if conditions is not None:
            # whole blocks, so that the rows of a small sample are the first of a large one
            n_given = n if isinstance(conditions, pd.DataFrame) else whole_blocks(model, n)
            columns, cells = encoder.encode_condition(conditions, n_given, rng)
        rows = draw_rows(model, n, seed, columns, cells)
        return rows, given_cells(rows, columns)

    return settled(encoder, draw, seed, rng, conditioned=conditions is not None)


def settled(
    encoder: TableEncoder,
    draw: Callable[[int, np.random.Generator], tuple[Rows, Bools]],
    seed: int,
    rng: np.random.Generator,
    *,
    conditioned: bool = False,
) -> tuple[Rows, Bools]:
    """Return rows that keep the relations, and a mask (n, k) of given cells.

    Parameters
    ----------
    encoder : TableEncoder
        Table to rows and back.
    draw : callable
        From a seed in [0, 2**63) and a generator to n encoded rows and their given cells; asked again for rows that
        cannot be brought to keep the relations.
    seed : int
        First seed.
    rng : numpy.random.Generator
        For what the encoder draws.
    conditioned : bool
        Whether it is the given cells that a failure is put down to.

    Raises
    ------
    ConditionError
        Rows that keep the relations were not found.
    """
    rng = rng.spawn(1)[0]  # the caller's later draws must not depend on the number of attempts
    rows, given, broken = _drawn(encoder, draw, seed, rng)
    for attempt in range(1, _ATTEMPTS):
        if encoder.rules is None or not broken.any():
            return rows, given
        # all rows, so that a row does not depend on which others are sampled again
        again, mask, still = _drawn(encoder, draw, (seed + attempt) % 2**63, rng)
        rows.overwrite(broken, again)
        given[broken] = mask[broken]
        broken &= still
    if broken.any():
        if conditioned or broken.all():
            assert encoder.rules is not None
            related, _ = resolve(encoder, rows, rng, given)
            raise ConditionError(
                f"no rows were found that keep both the conditions and {encoder.rules.clash(related, broken)}, which "
                "held in every fitted row; ask for other values"
            )
        rows = _repeated(rows, broken)
    return rows, given


def _drawn(
    encoder: TableEncoder,
    draw: Callable[[int, np.random.Generator], tuple[Rows, Bools]],
    seed: int,
    rng: np.random.Generator,
) -> tuple[Rows, Bools, Bools]:
    rows, given = draw(seed, rng)
    kept, broken = settle(encoder, rows, rng.spawn(1)[0], given)
    return kept, given, broken


def given_cells(rows: Rows, columns: tuple[int, ...]) -> Bools:
    """Return which cells (n, k) of rows are given if those of ``columns`` are."""
    given = np.zeros(rows.codes.shape, dtype=bool)
    given[:, list(columns)] = True
    return given


def _repeated(rows: Rows, broken: Bools) -> Rows:
    """Return the rows with invalid ones replaced by the nearest valid row before."""
    good = np.flatnonzero(~broken)
    at = np.arange(len(broken))
    at[broken] = good[np.maximum(np.searchsorted(good, at[broken]) - 1, 0)]
    return rows[at]
