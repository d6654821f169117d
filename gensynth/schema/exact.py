"""A value as an exact number of a column's ticks, a fraction if it lies between two ticks."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from gensynth.errors import DataError, shown
from gensynth.schema.align import align_column
from gensynth.schema.column import Column
from gensynth.schema.moments import is_clock, is_span, unit, zone_of
from gensynth.schema.ticks import ticks_of

_NANOSECONDS = {"D": 86_400 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_ROUNDING = 1e-6
"""Tolerance in ticks for floats near an integer: 0.1 + 0.2 is 0.3."""
_DATES = (dt.date, np.datetime64)  # a Timestamp and a datetime are dates
_SPANS = (dt.timedelta, np.timedelta64)


def exact_tick(value: Any, column: Column) -> Fraction:
    """Return the exact position of a value in the ticks of a numeric or datetime column.

    Text is read as the column's own cells are written, numbers and ISO dates in any column. A date without a time
    zone is taken in that of the column.

    Raises
    ------
    DataError
        The value is not a finite number, not a date, or missing.
    """
    if pd.isna(value):
        raise DataError(f"column {column.name!r}: a missing value lies nowhere in a range")
    if column.kind == "datetime" or is_span(column):
        return _moment(value, column)
    return _number(value, column)


def tick_nanoseconds(column: Column) -> int | None:
    """Return the duration of a tick of dates, times or durations; None for periods of varying length."""
    return _NANOSECONDS.get(unit(column) or "")


def _number(value: Any, column: Column) -> Fraction:
    scale = 10 ** (column.decimals or 0)
    if isinstance(value, str) and column.notation is not None and not column.notation.plain:
        text, value = value, column.notation.read([value])[0].item()
        if math.isnan(value):
            raise DataError(f"column {column.name!r}: {text!r} is no number")
    if isinstance(value, int | np.integer | np.bool_):
        return Fraction(int(value) * scale)
    if column.decimals is None and isinstance(value, float | np.floating):
        number = decimal.Decimal(float(value))
    else:
        try:  # str: the shortest decimals that say which float it is
            number = decimal.Decimal(str(value).strip())
        except decimal.InvalidOperation:
            return Fraction(_aligned(value, column))
    if not number.is_finite():
        raise DataError(f"column {column.name!r}: {shown(value)} is not a finite number")
    if column.decimals is None:
        return Fraction(float(number))
    tick = Fraction(number) * scale
    near = round(tick)
    return Fraction(near) if isinstance(value, float | np.floating) and abs(tick - near) < _ROUNDING else tick


def _moment(value: Any, column: Column) -> Fraction:
    length = tick_nanoseconds(column)
    if isinstance(value, str) and (column.format is not None or length is None):
        try:
            return Fraction(_aligned(value, column))
        except DataError:
            if length is None:
                raise
    if is_clock(column):
        return Fraction(_aligned(_time(value), column))
    known = isinstance(value, (str, *(_SPANS if is_span(column) else _DATES)))
    if length is None or not known:
        return Fraction(_aligned(value, column))
    moment = _span(value, column) if is_span(column) else _stamp(value, column)
    cell = moment.asm8
    return Fraction(int(cell.astype(np.int64)) * _NANOSECONDS[np.datetime_data(cell)[0]], length)


def _time(value: Any) -> Any:
    """Return a time of day that is written as ISO 8601 has it; what is not stays what it is."""
    try:
        return dt.time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _span(value: Any, column: Column) -> pd.Timedelta:
    try:
        return pd.Timedelta(value)
    except ValueError as error:
        raise DataError(
            f"column {column.name!r}: {shown(value)} is not a duration such as '2 days 03:00:00'"
        ) from error


def _stamp(value: Any, column: Column) -> pd.Timestamp:
    """Return a date; a text is one in the ISO format."""
    try:
        stamp = pd.to_datetime(value, format="ISO8601") if isinstance(value, str) else pd.Timestamp(value)
    except ValueError as error:
        raise DataError(f"column {column.name!r}: {shown(value)} is not a date such as 2021-03-01") from error
    zone = zone_of(column)
    if zone is not None and stamp.tz is None:
        return stamp.tz_localize(zone)
    if zone is None and stamp.tz is not None:
        raise DataError(f"column {column.name!r} has dates without a time zone; take it away from {value}")
    return stamp


def _aligned(value: Any, column: Column) -> int | float:
    """Return the tick of a value that is written like the column's cells."""
    series = align_column(pd.Series([value], dtype=object).infer_objects(), column)
    ticks, missing = ticks_of(series, column)
    if missing[0]:
        raise DataError(f"column {column.name!r}: {shown(value)} cannot be read")
    tick: int | float = ticks[0].item()
    return tick
