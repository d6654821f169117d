"""Dates, times of day and durations of every dtype as whole ticks, and back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.errors import DataError, shown
from gensynth.schema.column import Column
from gensynth.schema.dates import NAT, Ints, match, offsets_of, parse_dates, write_dates
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.strftime import has_days, tokens, unit_of
from gensynth.schema.zones import offsets_at, spread, zone_from_name, zone_of_objects, zone_of_offsets
from gensynth.tables.arrow import combined

ELEMENTS = ("date", "datetime", "time", "timedelta")
"""Kinds of Python objects that are represented in microseconds."""

_DAY_TICKS = {"D": 1, "s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def is_span(column: Column) -> bool:
    """Whether a column holds durations."""
    return column.dtype.startswith(("timedelta64", "arrow:duration")) or column.element == "timedelta"


def is_clock(column: Column) -> bool:
    """Whether a column holds times of day, or durations written as such."""
    if column.format is not None:
        return not has_days(column.format)
    return column.element == "time" or (column.dtype.startswith("arrow:time") and "stamp" not in column.dtype)


def is_numbered(column: Column) -> bool:
    """Whether a column holds dates written as whole numbers, such as 19870423."""
    if column.format is None:
        return False
    return column.element in ("integer", "floating") or pdt.is_numeric_dtype(dtype_from_text(column.dtype))


def unit(column: Column) -> str | None:
    """Return what the ticks of a column of dates or durations are; None for periods that are not days."""
    if column.format is not None:
        return unit_of(column.format)
    if column.element:
        return "us"
    dtype = dtype_from_text(column.dtype)
    if isinstance(dtype, pd.PeriodDtype):
        return "D" if dtype == pd.PeriodDtype("D") else None
    if isinstance(dtype, pd.DatetimeTZDtype):
        return str(dtype.unit)
    if isinstance(dtype, pd.ArrowDtype):
        kind = dtype.pyarrow_dtype
        return "D" if pa.types.is_date32(kind) else "ms" if pa.types.is_date64(kind) else str(kind.unit)
    return str(np.datetime_data(dtype)[0])


def day_ticks(column: Column) -> int | None:
    """Return the ticks of a day; None for periods that are not days."""
    return _DAY_TICKS.get(unit(column) or "")


def zone_of(column: Column) -> str | dt.tzinfo | None:
    """Return the time zone of a column whose ticks count from 1970 in UTC, None if it has none or several."""
    if column.zone is not None:
        return None if "," in column.zone else zone_from_name(column.zone)
    dtype = None if column.element or column.format else dtype_from_text(column.dtype)
    if isinstance(dtype, pd.ArrowDtype):
        return getattr(dtype.pyarrow_dtype, "tz", None)
    return dtype.tz if isinstance(dtype, pd.DatetimeTZDtype) else None


def check_objects(series: pd.Series[Any], name: str | int) -> None:
    """Raise `DataError` if objects say more than microseconds, or a time of day has a time zone."""
    if not any(issubclass(kind, (pd.Timestamp, pd.Timedelta, dt.time)) for kind in set(map(type, series))):
        return
    for value in series.dropna():
        if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
            raise DataError(
                f"column {name!r} holds objects with nanoseconds ({shown(value)}); use pandas.to_datetime on it"
            )
        if isinstance(value, dt.time) and value.tzinfo is not None:
            raise DataError(f"column {name!r} holds times of day with a time zone ({shown(value)}); take it away first")


def moments_of(series: pd.Series[Any], column: Column) -> Ints:
    """Return (n,) ticks of dates, times or durations; the least int64 where missing (or written otherwise)."""
    if is_numbered(column):
        return _ticks_of_numbers(series, column)
    if column.format is not None:
        cells = series.astype(object) if series.dtype == object else series
        array = combined(pa.array(cells, from_pandas=True)).dictionary_encode()
        ticks = np.append(_parsed(array.dictionary, column), NAT)
        return np.asarray(ticks[array.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    if series.dtype == object and column.element in ELEMENTS:
        return _ticks_of_objects(series, column)
    if isinstance(series.dtype, pd.ArrowDtype):
        array = pa.array(series, from_pandas=True)
        if column.dtype.startswith("arrow:"):
            array = array.cast(dtype_from_text(column.dtype).pyarrow_dtype)
        bits = pa.int32() if array.type.bit_width == 32 else pa.int64()
        return np.asarray(pc.fill_null(array.cast(bits).cast(pa.int64()), int(NAT)).to_numpy(zero_copy_only=False))
    if isinstance(series.dtype, pd.PeriodDtype):
        return np.asarray(pd.PeriodIndex(series).asi8)
    if is_span(column):
        return np.asarray(pd.TimedeltaIndex(series).as_unit(unit(column)).asi8)  # type: ignore[arg-type]
    return np.asarray(pd.DatetimeIndex(series).as_unit(unit(column)).asi8)  # type: ignore[arg-type]


def _parsed(texts: Any, column: Column) -> Ints:
    """Return ticks of texts in the column's format or one of its variants; the least int64 for others."""
    assert column.format is not None
    ticks = parse_dates(texts, column.format)
    for variant, _ in column.variants:
        ticks = np.where(ticks == NAT, parse_dates(texts, variant), ticks)
    return ticks


def _written(ticks: Ints, column: Column) -> NDArray[np.object_]:
    """Return texts in the column's format.

    With variants each tick has always the same one, in proportion to their shares, among the shortest of those that
    are read as this tick again: dates without a time stay so.
    """
    assert column.format is not None
    offsets = None if column.zone is None else offsets_at(_microseconds(ticks, column), column.zone)
    if not column.variants:
        return write_dates(ticks, column.format, offsets)
    formats = [column.format, *(variant for variant, _ in column.variants)]
    shares = np.array([1.0 - sum(share for _, share in column.variants), *(share for _, share in column.variants)])
    texts = np.stack([write_dates(ticks, one, offsets) for one in formats])
    lengths = np.array([[len(tokens(one))] for one in formats])
    kept = np.stack([_parsed(own, column) == ticks for own in texts])
    kept &= lengths == np.where(kept, lengths, 10**6).min(0)
    kept[0] |= ~kept.any(0)
    chances = np.cumsum(np.where(kept, shares[:, None], 0.0), axis=0)
    chosen = (chances <= spread(ticks) * chances[-1]).sum(0)
    return np.asarray(np.take_along_axis(texts, chosen[None], 0)[0])


def _ticks_of_objects(series: pd.Series[Any], column: Column) -> Ints:
    kind = {"date": pa.date32(), "time": pa.time64("us"), "timedelta": pa.duration("us")}.get(column.element)
    if kind is None:
        kind = pa.timestamp("us", None if column.zone is None else "UTC")
    array = pa.array(series, kind, from_pandas=True)
    bits = array.cast(pa.int32()) if column.element == "date" else array
    ticks = pc.fill_null(bits.cast(pa.int64()), int(NAT)).to_numpy(zero_copy_only=False)
    return np.where(ticks == NAT, NAT, ticks * _DAY_TICKS["us"]) if column.element == "date" else np.asarray(ticks)


def _ticks_of_numbers(series: pd.Series[Any], column: Column) -> Ints:
    """Return ticks of whole numbers that are read as the digits of a date."""
    assert column.format is not None
    numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    gap = np.isnan(numbers)
    whole = np.where(gap, 0, numbers).astype(np.int64)
    ticks = parse_numbers(whole, column.format)
    return np.where(gap | (whole != np.where(gap, 0, numbers)), NAT, ticks)


def parse_numbers(whole: Ints, format_: str) -> Ints:
    """Return ticks (n,) of whole numbers that are read as the digits of a date."""
    distinct, which = np.unique(whole, return_inverse=True)
    digits = len(write_dates(np.zeros(1, dtype=np.int64), format_)[0])
    return np.asarray(parse_dates(np.char.zfill(distinct.astype(str), digits).astype(object), format_)[which])


def numbers_of(ticks: Ints, column: Column) -> Ints:
    """Return (n,) whole numbers that are written with the digits of dates."""
    assert column.format is not None
    return write_dates(ticks, column.format).astype(np.int64)


def objects_of(ticks: Ints, column: Column) -> NDArray[np.object_]:
    """Return (n,) text in the column's format, or Python objects."""
    if column.format is not None:
        return _written(ticks, column)
    if column.element == "timedelta":
        return ticks.view("m8[us]").astype(object)
    stamps = ticks.view("M8[us]")
    if column.element == "date":
        return stamps.astype("M8[D]").astype(object)
    moments: NDArray[np.object_] = stamps.astype(object)
    if column.element == "datetime" and column.zone is None:
        return moments
    out = np.empty(len(ticks), dtype=object)
    if column.element == "time":
        out[:] = [moment.time() for moment in moments]
    else:
        zone = zone_of(column)
        assert isinstance(zone, dt.tzinfo)
        out[:] = [moment.replace(tzinfo=dt.UTC).astimezone(zone) for moment in moments]
    return out


def series_of(ticks: Ints, missing: NDArray[np.bool_], column: Column) -> pd.Series[Any]:
    """Return a column of a dtype that holds dates or durations."""
    dtype = dtype_from_text(column.dtype)
    if isinstance(dtype, pd.ArrowDtype):
        kind = dtype.pyarrow_dtype
        array = pa.array(ticks, mask=missing)
        array = array.cast(pa.int32()).cast(kind) if kind.bit_width == 32 else array.cast(kind)
        return pd.Series(pd.arrays.ArrowExtensionArray(array))
    ticks = np.where(missing, NAT, ticks)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.Series(pd.arrays.PeriodArray(ticks, dtype=dtype))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.Series(pd.DatetimeIndex(ticks.view(f"M8[{dtype.unit}]")).tz_localize("UTC").tz_convert(dtype.tz))
    return pd.Series(ticks.view(dtype))


def impossible_dates(column: Column) -> list[int]:
    """Return which of a column's specials look like its dates and are none, such as 31/02/2020."""
    if column.format is None:
        return []
    forms = [column.format, *(variant for variant, _ in column.variants)]
    return [
        i for i, text in enumerate(column.specials)
        if any(c in "123456789" for c in text) and any(match([text], form) is not None for form in forms)
    ]  # fmt: skip


def local_days(ticks: Ints, column: Column) -> tuple[Ints, Ints]:
    """Return days since 1970 where the column's clocks are, and the ticks since the midnight of each."""
    ticks_a_day = day_ticks(column)
    assert ticks_a_day is not None
    zone = zone_of(column)
    if zone is None:
        days, rest = np.divmod(ticks, ticks_a_day)
        return days, rest
    moments = pd.DatetimeIndex(ticks.view(f"M8[{unit(column)}]")).tz_localize("UTC").tz_convert(zone)
    days = np.asarray(moments.tz_localize(None).to_numpy()).astype("M8[D]").astype(np.int64)
    return days, np.asarray(ticks - _midnights(days, column, zone))


def from_local_days(days: Ints, rest: Ints, column: Column) -> Ints:
    """Return ticks; the opposite of `local_days`. What goes beyond a day is its last tick."""
    ticks_a_day = day_ticks(column)
    assert ticks_a_day is not None
    zone = zone_of(column)
    if zone is None:
        return np.asarray(days * ticks_a_day + np.minimum(rest, ticks_a_day - 1))
    start = _midnights(days, column, zone)
    return np.asarray(np.minimum(start + rest, _midnights(days + 1, column, zone) - 1))


def _midnights(days: Ints, column: Column, zone: str | dt.tzinfo) -> Ints:
    """Return ticks of the first moment of local days."""
    distinct, which = np.unique(days, return_inverse=True)
    midnights = pd.DatetimeIndex(distinct.view("M8[D]").astype(f"M8[{unit(column)}]"))
    local = midnights.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(midnights), dtype=bool))
    return np.asarray(local.asi8)[which]


def with_zone(column: Column, series: pd.Series[Any]) -> Column:
    """Return the column with the time zone of its datetime objects, or of texts with offsets from UTC."""
    if column.element == "datetime":
        return dataclasses.replace(column, zone=zone_of_objects(series, column.name))
    if column.format is None or not any(token.letter == "z" for token in tokens(column.format)):
        return column
    texts = series.dropna().unique().astype(object)
    ticks = parse_dates(texts, column.format)
    found = ticks != NAT
    zone = zone_of_offsets(_microseconds(ticks[found], column), offsets_of(texts[found], column.format))
    return dataclasses.replace(column, zone=zone)


def _microseconds(ticks: Ints, column: Column) -> Ints:
    return ticks // 1000 if unit(column) == "ns" else ticks
