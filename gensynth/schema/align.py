"""Conversion of a column of a new table to a type that the fitted column can encode."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types as pdt

from gensynth.errors import DataError, hint, shown
from gensynth.schema.codes import codes_of
from gensynth.schema.column import Column
from gensynth.schema.dates import NAT
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.moments import ELEMENTS, is_clock, is_numbered, is_span, moments_of, objects_of, zone_of
from gensynth.schema.objects import is_text_object, objects_to_text
from gensynth.schema.scaled import integers_of, is_decimal
from gensynth.schema.strftime import plain
from gensynth.schema.ticks import floats_of
from gensynth.schema.values import Bools, dense, is_missing, is_text

_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
"""Spellings of true and false, in lower case."""


def align_column(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return the column with values of the fitted kind.

    Raises
    ------
    DataError
        If a value cannot be read as a number, a date or an image; names column, row and value.
    """
    if column.image is not None:
        return column.image.align(series, column.name)
    series = dense(series)
    if column.kind == "boolean":
        return _truths(series)
    if column.kind in ("categorical", "constant", "identifier"):
        return objects_to_text(series) if is_text_object(column.element) else series
    missing = is_missing(series)
    if missing.all():
        return pd.Series(np.full(len(series), np.nan), index=series.index)
    if isinstance(series.dtype, pd.CategoricalDtype) and (column.notation is not None or column.specials):
        series = series.astype(object)
    if column.notation is not None and pdt.infer_dtype(series, skipna=True).startswith("mixed"):
        series = _written(series, missing, column)
    if column.notation is not None and is_text(series):
        return series  # what is neither a number nor a known text is an unknown value
    if column.specials and is_text(series):
        special = series.isin(column.specials)
        return align_column(series.where(~special), replace(column, specials=())).where(~special, series)
    if column.kind == "datetime" or is_span(column):
        return _align_moments(series, missing, column)
    if pdt.is_datetime64_any_dtype(series.dtype) or pdt.is_timedelta64_dtype(series.dtype):
        raise DataError(f"column {column.name!r} holds {series.dtype}; expected numbers as in the fitted table")
    if not (pdt.is_numeric_dtype(series.dtype) or pdt.is_bool_dtype(series.dtype) or is_decimal(series)):
        series = _exact_numbers(series, missing, column)
    if not pdt.is_integer_dtype(series.dtype) and not pdt.is_bool_dtype(series.dtype):
        values = floats_of(series)
        if np.isinf(values).any():
            row = int(np.argmax(np.isinf(values)))
            raise DataError(f"column {column.name!r}, row {row}: infinite number; expected a finite one or none")
    return series


def _exact_numbers(series: pd.Series[Any], missing: Bools, column: Column) -> pd.Series[Any]:
    """Return text and objects as numbers, exactly for whole numbers and decimals."""
    if column.decimals == 0 and (whole := integers_of(series)) is not None:
        return pd.Series(whole, index=series.index).astype("Int64").mask(missing)
    floats = _numbers(series, missing, column)
    if not (column.element == "decimal" or column.dtype.startswith("arrow:base64")) or not is_text(series):
        return floats
    values = [None if gap else decimal.Decimal(str(text).strip()) for text, gap in zip(series, missing, strict=True)]
    return pd.Series(values, index=series.index, dtype=object, name=series.name)


def _written(series: pd.Series[Any], missing: Bools, column: Column) -> pd.Series[Any]:
    """Return a column of texts and numbers as texts, numbers in the column's notation."""
    assert column.notation is not None
    cells = [None if gap else cell if isinstance(cell, str) else column.notation.write(np.array([float(cell)]), None)[0]
             for cell, gap in zip(series.tolist(), missing.tolist(), strict=True)]  # fmt: skip
    return pd.Series(cells, index=series.index, dtype=object)


def _truths(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return cells that spell true or false as booleans; others stay unchanged."""
    if pdt.is_bool_dtype(series.dtype):
        return series
    codes, distinct = codes_of(series)
    known = [_TRUTHS.get(str(value).strip().lower(), value) for value in distinct.tolist()]
    out = np.empty(len(known) + 1, dtype=object)  # the last is for missing cells
    out[:-1] = known
    return pd.Series(out[codes], index=series.index, dtype=object)


def _numbers(series: pd.Series[Any], missing: np.ndarray[Any, Any], column: Column) -> pd.Series[Any]:
    if column.minimum is not None and column.minimum >= 0 and (column.maximum or 0) <= 1 and column.decimals == 0:
        series = _truths(series).map(lambda value: int(value) if isinstance(value, bool) else value)
    try:
        values = floats_of(series)
    except (TypeError, ValueError):
        values = np.array(pd.to_numeric(series.astype(object), errors="coerce").to_numpy(dtype=float, na_value=np.nan))
    bad = np.isnan(values) & ~missing
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"column {column.name!r}, row {row}: {shown(series.iloc[row])} is not a number")
    return pd.Series(values, index=series.index)


def _align_moments(series: pd.Series[Any], missing: Bools, column: Column) -> pd.Series[Any]:
    """Return dates, times or durations in the type of the fitted column."""
    if column.format is not None:
        return _align_written(series, missing, column)
    dtype = dtype_from_text(column.dtype)
    element = pdt.infer_dtype(series, skipna=True) if series.dtype == object else ""
    if series.dtype == dtype and (not column.element or (element == column.element and column.zone is None)):
        return series
    wanted = "a duration" if is_span(column) else "a time of day" if is_clock(column) else "a date"
    if pdt.is_numeric_dtype(series.dtype) or element in ("integer", "floating"):
        raise DataError(f"column {column.name!r} holds numbers; expected {wanted} as in the fitted table ({dtype})")
    if isinstance(series.dtype, pd.ArrowDtype) or isinstance(dtype, pd.PeriodDtype):
        return _converted(series, missing, column, wanted, lambda cells: cells.astype(dtype))
    if is_clock(column):
        return _converted(series, missing, column, wanted, lambda cells: _clocks(cells, column))
    if is_span(column):
        return _converted(series, missing, column, wanted, lambda cells: pd.Series(pd.to_timedelta(cells)))
    form = "ISO8601" if is_text(series) else None
    dates = _converted(series, missing, column, wanted, lambda cells: pd.Series(pd.to_datetime(cells, format=form)))
    if (dates.dt.tz is None) != (zone_of(column) is None):
        raise DataError(
            f"column {column.name!r} is {dates.dtype}, the fitted column {dtype}; "
            "give or take away the time zone" + hint(" with .dt.tz_localize")
        )
    return dates.astype(dtype) if isinstance(dtype, pd.ArrowDtype) else dates


def _converted(
    series: pd.Series[Any], missing: Bools, column: Column, wanted: str, convert: Callable[[Any], pd.Series[Any]]
) -> pd.Series[Any]:
    """Return the converted column; raise `DataError` that names the first cell that cannot be converted."""
    try:
        return convert(series)
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        for row in np.flatnonzero(~missing).tolist():
            try:
                convert(series.iloc[row : row + 1])
            except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise DataError(
                    f"column {column.name!r}, row {row}: {shown(series.iloc[row])} is not {wanted}; "
                    f"expected {dtype_from_text(column.dtype)}"
                ) from error
        raise DataError(f"column {column.name!r} cannot be read as {dtype_from_text(column.dtype)}: {error}") from error


def _clocks(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return times of day as objects, or as the Arrow type of the column."""
    values = [None if gap else value if isinstance(value, dt.time) else dt.time.fromisoformat(str(value))
              for value, gap in zip(series.tolist(), is_missing(series), strict=True)]  # fmt: skip
    dtype = dtype_from_text(column.dtype)
    if not isinstance(dtype, pd.ArrowDtype):
        return pd.Series(values, index=series.index, dtype=object)
    array = pa.array(values, pa.time64("us")).cast(dtype.pyarrow_dtype)
    return pd.Series(pd.arrays.ArrowExtensionArray(array), index=series.index)


def _align_written(series: pd.Series[Any], missing: Bools, column: Column) -> pd.Series[Any]:
    """Return dates as text, or as whole numbers, in the fitted format."""
    assert column.format is not None
    element = pdt.infer_dtype(series, skipna=True) if series.dtype == object else ""
    form, cells = plain(column.format), series
    if element in ELEMENTS or pdt.is_datetime64_any_dtype(series.dtype):
        same = Column(column.name, "datetime", f"object[{element or 'datetime'},None]")
        whole = moments_of(series.dt.tz_convert(None) if getattr(series.dtype, "tz", None) else series, same)
        series = pd.Series(objects_of(np.where(missing, 0, whole), column), index=series.index).where(~missing, None)
    numbers = element in ("integer", "floating", "mixed-integer-float") or (
        pdt.is_numeric_dtype(series.dtype) and not pdt.is_bool_dtype(series.dtype)
    )
    if is_numbered(column) and not numbers and is_text(series):
        numbers, series = True, pd.Series(floats_of(series), index=series.index)
    if not numbers and not is_text(series):
        raise DataError(f"column {column.name!r} holds {series.dtype}; expected dates written as {form}")
    if numbers:
        ticks = moments_of(series, column if is_numbered(column) else replace(column, dtype="int64"))
    else:
        ticks = moments_of(series, column)
    bad = (ticks == NAT) & ~missing
    if bad.any():
        row = int(np.argmax(bad))
        cell = cells.iloc[[row]].tolist()[0]  # a Python number, not numpy's
        raise DataError(f"column {column.name!r}, row {row}: {shown(cell)} is not a date written as {form}")
    if numbers and not is_numbered(column):
        series = pd.Series(objects_of(np.where(missing, 0, ticks), column), index=series.index).where(~missing, None)
    return series
