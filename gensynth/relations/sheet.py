"""Cells of related columns: ticks of numbers and dates, categories, and which cells may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.schema import Column
from gensynth.schema.calendar import count_days, uncount_days
from gensynth.schema.moments import day_ticks, is_span

Values = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Domain:
    """What the cells of one column can be.

    Parameters
    ----------
    column : Column
        The column.
    low, high : int or float
        Least and greatest value that was fitted: ticks, or levels.
    origin, step : int
        Whole ticks are ``origin + k * step``, those of dates that fall on some days only as `count` has them.
    draw : callable
        From uniform numbers (n,) in (0, 1) to fitted values (n,), none of them missing.
    levels : bool
        Whether the values are levels of a category, not ticks.
    series : callable
        From values (n,) and what is missing of them to a column as it was fitted.
    """

    column: Column
    low: Any
    high: Any
    origin: int = 0
    step: int = 1
    draw: Callable[[Floats], Values] | None = None
    levels: bool = False
    series: Callable[[Values, Bools], pd.Series[Any]] | None = None

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers."""
        return self.levels or self.column.discrete

    @property
    def scale(self) -> int:
        """Ticks of one unit: a day for dates and durations, 1 for numbers without a fixed count of decimals."""
        if self.levels:
            return 1
        if self.column.kind == "datetime" or is_span(self.column):
            return day_ticks(self.column) or 1
        return int(10 ** (self.column.decimals or 0))

    def text(self, value: Any) -> str:
        """Return one value as people write it."""
        if self.series is None:
            return str(value)
        return repr(self.series(np.array([value]), np.zeros(1, dtype=bool)).tolist()[0])

    def count(self, values: Values) -> Values:
        """Return ticks (n,) as a count of the days that the dates fall on; as they are for other columns."""
        return values if self.column.days is None else count_days(values, self.column)[0]

    def count_up(self, values: Values) -> Values:
        """Return the least counted ticks (n,) that are not below values of another column."""
        if self.column.days is None:
            return values
        counted, off = count_days(values, self.column)
        return np.where(off, (counted // self.scale + 1) * self.scale, counted)

    def uncount(self, counted: Values) -> Values:
        """Return ticks (n,) from counted ones."""
        return counted if self.column.days is None else uncount_days(counted, self.column)

    def down(self, values: Values) -> Values:
        """Return the greatest values (n,) on the column's grid that are not above ``values``."""
        if not self.whole:
            return values
        counted = self.count(values)
        return self.uncount(self.origin + (counted - self.origin) // self.step * self.step)

    def holds(self, values: Values) -> Bools:
        """Return which values lie in the fitted range."""
        return np.asarray((values >= self.low) & (values <= self.high))


@dataclass
class Sheet:
    """Cells of related columns.

    Parameters
    ----------
    values : dict of label to ndarray of shape (n,)
        Ticks (int64 or float64) or levels (int64); of no meaning where missing.
    missing : dict of label to ndarray of shape (n,), bool
        What is missing.
    free : dict of label to ndarray of shape (n,), bool
        What may be changed; a column that is not named is given.
    filling : bool
        Whether missing cells are being filled in: then no relation says that a cell is missing.
    """

    values: dict[str | int, Values]
    missing: dict[str | int, Bools]
    free: dict[str | int, Bools] = field(default_factory=dict)
    filling: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.values.values()))) if self.values else 0

    def present(self, names: Any) -> Bools:
        """Return the rows (n,) in which none of the columns is missing."""
        out = np.ones(len(self), dtype=bool)
        for name in names:
            out &= ~self.missing[name]
        return out

    def may_change(self, name: str | int) -> Bools:
        """Return the rows (n,) in which a column's cell may be changed."""
        found = self.free.get(name)
        return np.zeros(len(self), dtype=bool) if found is None else found

    def put(self, name: str | int, rows: Bools, values: Values) -> None:
        """Change cells: ``values`` (n,) are taken where ``rows``; they are present then."""
        own = self.values[name]
        self.values[name] = np.where(rows, values, own).astype(own.dtype)
        self.missing[name] = self.missing[name] & ~rows

    def take(self, rows: NDArray[Any]) -> Sheet:
        """Return some of the rows."""
        parts = [{name: cells[rows] for name, cells in part.items()} for part in (self.values, self.missing, self.free)]
        return Sheet(parts[0], parts[1], parts[2], self.filling)

    def update(self, rows: NDArray[Any], part: Sheet) -> None:
        """Put back what `take` took."""
        for mine, theirs in ((self.values, part.values), (self.missing, part.missing)):
            for name, cells in theirs.items():
                mine[name] = mine[name].copy()
                mine[name][rows] = cells
