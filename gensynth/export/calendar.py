"""Dates that fall on some days only, counted on tensors: see `gensynth.schema.calendar`."""

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
    days = torch.div(ticks, length, rounding_mode="floor")
    rest = ticks - days * length
    rank, off = _rank(days, column.days)
    return rank * length + torch.where(off, length - 1, rest), off


def uncount_days(counted: Tensor, column: Column) -> Tensor:
    """Return ticks; the opposite of `count_days`."""
    if column.days is None:
        return counted
    length = day_ticks(column)
    assert length is not None
    rank = torch.div(counted, length, rounding_mode="floor")
    return _day(rank, column.days) * length + (counted - rank * length)


def _rank(days: Tensor, allowed: str) -> tuple[Tensor, Tensor]:
    if allowed.startswith("month"):
        months = _month_of(days)
        own = _month_day(months, allowed)
        return months - (days < own).long(), days != own
    weekdays = torch.from_numpy(allowed_weekdays(allowed))
    week = torch.div(days - MONDAY, 7, rounding_mode="floor")
    weekday = days - MONDAY - week * 7
    before = (weekday.unsqueeze(1) >= weekdays).long().sum(1) - 1
    return week * len(weekdays) + before, ~(weekday.unsqueeze(1) == weekdays).any(1)


def _day(rank: Tensor, allowed: str) -> Tensor:
    if allowed.startswith("month"):
        return _month_day(rank, allowed)
    weekdays = torch.from_numpy(allowed_weekdays(allowed))
    week = torch.div(rank, len(weekdays), rounding_mode="floor")
    return week * 7 + weekdays[rank - week * len(weekdays)] + MONDAY


def _month_day(months: Tensor, allowed: str) -> Tensor:
    """Return days since 1970 of the allowed day of months since 1970."""
    if allowed == MONTH_END:
        return _first_of(months + 1) - 1
    return _first_of(months) + int(allowed.rsplit(" ", 1)[1]) - 1


def _first_of(months: Tensor) -> Tensor:
    """Return days since 1970 of the first day of months since 1970; years that begin in March end with the leap day."""
    from_march = months + 1970 * 12 - 2
    year = torch.div(from_march, 12, rounding_mode="floor")
    month = from_march - year * 12  # 0 for March
    leaps = _floor(year, 4) - _floor(year, 100) + _floor(year, 400)
    return 365 * year + leaps + _floor(153 * month + 2, 5) - 719_468


def _month_of(days: Tensor) -> Tensor:
    """Return months since 1970 of days since 1970 (Hinnant 2013, "chrono-compatible low-level date algorithms")."""
    z = days + 719_468
    era = _floor(z, 146_097)
    day = z - era * 146_097
    year = _floor(day - _floor(day, 1460) + _floor(day, 36_524) - _floor(day, 146_096), 365)
    day_of_year = day - (365 * year + _floor(year, 4) - _floor(year, 100))
    month = _floor(5 * day_of_year + 2, 153)  # 0 for March
    return (era * 400 + year) * 12 + month + 2 - 1970 * 12


def _floor(x: Tensor, by: int) -> Tensor:
    return torch.div(x, by, rounding_mode="floor")
