"""Range conditions: the values of a column that they allow, and sampling within them by fitted frequency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import Cells
from gensynth.encoding.number import NumberEncoder
from gensynth.errors import ConditionError, shown
from gensynth.layout import UNKNOWN
from gensynth.schema import Column
from gensynth.schema.calendar import count_days
from gensynth.schema.exact import exact_tick
from gensynth.schema.ticks import Ticks, from_ticks
from gensynth.schema.values import Bools

_ATTEMPTS = 4
_NEAR = 1e-9
"""Tolerance of a one-value range, as a fraction of the fitted range, for numbers without a fixed number of decimals."""

Piece = tuple[int, int] | tuple[float, float]
"""Interval of ticks, both ends included."""


@dataclass(frozen=True)
class Range:
    """Bounds on a value, such as ``>= 20`` and ``< 30``; missing values never meet them.

    Parameters
    ----------
    bounds : tuple of (str, value)
        Operators and what they compare with; ``("!=", None)`` allows every value.
    """

    bounds: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return " and ".join(f"{operator} {value}" for operator, value in self.bounds)


def ranges_of(wanted: Any) -> tuple[Range, ...] | None:
    """Return the ranges that a condition names, one or a list of them; None for one that names values.

    In a list with a range every other entry is a range of one value. Both ends of a slice belong to it, as in
    ``DataFrame.loc``.

    Raises
    ------
    ConditionError
        A slice with a step.
    """
    single = _range_of(wanted)
    if single is not None:
        return (single,)
    if isinstance(wanted, pd.IntervalIndex | pd.arrays.IntervalArray):
        wanted = list(wanted)
    if not isinstance(wanted, list | tuple | set | frozenset):
        return None
    found = [(_range_of(one), one) for one in wanted]
    if all(one is None for one, _ in found):
        return None
    return tuple(Range(((">=", value), ("<=", value))) if one is None else one for one, value in found)


def _range_of(wanted: Any) -> Range | None:
    if isinstance(wanted, Range):
        return wanted
    if isinstance(wanted, pd.Interval):
        ends = (
            (">=" if wanted.closed_left else ">", wanted.left),
            ("<=" if wanted.closed_right else "<", wanted.right),
        )
        return Range(tuple((operator, end) for operator, end in ends if not _is_infinite(end)) or (("!=", None),))
    if isinstance(wanted, slice):
        if wanted.step is not None:
            raise ConditionError(f"{wanted}: a range has no step; list the values that are allowed")
        ends = ((">=", wanted.start), ("<=", wanted.stop))
        return Range(tuple((operator, end) for operator, end in ends if end is not None) or (("!=", None),))
    return None


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float | np.floating) and math.isinf(value)


def levels_within(own: CategoryEncoder, column: Column, ranges: Sequence[Range]) -> pd.Index[Any]:
    """Return the levels of a category that a condition allows: in an order of their own, of numbers, or by ``!=``.

    Raises
    ------
    ConditionError
        The levels have no order, a bound is no level, or no level is left.
    """
    allowed = np.zeros(len(own.labels.index), dtype=bool)
    for one in ranges:
        kept = np.ones(len(allowed), dtype=bool)
        for operator, value in one.bounds:
            if value is not None:
                kept &= _levels_beyond(own, column, operator, value)
        allowed |= kept
    if not allowed.any():
        raise _nothing(own, column, ranges)
    return own.labels.index[allowed]


def _levels_beyond(own: CategoryEncoder, column: Column, operator: str, value: Any) -> Bools:
    """Return which levels keep a bound: by their own order, or as the numbers that they are."""
    labels = own.labels.index
    if not own.labels.ordered and operator != "!=":
        number = float(pd.to_numeric(str(value), errors="coerce"))
        if not pdt.is_numeric_dtype(labels.dtype) or math.isnan(number):
            raise ConditionError(
                f"column {column.name!r} is {column.kind}: its values have no order, {operator} {shown(value)} says "
                f"nothing; name the values that are allowed: {own.known()}"
            )
        return _compare(labels.to_numpy(), operator, number)
    at = own.find(pd.Index([value], dtype=object))[0]
    if at < 0:
        raise ConditionError(f"column {column.name!r} never held {shown(value)}; {own.known()}")
    return _compare(np.arange(len(labels)), operator, at)


def _compare(values: NDArray[Any], operator: str, bound: Any) -> Bools:
    compared = {">=": values >= bound, ">": values > bound, "<=": values <= bound, "<": values < bound}
    return np.asarray(compared.get(operator, values != bound))


def _nothing(own: NumberEncoder | CategoryEncoder, column: Column, ranges: Sequence[Range]) -> ConditionError:
    asked = " or ".join(map(str, ranges))
    return ConditionError(f"column {column.name!r} never held a value {asked}; {own.known()}")


def pieces_of(ranges: Sequence[Range], column: Column) -> list[Piece]:
    """Return the allowed ticks within the fitted range, as ascending disjoint intervals."""
    if column.minimum is None or column.maximum is None:
        return []
    found: list[Any] = []
    for one in ranges:
        parts: list[Any] = [(column.minimum, column.maximum)]
        for operator, value in one.bounds:
            if value is not None:
                tick = exact_tick(value, column)
                parts = [piece for part in parts for piece in _cut(part, operator, tick, whole=column.discrete)]
        found += parts
    merged: list[Any] = []
    for low, high in sorted(found):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _cut(part: Any, operator: str, tick: Fraction, *, whole: bool) -> list[Any]:
    low, high = part
    below = (low, min(high, _last(tick, open_=operator != "<=", whole=whole)))
    above = (max(low, _first(tick, open_=operator != ">=", whole=whole)), high)
    kept = {"<": [below], "<=": [below], ">": [above], ">=": [above]}.get(operator, [below, above])
    return [(a, b) for a, b in kept if a <= b]


def _last(tick: Fraction, *, open_: bool, whole: bool) -> Any:
    if whole:
        return math.ceil(tick) - 1 if open_ else math.floor(tick)
    return float(np.nextafter(float(tick), -np.inf)) if open_ else float(tick)


def _first(tick: Fraction, *, open_: bool, whole: bool) -> Any:
    if whole:
        return math.floor(tick) + 1 if open_ else math.ceil(tick)
    return float(np.nextafter(float(tick), np.inf)) if open_ else float(tick)


def draw_within(own: NumberEncoder, column: Column, ranges: Sequence[Range], n: int, rng: np.random.Generator) -> Cells:
    """Draw ``n`` cells within ranges, by fitted frequency; a bin counts by the share of it that lies inside.

    The draws of a row do not depend on ``n``.

    Raises
    ------
    ConditionError
        No fitted value lies there.
    """
    pieces = pieces_of(ranges, column)
    codes, ends, weights = _candidates(own, pieces)
    if not len(codes):
        raise _nothing(own, column, ranges)
    chances = np.cumsum(weights if weights.sum() > 0 else own.counts[codes])
    drawn = np.zeros(n, dtype=np.int32)
    numbers = np.zeros(n)
    left = np.ones(n, dtype=bool)
    for _ in range(_ATTEMPTS):
        draws = rng.spawn(1)[0].random((n, 2))
        part = np.minimum(np.searchsorted(chances, draws[:, 0] * chances[-1], side="right"), len(codes) - 1)
        places = ends[part, 0] + draws[:, 1] * (ends[part, 1] - ends[part, 0])
        cells = Cells(codes[part], own.numbers_at(codes[part], places))
        taken = left & inside(own.decode_ticks(cells)[0], pieces)
        drawn[taken], numbers[taken] = cells.codes[taken], _numbers(cells)[taken]
        left &= ~taken
        if not left.any():
            break
    if left.any():  # a range that is narrower than what floats tell apart
        cells = _ends_of(own, column, pieces)
        if not len(cells.codes):
            raise ConditionError(
                f"column {column.name!r} holds numbers too far apart to tell a value {' or '.join(map(str, ranges))} "
                "from those next to it; ask for a wider range"
            )
        which = (rng.spawn(1)[0].random(n) * len(cells.codes)).astype(np.int64)[left]
        drawn[left], numbers[left] = cells.codes[which], _numbers(cells)[which]
    return Cells(drawn, numbers)


def fitted_rows(own: NumberEncoder, column: Column, ranges: Sequence[Range]) -> float:
    """Return the approximate number of fitted rows within ranges."""
    return float(_candidates(own, pieces_of(ranges, column))[2].sum())


def _candidates(own: NumberEncoder, pieces: Sequence[Piece]) -> tuple[NDArray[np.int32], Any, NDArray[np.float64]]:
    """Return codes, the positions from and to which values lie inside, and weights."""
    if own.column.days is not None:
        counted = [count_days(np.array(piece), own.column) for piece in pieces]  # a day that is not allowed: the end
        pieces = [(int(ends[0] + off[0]), int(ends[1])) for ends, off in counted]  # of the one before
    held = np.flatnonzero(inside(own.atoms, pieces))
    codes = (own.first + held).tolist()
    ends = [(0.0, 0.0)] * len(held)
    weights = own.counts[codes].tolist() if codes else []
    function = own.function
    for low, high in pieces if function is not None else ():
        assert function is not None
        start, stop = _steps(own, low, high)
        if start > stop:
            continue
        first, last = function.find_bin(np.array([start, stop], dtype=np.float64))
        for bin_ in range(first, last + 1):
            a, b = function.positions_between(bin_, start, stop)
            if a <= b:
                codes.append(own.first + len(own.atoms) + bin_)
                ends.append((a, b))
                weights.append(float(own.counts[codes[-1]]) * (b - a))
    return np.array(codes, dtype=np.int32), np.array(ends).reshape(-1, 2), np.array(weights, dtype=np.float64)


def _steps(own: NumberEncoder, low: Any, high: Any) -> tuple[float, float]:
    """Return a piece in steps; whole steps are rounded to, so theirs reach half a step beyond."""
    if not own.column.discrete:
        return low / own.step, high / own.step
    step = int(own.step)
    start, stop = -((own.origin - int(low)) // step), (int(high) - own.origin) // step
    return (start - 0.5, stop + 0.5) if start <= stop else (1.0, 0.0)


def inside(ticks: Ticks, pieces: Sequence[Piece], reach: float = 0.0) -> Bools:
    """Return a mask (n,) of the ticks in one of the intervals, within a tolerance of ``reach``."""
    found = np.zeros(len(ticks), dtype=bool)
    for low, high in pieces:
        found |= (ticks >= low - reach) & (ticks <= high + reach) if reach else (ticks >= low) & (ticks <= high)
    return found


def _ends_of(own: NumberEncoder, column: Column, pieces: Sequence[Piece]) -> Cells:
    """Return the cells of the ends of pieces, as far as they come back."""
    ends = [end for piece in pieces for end in piece]
    ticks: Ticks = np.array(ends, dtype=np.int64) if column.discrete else np.array(ends, dtype=np.float64)
    cells = own.encode(from_ticks(ticks, np.zeros(len(ticks), dtype=bool), column))
    reach = 0.0 if column.discrete else _NEAR * (float(own.high) - float(own.low))
    kept = inside(own.decode_ticks(cells)[0], pieces, reach) & (cells.codes != UNKNOWN)
    return Cells(cells.codes[kept], _numbers(cells)[kept])


def _numbers(cells: Cells) -> NDArray[np.float64]:
    return np.zeros(len(cells.codes)) if cells.numbers is None else cells.numbers
