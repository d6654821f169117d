"""Calendar arithmetic on arrays: days since 1970 from year, month and day, day of year or ISO week, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def days_from_date(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Bools]:
    """Return days (n,) since 1970, and whether there is such a date."""
    days, there = _days_within(((year - 1970) * 12 + month - 1).astype("M8[M]"), day)
    return days, there & (month >= 1) & (month <= 12)


def days_from_day_of_year(year: Ints, day: Ints) -> tuple[Ints, Bools]:
    """Return days (n,) since 1970, and whether the year has so many."""
    return _days_within((year - 1970).astype("M8[Y]"), day)


def days_from_iso_week(year: Ints, week: Ints, weekday: Ints) -> tuple[Ints, Bools]:
    """Return days (n,) since 1970 of weekdays, 1 for Monday, and whether the ISO 8601 year has that week."""
    monday = _first_monday(year) + 7 * (week - 1)
    return monday + weekday - 1, (week >= 1) & (monday < _first_monday(year + 1))


def iso_weeks(days: Ints) -> tuple[Ints, Ints]:
    """Return the ISO 8601 years (n,) and their weeks (n,)."""
    thursday = (days + 3) // 7 * 7  # of the same week: it lies in the year that the week belongs to
    year = years(thursday)
    return year, (thursday - _first_monday(year)) // 7 + 1


def years(days: Ints) -> Ints:
    """Return the years (n,)."""
    return np.asarray(days.view("M8[D]").astype("M8[Y]").astype(np.int64) + 1970)


def months(days: Ints) -> Ints:
    """Return the months (n,), 1 for January."""
    return np.asarray(days.view("M8[D]").astype("M8[M]").astype(np.int64) % 12 + 1)


def days_of_month(days: Ints) -> Ints:
    """Return the days (n,) of the month, from 1 on."""
    return _day_of(days, "M8[M]")


def days_of_year(days: Ints) -> Ints:
    """Return the days (n,) of the year, from 1 on."""
    return _day_of(days, "M8[Y]")


def weekdays(days: Ints) -> Ints:
    """Return the weekdays (n,), 0 for Monday."""
    return np.asarray((days + 3) % 7)


def _days_within(start: NDArray[Any], day: Ints) -> tuple[Ints, Bools]:
    """Return days since 1970 of the days of months or years, and whether these have so many."""
    first = start.astype("M8[D]").astype(np.int64)
    length = (start + 1).astype("M8[D]").astype(np.int64) - first
    return first + day - 1, (day >= 1) & (day <= length)


def _day_of(days: Ints, period: str) -> Ints:
    dates = days.view("M8[D]")
    return np.asarray((dates - dates.astype(period).astype("M8[D]")).astype(np.int64) + 1)


def _first_monday(year: Ints) -> Ints:
    """Return days since 1970 of the Monday of the first ISO week, the one with January 4."""
    fourth = (year - 1970).astype("M8[Y]").astype("M8[D]").astype(np.int64) + 3
    return np.asarray(fourth - weekdays(fourth))
