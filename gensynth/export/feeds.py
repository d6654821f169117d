"""Tables as what a graph reads: one array (n, 1) an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import spelling
from gensynth.errors import DataError, shown
from gensynth.export.columns import MISSING_INT, TICKS_A_US, US_A_TICK, ColumnPort
from gensynth.schema import Column, TableSchema
from gensynth.schema.codes import codes_of
from gensynth.schema.moments import unit
from gensynth.schema.ticks import specials_of, ticks_of
from gensynth.schema.values import is_missing

Arrays = dict[str, NDArray[Any]]


def feeds_of(frame: pd.DataFrame, schema: TableSchema, ports: Sequence[ColumnPort]) -> Arrays:
    """Return what a graph reads of a table.

    Parameters
    ----------
    frame : DataFrame of shape (n, n_features)
        Rows as `TableSchema.align` takes them.
    schema : TableSchema
        What the columns hold.
    ports : sequence of ColumnPort
        The graph's inputs.

    Raises
    ------
    DataError
        The table lacks a column or holds a value that cannot be read; names it.
    """
    return aligned_feeds(schema.align(frame), schema, ports)


def aligned_feeds(frame: pd.DataFrame, schema: TableSchema, ports: Sequence[ColumnPort]) -> Arrays:
    """Return what a graph reads of a table that `TableSchema.align` has passed."""
    return {port.name: _cells(frame[port.column], schema[port.column], port).reshape(-1, 1) for port in ports}


def _cells(series: pd.Series[Any], column: Column, port: ColumnPort) -> NDArray[Any]:
    if port.holds in ("number", "ticks", "moment"):
        return _numbers(series, column, port)
    if port.holds == "special":
        assert isinstance(port.missing, str)
        place = specials_of(series, column)
        texts = np.array([*column.specials, "\x00" + port.missing, port.missing], dtype=object)  # -2: some other text
        return texts[place]
    codes, distinct = codes_of(series)
    values = distinct.tolist()
    if port.type == "string":
        return np.array([*_texts(values), port.missing], dtype=object)[codes]
    if port.type == "bool":
        known = [isinstance(value, bool | np.bool_) for value in values]
        bad = np.array([not one for one in known] + [True])[codes]
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"column {port.column!r}, row {row}: {shown(series.iloc[row])} is neither true nor false, which all "
                "fitted cells were; the exported graph takes nothing else"
            )
        return np.array([*map(bool, values), False])[codes]
    numbers = np.array([*(_number(value, truth=port.holds == "truth") for value in values), np.nan])
    if port.type == "double":
        return numbers[codes]
    whole = np.where(np.isfinite(numbers) & (numbers == np.rint(numbers)), numbers, float(MISSING_INT + 1024))
    exact = np.array([value if isinstance(value, int | np.integer) and not isinstance(value, bool) else int(w)
                      for value, w in zip([*values, None], whole, strict=True)])  # fmt: skip
    exact[-1] = MISSING_INT
    return np.asarray(exact.astype(np.int64)[codes])


def _texts(values: list[Any]) -> list[str]:
    return [str(value) if isinstance(value, str) else spelling(value) for value in values]


def _number(value: Any, *, truth: bool) -> float:
    """Return a level as a number, infinity for what was never one."""
    try:
        return float(value) if isinstance(value, bool | np.bool_) == truth else np.inf
    except (TypeError, ValueError):
        return np.inf


def _numbers(series: pd.Series[Any], column: Column, port: ColumnPort) -> NDArray[Any]:
    ticks, missing = ticks_of(series, column)
    if port.type == "int64":
        whole = np.asarray(ticks, dtype=np.int64)
        if port.holds == "moment" and port.unit == "us":
            own = unit(column)
            assert own is not None
            whole = whole // TICKS_A_US[own] if own in TICKS_A_US else whole * US_A_TICK[own]
        return np.where(missing, MISSING_INT, whole)
    floats = ticks.astype(np.float64)
    if column.decimals:
        floats = floats / 10.0**column.decimals
    return np.where(missing | is_missing(series), np.nan, floats)
