"""Dates that fall on certain days only, counted on tensors: see `gensynth.schema.calendar`."""

from __future__ import annotations

import torch
from torch import Tensor

from gensynth.schema import Column
from gensynth.schema.calendar import MONDAY, MONTH_END, allowed_weekdays
from gensynth.schema.moments import day_ticks


def count_days(ticks: Tensor, column: Column) -> tuple[Tensor, Tensor | None]:
    """Return ticks (n,) that count allowed days only, and which dates fall on others; see `schema.calendar`."""
    if column.days is None:
        return ticks, None
    length = day_ticks(column)
    assert length is not None
    days = floor(ticks, length)
    rest = ticks - days * length
    rank, off = _rank(days, column.days)
    return rank * length + torch.where(off, length - 1, rest), off


def uncount_days(counted: Tensor, column: Column) -> Tensor:
    """Return ticks; the opposite of `count_days`."""
    if column.days is None:
        return counted
    length = day_ticks(column)
    assert length is not None
    rank = floor(counted, length)
    return _day(rank, column.days) * length + (counted - rank * length)


def _rank(days: Tensor, allowed: str) -> tuple[Tensor, Tensor]:
    if allowed.startswith("month"):
        months = _month_of(days)
        own = _month_day(months, allowed)
        return months - (days < own).long(), days != own
    weekdays = torch.from_numpy(allowed_weekdays(allowed))
    week = floor(days - MONDAY, 7)
    weekday = days - MONDAY - week * 7
    before = (weekday.unsqueeze(1) >= weekdays).long().sum(1) - 1
    return week * len(weekdays) + before, ~(weekday.unsqueeze(1) == weekdays).any(1)


def _day(rank: Tensor, allowed: str) -> Tensor:
    if allowed.startswith("month"):
        return _month_day(rank, allowed)
    weekdays = torch.from_numpy(allowed_weekdays(allowed))
    week = floor(rank, len(weekdays))
    return week * 7 + weekdays[rank - week * len(weekdays)] + MONDAY


def _month_day(months: Tensor, allowed: str) -> Tensor:
    """Return days since 1970 of the allowed day of months since 1970."""
    if allowed == MONTH_END:
        return _first_of(months + 1) - 1
    return _first_of(months) + int(allowed.rsplit(" ", 1)[1]) - 1


def _first_of(months: Tensor) -> Tensor:
    """Return days since 1970 of the first day of months since 1970; years that begin in March end with the leap day."""
    from_march = months + 1970 * 12 - 2
    year = floor(from_march, 12)
    month = from_march - year * 12  # 0 for March
    leaps = floor(year, 4) - floor(year, 100) + floor(year, 400)
    return 365 * year + leaps + floor(153 * month + 2, 5) - 719_468


def _month_of(days: Tensor) -> Tensor:
    """Return months since 1970 of days since 1970 (Hinnant 2013, "chrono-compatible low-level date algorithms")."""
    z = days + 719_468
    era = floor(z, 146_097)
    day = z - era * 146_097
    year = floor(day - floor(day, 1460) + floor(day, 36_524) - floor(day, 146_096), 365)
    day_of_year = day - (365 * year + floor(year, 4) - floor(year, 100))
    month = floor(5 * day_of_year + 2, 153)  # 0 for March
    return (era * 400 + year) * 12 + month + 2 - 1970 * 12


def floor(x: Tensor, by: int) -> Tensor:
    """Return whole numbers (n,) divided by one, rounded down."""
    return torch.div(x, by, rounding_mode="floor")
