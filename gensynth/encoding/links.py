"""Links between columns that are often equal: a boolean column says whether they are.

The amount paid is often exactly the amount of the bill, the first total is the price. Bins cannot say so: two cells of
one bin are near each other, not equal. So the layout gets a yes/no column before the later of the two, every model
learns it like any other, and decoding copies the value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.columns import Counts
from gensynth.layout import ColumnLayout
from gensynth.relations.sheet import Sheet
from gensynth.schema import Column
from gensynth.schema.ticks import Ticks, ticks_of
from gensynth.schema.values import Bools

NO, YES = 1, 2
"""Codes of a link."""

_MIN_SHARE, _MIN_ROWS = 0.02, 10
_FREQUENT = 0.01
_MAX_ROWS = 10_000

Decoded = dict[str | int, tuple[Ticks, Bools]]


@dataclass(frozen=True)
class Link:
    """Two columns that are often equal.

    Parameters
    ----------
    earlier, later : str or int
        Labels of the columns, in the order of the layout.
    share : float
        Share of the fitted rows in which they are.
    """

    earlier: str | int
    later: str | int
    share: float

    def layout(self) -> ColumnLayout:
        """Return the layout of the yes/no column."""
        return ColumnLayout(f"{self.later} = {self.earlier}", (0.0, 1.0 - self.share, self.share))

    def encode(self, frame: pd.DataFrame, columns: Mapping[str | int, Column]) -> NDArray[np.int32]:
        """Return the codes (n,) of an aligned table."""
        return self.codes(*(ticks_of(frame[name], columns[name]) for name in (self.earlier, self.later)))

    @staticmethod
    def codes(earlier: tuple[Ticks, Bools], later: tuple[Ticks, Bools]) -> NDArray[np.int32]:
        """Return the codes (n,) from the ticks of the two columns and what is missing of them."""
        equal = (earlier[0] == later[0]) & ~earlier[1] & ~later[1]
        return np.where(equal, YES, NO).astype(np.int32)

    def copy(
        self, codes: NDArray[np.int32], given: Bools, decoded: Decoded, columns: Mapping[str | int, Column]
    ) -> None:
        """Make the two cells equal where the code says so; of two cells the one that is not given follows the other.

        A value that the column could not have held (beyond its range) is not copied.

        Parameters
        ----------
        codes : ndarray of shape (n,)
            Codes of the link.
        given : ndarray of shape (n, 2), bool
            Whether the earlier and the later cell are given and stay as they are.
        decoded : dict
            Ticks of the two columns and what is missing; changed in place.
        columns : mapping
            What the columns hold.
        """
        equal = codes == YES
        for source, target, free in (
            (self.earlier, self.later, ~given[:, 1]),
            (self.later, self.earlier, given[:, 1] & ~given[:, 0]),
        ):
            (ticks, gap), (own, own_gap) = decoded[source], decoded[target]
            column = columns[target]
            assert column.minimum is not None
            assert column.maximum is not None
            fits = equal & free & ~gap & (ticks >= column.minimum) & (ticks <= column.maximum)
            decoded[target] = np.where(fits, ticks, own), own_gap & ~fits

    def to_json(self) -> list[Any]:
        """Return plain JSON values."""
        return [self.earlier, self.later, self.share]

    @classmethod
    def from_json(cls, state: Sequence[Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(*state)


def copy_linked(
    sheet: Sheet, links: Mapping[int, Link], codes: NDArray[np.int32], columns: Mapping[str | int, Column]
) -> None:
    """Make cells of a sheet equal where ``codes`` (n, k) of the links, which are named by their position, say so."""
    for i, link in links.items():
        ends = (link.earlier, link.later)
        decoded = {name: (sheet.values[name], sheet.missing[name]) for name in ends}
        given = np.stack([~sheet.may_change(name) for name in ends], 1)
        link.copy(codes[:, i], given, decoded, columns)
        for name in ends:
            sheet.values[name], sheet.missing[name] = decoded[name]


def find_links(
    frame: pd.DataFrame, order: Sequence[Column], n_conditions: int = 0, weights: Counts | None = None
) -> tuple[Link, ...]:
    """Return for each column the earlier one that it equals most often, if in at least 2 % of the rows.

    Values that make up more than 1 % of their column do not count: two columns of small whole numbers are equal by
    chance. Only columns whose ticks mean the same are compared. Two of the first ``n_conditions`` columns are not
    linked: those are given, never drawn.

    Parameters
    ----------
    frame : DataFrame
        The aligned table.
    order : sequence of Column
        Its learned columns, in the order of the layout.
    n_conditions : int
        How many of them are condition columns.
    weights : ndarray of shape (n,) or None
        How often each row counts; for the shares.
    """
    by_unit: dict[tuple[str, ...], list[int]] = {}
    for i, column in enumerate(order):
        if column.kind in ("numeric", "datetime") and not column.specials:
            by_unit.setdefault(_unit_of(column), []).append(i)
    rows = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), _MAX_ROWS)).astype(np.int64))
    some = frame.iloc[rows]
    best: dict[int, tuple[float, int]] = {}
    for group in by_unit.values():
        values = np.stack([_rare_ticks(some[order[i].name], order[i]) for i in group], 1)
        for a, b, share in _equal_pairs(values):
            earlier, later = group[a], group[b]
            if share >= max(_MIN_SHARE, _MIN_ROWS / len(some)) and later >= n_conditions:
                best[later] = max(best.get(later, (0.0, -1)), (share, earlier))
    columns = {column.name: column for column in order}
    links = [Link(order[earlier].name, order[later].name, 0.0) for later, (_, earlier) in sorted(best.items())]
    shares = [float(np.average(link.encode(frame, columns) == YES, weights=weights)) for link in links]
    return tuple(Link(link.earlier, link.later, share) for link, share in zip(links, shares, strict=True))


def _unit_of(column: Column) -> tuple[str, ...]:
    """Return the unit that the ticks of comparable columns share."""
    if column.kind == "datetime" or column.dtype.startswith(("timedelta64", "arrow:duration")):
        return (column.kind, column.dtype, str(column.format))
    return (column.kind, str(column.decimals))


def _rare_ticks(series: pd.Series[Any], column: Column) -> NDArray[np.float64]:
    """Return ticks (n,), NaN where a value is missing or frequent."""
    ticks, missing = ticks_of(series, column)
    _, which, counts = np.unique(ticks, return_inverse=True, return_counts=True)
    plain = ~missing & (counts[which] <= max(_FREQUENT * len(ticks), 1))
    return np.where(plain, ticks.astype(np.float64), np.nan)


def _equal_pairs(values: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """Return (a, b, share of rows) for pairs of columns a < b that are neighbours among a row's equal values."""
    n, k = values.shape
    order = np.argsort(values, axis=1, kind="stable")  # equal values stay in the order of their columns
    ranked = np.take_along_axis(values, order, axis=1)
    rows, at = np.nonzero(ranked[:, 1:] == ranked[:, :-1])
    pairs, counts = np.unique(order[rows, at] * k + order[rows, at + 1], return_counts=True)
    return [(int(p // k), int(p % k), float(c) / n) for p, c in zip(pairs, counts, strict=True)]
