"""A column of a new table, brought to a type that the fitted column can encode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gensynth.errors import DataError
from gensynth.schema.column import Column
from gensynth.schema.dates import parse_dates
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.values import NAT, dense, floats_of, is_missing, is_span, is_text


def align_column(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return the column with values of the fitted kind.

    Raises
    ------
    DataError
        If a value cannot be read as a number or a date; names column, row and value.
    """
    series = dense(series)
    if column.kind in ("categorical", "boolean", "constant", "identifier"):
        return series
    missing = is_missing(series)
    if missing.all():
        return pd.Series(np.full(len(series), np.nan), index=series.index)
    if column.kind == "datetime" or is_span(column):
        return _align_dates(series, missing, column)
    if pdt.is_datetime64_any_dtype(series.dtype) or pdt.is_timedelta64_dtype(series.dtype):
        raise DataError(f"column {column.name!r} holds {series.dtype}; expected numbers as in the fitted table")
    if not (pdt.is_numeric_dtype(series.dtype) or pdt.is_bool_dtype(series.dtype)):
        series = _numbers(series, missing, column)
    if not pdt.is_integer_dtype(series.dtype) and not pdt.is_bool_dtype(series.dtype):
        values = floats_of(series)
        if np.isinf(values).any():
            row = int(np.argmax(np.isinf(values)))
            raise DataError(f"column {column.name!r}, row {row}: infinite number; expected a finite one or none")
    return series


def _numbers(series: pd.Series[Any], missing: np.ndarray[Any, Any], column: Column) -> pd.Series[Any]:
    try:
        values = floats_of(series)
    except (TypeError, ValueError):
        values = np.array(pd.to_numeric(series.astype(object), errors="coerce").to_numpy(dtype=float, na_value=np.nan))
    bad = np.isnan(values) & ~missing
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"column {column.name!r}, row {row}: {series.iloc[row]!r} is not a number")
    return pd.Series(values, index=series.index)


def _align_dates(series: pd.Series[Any], missing: np.ndarray[Any, Any], column: Column) -> pd.Series[Any]:
    if column.format is not None:
        if pdt.is_datetime64_any_dtype(series.dtype):
            series = series.dt.strftime(column.format)
        if not is_text(series):
            raise DataError(f"column {column.name!r} holds {series.dtype}; expected dates written as {column.format}")
        bad = (parse_dates(series.astype(object).where(~missing, None).to_numpy(), column.format) == NAT) & ~missing
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"column {column.name!r}, row {row}: {series.iloc[row]!r} is not a date written as {column.format}"
            )
        return series
    dtype = dtype_from_text(column.dtype)
    if series.dtype == dtype:
        return series
    wanted = "a duration" if is_span(column) else "a date"
    try:
        if is_span(column):
            return pd.Series(pd.to_timedelta(series))
        if isinstance(series.dtype, pd.ArrowDtype) or isinstance(dtype, (pd.ArrowDtype, pd.PeriodDtype)):
            return series.astype(dtype)
        if pdt.is_numeric_dtype(series.dtype):
            raise DataError(f"column {column.name!r} holds numbers; expected dates as in the fitted table ({dtype})")
        dates = pd.Series(pd.to_datetime(series, format="ISO8601" if is_text(series) else None))
    except DataError:
        raise
    except (ValueError, TypeError) as error:
        raise DataError(f"column {column.name!r}: a value is not {wanted} ({error}); expected {dtype}") from error
    if (dates.dt.tz is None) != (getattr(dtype, "tz", None) is None):
        raise DataError(
            f"column {column.name!r} is {dates.dtype}, the fitted column {dtype}; "
            "give or take away the time zone with .dt.tz_localize"
        )
    return dates
