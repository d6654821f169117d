"""Alignment of the tables of an evaluation: cells in the types of the real table."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from gensynth.errors import DataError, IgnoredColumnWarning
from gensynth.metrics.columns import kind_of
from gensynth.schema import Column, TableSchema
from gensynth.schema.moments import day_ticks
from gensynth.schema.ticks import ticks_of


def aligned_with(frame: pd.DataFrame, schema: TableSchema, what: str) -> pd.DataFrame:
    """Return a table aligned with the schema; `DataError` says that ``what`` does not match."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IgnoredColumnWarning)
            out = schema.align(frame.reset_index(drop=True))
    except DataError as error:
        raise DataError(f"the {what} does not fit the real one: {error}") from error
    for column in schema.columns:
        if _is_number(out[column.name], column):
            raise DataError(
                f"the {what} does not fit the real one: column {column.name!r} holds {column.kind} values in the real "
                f"table and {out[column.name].dtype} here; write both in the same way"
            )
    return out


def same_levels(frame: pd.DataFrame, real: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return a table with the real levels in place of texts or numbers that are written as these: "1" and 1."""
    out = frame.copy(deep=False)
    for name in (column.name for column in schema.columns if column.kind == "categorical"):
        out[name] = leveled(frame[name], real[name])
    return out


def leveled(cells: pd.Series[Any], real: pd.Series[Any]) -> pd.Series[Any]:
    """Return cells with the real levels in place of what is written as these, where one of both is categorical.

    As they are where they share a level, or two real levels are written alike.
    """
    if not any(isinstance(column.dtype, pd.CategoricalDtype) for column in (cells, real)):
        return cells
    known, there = real.dropna().unique(), cells.dropna().unique()
    by_text = {str(level): level for level in known}
    if len(by_text) != len(known) or set(known) & set(there):
        return cells
    return cells.astype(object).map(lambda cell: by_text.get(str(cell), cell))


def _is_number(series: pd.Series[Any], column: Column) -> bool:
    """Return whether a column holds numbers where the real one holds texts."""
    texts = column.kind == "categorical" and not any(word in column.dtype for word in ("int", "float", "category"))
    return texts and kind_of(series) == "numeric" and bool(series.notna().any())


def read_table(frame: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return an aligned table with numbers and dates in place of the texts that stand for them, without identifiers."""
    parts = {c.name: read_values(frame[c.name], c) for c in schema.columns if c.kind != "identifier"}
    return pd.DataFrame(parts, copy=False)


def read_values(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return the cells of a column with numbers and dates in place of the texts or objects that stand for them."""
    if column.kind not in ("numeric", "datetime"):
        return series
    if kind_of(series) == "numeric" and series.dtype != object and not column.format:
        return series
    ticks, missing = ticks_of(series, column)
    numbers = np.where(missing, np.nan, ticks.astype(np.float64))
    if column.kind == "numeric":
        return pd.Series(numbers / 10.0 ** (column.decimals or 0))
    of_a_day = day_ticks(column)
    if of_a_day is None:
        return pd.Series(numbers)
    microseconds = np.rint(np.where(missing, 0.0, numbers) / of_a_day * 86_400e6).astype(np.int64)
    moments = microseconds.astype("datetime64[us]")
    moments[missing] = np.datetime64("NaT")
    return pd.Series(moments)
