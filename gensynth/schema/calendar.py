"""The days that the dates of a column fall on: certain weekdays, or one day of every month.

New dates fall on such days only, because these are counted one after the other: the tick of a date is replaced by the
rank of its day among the allowed ones, and the time within the day.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from gensynth.schema import civil
from gensynth.schema.column import Column
from gensynth.schema.dates import Ints
from gensynth.schema.moments import day_ticks, from_local_days, is_clock, is_span, local_days, zone_of
from gensynth.schema.strftime import WEEKDAYS, tokens
from gensynth.schema.ticks import ticks_of

MONTH_END = "month end"

_CHANCE = 1e-3
_MIN_MONTHS = 5
MONDAY = 4  # 1970-01-01 was a Thursday; this day since 1970 is the first Monday
_NAMES = tuple(name[:3] for name in WEEKDAYS)


def find_days(ticks: NDArray[Any], column: Column) -> str | None:
    """Return the days that the dates of a column fall on, as `Column.days`; None if they fall on any day.

    Parameters
    ----------
    ticks : ndarray of shape (n,)
        Ticks of the dates that are present.
    column : Column
        The column, its format and time zone known.
    """
    if column.kind != "datetime" or is_clock(column) or is_span(column) or day_ticks(column) is None or not len(ticks):
        return None
    written = {token.letter for token in tokens(column.format)} if column.format is not None else {"d"}
    if "V" in written and "u" not in written:
        return _NAMES[0]
    if not written & set("dojV"):
        return "month day 1"
    days = np.unique(local_days(ticks, column)[0])
    dates = days.view("M8[D]")
    months = dates.astype("M8[M]")
    if len(np.unique(months)) >= _MIN_MONTHS:
        day_of_month = civil.days_of_month(days)
        if (day_of_month == day_of_month[0]).all() and day_of_month[0] <= 28:
            return f"month day {day_of_month[0]}"
        if (dates + 1 == (months + 1).astype("M8[D]")).all():
            return MONTH_END
    kept = np.unique(civil.weekdays(days))
    if len(kept) == 7 or _chance(days, kept) > _CHANCE:
        return None
    return ",".join(_NAMES[day] for day in kept)


def _chance(days: Ints, kept: Ints) -> float:
    """Return the probability that random distinct days in the range fall on so few weekdays."""
    span = int(days[-1] - days[0]) + 1
    weeks, rest = divmod(span, 7)
    last = (int(days[0]) + 3 + np.arange(rest)) % 7  # weekdays of the days beyond whole weeks
    off = weeks * (7 - len(kept)) + int((~np.isin(last, kept)).sum())
    n = len(days)
    log_share = gammaln(span - off + 1) - gammaln(span - off - n + 1) - gammaln(span + 1) + gammaln(span - n + 1)
    return comb(7, len(kept)) * float(np.exp(log_share))


def count_days(ticks: NDArray[Any], column: Column) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return ticks that count allowed days only, and a mask of other dates, moved to the end of the last allowed day.

    A day takes 25 hours where clocks are put back.
    """
    if column.days is None:
        return ticks, np.zeros(len(ticks), dtype=bool)
    days, rest = local_days(ticks, column)
    rank, off = _rank(days, column.days)
    length = _length(column)
    return rank * length + np.where(off, length - 1, np.minimum(rest, length - 1)), off


def is_off(series: pd.Series[Any], column: Column) -> NDArray[np.bool_]:
    """Return a mask (n,) of the dates of an aligned column on days without fitted dates."""
    ticks, missing = ticks_of(series, column)
    return ~missing & count_days(ticks, column)[1]


def uncount_days(counted: NDArray[Any], column: Column) -> NDArray[Any]:
    """Return ticks; the opposite of `count_days`."""
    if column.days is None:
        return counted
    rank, rest = np.divmod(counted, _length(column))
    return from_local_days(_day(rank, column.days), rest, column)


def describe_days(days: str) -> str:
    """Return `Column.days` in words."""
    if days == MONTH_END:
        return "the last day of the month"
    if days.startswith("month day "):
        return f"day {days.rsplit(' ', 1)[1]} of the month"
    kept = [_NAMES.index(name) for name in days.split(",")]
    names = [f"{WEEKDAYS[day]}s" for day in kept]
    if len(kept) > 2 and kept[-1] - kept[0] == len(kept) - 1:
        return f"{names[0]} to {names[-1]}"
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _length(column: Column) -> int:
    ticks_a_day = day_ticks(column)
    assert ticks_a_day is not None
    return ticks_a_day if zone_of(column) is None else ticks_a_day // 24 * 25


def allowed_weekdays(days: str) -> Ints:
    """Return the weekdays, 0 for Monday, that `Column.days` names."""
    return np.array([_NAMES.index(name) for name in days.split(",")], dtype=np.int64)


def _rank(days: Ints, allowed: str) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the rank of each day among the allowed ones (of others the one before), and a mask of others."""
    if allowed.startswith("month"):
        months = days.view("M8[D]").astype("M8[M]")
        own = _month_day(months.astype(np.int64), allowed)
        return months.astype(np.int64) - (days < own), days != own
    weekdays = allowed_weekdays(allowed)
    week, weekday = np.divmod(days - MONDAY, 7)
    before = np.searchsorted(weekdays, weekday, side="right") - 1  # -1: the last one of the week before
    return week * len(weekdays) + before, ~np.isin(weekday, weekdays)


def _day(rank: Ints, allowed: str) -> Ints:
    """Return days since 1970 by their rank among the allowed ones."""
    if allowed.startswith("month"):
        return _month_day(rank, allowed)
    weekdays = allowed_weekdays(allowed)
    week, place = np.divmod(rank, len(weekdays))
    return week * 7 + weekdays[place] + MONDAY


def _month_day(months: Ints, allowed: str) -> Ints:
    """Return days since 1970 of the allowed day of months since 1970."""
    if allowed == MONTH_END:
        return np.asarray((months + 1).view("M8[M]").astype("M8[D]").astype(np.int64) - 1)
    return np.asarray(months.view("M8[M]").astype("M8[D]").astype(np.int64) + int(allowed.rsplit(" ", 1)[1]) - 1)
