"""Detection of tables that are time series per entity, such as the readings of several devices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import ColumnWarning
from gensynth.schema.codes import codes_of
from gensynth.schema.column import Column
from gensynth.schema.column_names import says_key, words_of
from gensynth.schema.ticks import ticks_of

_TIMES = {"time", "timestamp", "date", "datetime", "day", "week", "month", "quarter", "year", "hour", "minute",
          "second", "t", "step", "timestep", "tick", "cycle", "period", "round", "wave", "seq", "sequence",
          "turn", "counter"}  # fmt: skip
_MIN_ROWS = 40
_ROWS_EACH = 5
_MIN_CHANCE = 20.0
_FIRST = 2000
_MAX_TIMES, _MAX_ENTITIES = 20, 50


def warn_of_series(frame: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    """Warn if a table is a time series per entity, as rows are modelled as independent.

    Parameters
    ----------
    frame : DataFrame of shape (n, n_features)
        The aligned table.
    columns : tuple of Column
        What it holds.

    Warns
    -----
    ColumnWarning
        If one column tells entities apart that have several rows each, and another one is a time or a counter that no
        entity has twice, although chance would have it so, or that ascends within each entity.
    """
    found = find_series(frame, columns)
    if found is None:
        return
    entity, time = found
    warnings.warn(
        f"the table looks like a time series per {entity!r}, ordered by {time!r}: rows are modelled as independent, so "
        f"synthetic rows form no series ({entity!r} and {time!r} together may repeat, and rows do not depend on "
        "earlier ones); if that matters, make one row of each series, or add columns with earlier values",
        ColumnWarning,
        stacklevel=3,
    )


def find_series(frame: pd.DataFrame, columns: tuple[Column, ...]) -> tuple[str | int, str | int] | None:
    """Return the labels of the entity and time columns of a time series per entity, or None."""
    if len(frame) < _MIN_ROWS:
        return None
    times = [(column.name, found) for column in columns if (found := _time(frame[column.name], column)) is not None]
    if not times:
        return None
    n_entities = 0
    for column in columns:
        codes = _entity(frame[column.name], column)
        if codes is None:
            continue
        for name, (ticks, moment) in times[:_MAX_TIMES]:
            if name != column.name and _is_series(codes, ticks, named=moment):
                return column.name, name
        n_entities += 1
        if n_entities >= _MAX_ENTITIES:
            break
    return None


def _time(series: pd.Series[Any], column: Column) -> tuple[NDArray[np.int64], bool] | None:
    """Return whole ticks (n,) of a time or counter without gaps, and whether its kind or label says that it is one."""
    if column.missing or not (column.kind == "datetime" or (column.kind == "numeric" and column.decimals == 0)):
        return None
    named = column.kind == "datetime" or not _TIMES.isdisjoint(words_of(column.name))
    if not named:
        steps = np.diff(np.asarray(ticks_of(series.iloc[:_FIRST], column)[0]))
        if (steps == 1).mean() < 1 - 1 / _ROWS_EACH:
            return None
    return np.asarray(ticks_of(series, column)[0], dtype=np.int64), named


def _entity(series: pd.Series[Any], column: Column) -> NDArray[np.int64] | None:
    """Return codes (n,) of entities that have several rows each, None if the column does not tell such apart."""
    whole = column.kind in ("numeric", "identifier") and column.decimals == 0
    if column.missing or not (whole or column.kind in ("categorical", "identifier")):
        return None
    if whole and not says_key(column.name):
        changes = np.count_nonzero(np.diff(np.asarray(ticks_of(series, column)[0])))
        if changes >= len(series) / _ROWS_EACH:  # a number that is no label changes from row to row
            return None
    codes, distinct = codes_of(series)
    return codes if 2 <= len(distinct) <= len(series) / _ROWS_EACH else None


def _is_series(entities: NDArray[np.int64], ticks: NDArray[np.int64], *, named: bool) -> bool:
    if _has_pair(entities[:_FIRST], ticks[:_FIRST]) or _has_pair(entities, ticks):
        return False
    order = np.argsort(entities, kind="stable")
    same = np.diff(entities[order]) == 0
    ascends = bool((np.diff(ticks[order])[same] > 0).all())
    steps = np.diff(ticks)
    if ascends and not (steps >= 0).all() and not (steps <= 0).all():
        return True
    counts, shares = np.unique(ticks, return_counts=True)[1], np.bincount(entities) / len(entities)
    expected = float((counts * (counts - 1)).sum()) / 2 * float((shares**2).sum())
    return named and expected >= _MIN_CHANCE


def _has_pair(entities: NDArray[np.int64], ticks: NDArray[np.int64]) -> bool:
    """Whether an entity has a tick twice."""
    order = np.lexsort((ticks, entities))
    return bool(((np.diff(entities[order]) == 0) & (np.diff(ticks[order]) == 0)).any())
