"""Tables as the inputs of a graph: one array (n, 1) for each column, (n, ...) for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import find_levels
from gensynth.errors import DataError, shown
from gensynth.export.columns import (
    MISSING_INT,
    ColumnPort,
    free_text,
    level_names,
    level_texts,
    numeric_levels,
    to_microseconds,
)
from gensynth.export.pixels import image_cells
from gensynth.export.ports import Port
from gensynth.schema import Column, TableSchema
from gensynth.schema.codes import codes_of
from gensynth.schema.ticks import specials_of, ticks_of
from gensynth.schema.values import is_missing

Arrays = dict[str, NDArray[Any]]


def feeds_of(frame: pd.DataFrame, schema: TableSchema, ports: Sequence[Port]) -> Arrays:
    """Return the graph inputs of a table.

    Parameters
    ----------
    frame : DataFrame of shape (n, n_features)
        Rows as `TableSchema.align` takes them.
    schema : TableSchema
        What the columns hold.
    ports : sequence of ColumnPort or ImagePort
        The graph's inputs.

    Raises
    ------
    DataError
        The table lacks a column or holds a value that cannot be read; names it.
    """
    return aligned_feeds(schema.align(frame), schema, ports)


def aligned_feeds(frame: pd.DataFrame, schema: TableSchema, ports: Sequence[Port]) -> Arrays:
    """Return the graph inputs of a table aligned by `TableSchema.align`."""
    return {port.name: _feed(frame[port.column], schema[port.column], port) for port in ports}


def _feed(series: pd.Series[Any], column: Column, port: Port) -> NDArray[Any]:
    if isinstance(port, ColumnPort):
        return _cells(series, column, port).reshape(-1, 1)
    assert column.image is not None
    return image_cells(series, column.image, port)


def _cells(series: pd.Series[Any], column: Column, port: ColumnPort) -> NDArray[Any]:
    if port.holds in ("number", "ticks", "moment"):
        return _numbers(series, column, port)
    if port.holds == "special":
        assert isinstance(port.missing, str)
        place = specials_of(series, column)
        other = free_text("<unknown>", {*column.specials, port.missing})
        return np.array([*column.specials, other, port.missing], dtype=object)[place]
    if port.holds == "truth":
        return _truths(series, port)
    return _levels(series, port)


def _truths(series: pd.Series[Any], port: ColumnPort) -> NDArray[Any]:
    """Return true and false cells; infinity, in a double, for what is neither."""
    codes, distinct = codes_of(series)
    values = distinct.tolist()
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
    numbers = [float(value) if isinstance(value, bool | np.bool_) else np.inf for value in values]
    return np.array([*numbers, np.nan])[codes]


def _levels(series: pd.Series[Any], port: ColumnPort) -> NDArray[Any]:
    """Return each cell as the level that the encoder takes it for, or as what is none of them."""
    assert port.levels is not None
    index = port.levels.index
    codes, distinct = codes_of(series)
    place = np.append(find_levels(index, distinct), -2)[codes]  # -1: never fitted, -2: missing
    levels = numeric_levels(index)
    if levels is None:
        assert isinstance(port.missing, str)
        other = free_text("<unknown>", {*level_texts(index), port.missing})
        return np.asarray(np.array([*level_names(index), port.missing, other], dtype=object)[place])
    if levels.dtype.kind == "f":
        return np.asarray(np.append(levels, [np.nan, np.inf])[place])
    taken = set(levels.tolist())
    unknown = next(i for i in range(MISSING_INT + 1, 0) if i not in taken)
    return np.asarray(np.append(levels, [MISSING_INT, unknown])[place])


def _numbers(series: pd.Series[Any], column: Column, port: ColumnPort) -> NDArray[Any]:
    ticks, missing = ticks_of(series, column)
    if port.type == "int64":
        whole = np.asarray(ticks, dtype=np.int64)
        if port.holds == "moment" and port.unit == "us":
            whole = to_microseconds(whole, column)
        return np.where(missing, MISSING_INT, whole)
    floats = ticks.astype(np.float64)
    if column.decimals:
        floats = floats / 10.0**column.decimals
    return np.where(missing | is_missing(series), np.nan, floats)
