"""Conditions on columns as encoded cells."""

from __future__ import annotations

import difflib
import math
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import Cells
from gensynth.encoding.fitted import FittedColumns
from gensynth.encoding.identifier import identifier_cells
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.ranges import Range, draw_within, levels_within, pieces_of, ranges_of
from gensynth.encoding.refusals import refuse_unseen
from gensynth.encoding.rows import Rows
from gensynth.errors import ColumnWarning, ConditionError, DataError, shown
from gensynth.schema import Column, TableSchema
from gensynth.schema.align import align_column
from gensynth.schema.exact import exact_tick
from gensynth.schema.ticks import ticks_of
from gensynth.schema.values import check_unicode

_MAX_LISTED = 100_000
"""Maximal number of values of a ``range`` that are checked one by one."""


def encode_condition(
    encoder: FittedColumns, conditions: Any, n: int, rng: np.random.Generator | None
) -> tuple[tuple[int, ...], Rows]:
    """Implement `TableEncoder.encode_condition`."""
    given = _by_column(conditions, n)
    rows = Rows.zeros(n, encoder.layout)
    chosen = []
    for name, wanted in given.items():
        column = _column(encoder.schema, name)
        own = None if rng is None else rng.spawn(1)[0]  # so that no column's draws depend on n or on the others
        try:
            cells = _cells(encoder, column, wanted, n, own)
        except ConditionError:
            raise
        except DataError as error:
            text = str(error) if isinstance(wanted, pd.Series) else re.sub(r", row \d+:", ":", str(error), count=1)
            raise ConditionError(text) from error
        if cells is None:
            continue
        i = encoder.position[column.name]
        chosen.append(i)
        rows.put(i, encoder.layout.columns[i].numeric, cells)
    for i, link in encoder.links.items():
        if {encoder.position[link.earlier], encoder.position[link.later]} <= set(chosen):
            rows.codes[:, i] = encoder.link_codes(rows, link)
            chosen.append(i)
    return tuple(sorted(chosen)), rows


def _by_column(conditions: Any, n: int) -> dict[Any, Any]:
    if isinstance(conditions, pd.DataFrame):
        if len(conditions) != n:
            raise ConditionError(f"the table of conditions has {len(conditions)} rows; {n} rows are to be sampled")
        return {name: conditions[name].reset_index(drop=True) for name in conditions.columns}
    if isinstance(conditions, Mapping):
        return dict(conditions)
    raise ConditionError(f"conditions must be a mapping or a DataFrame, not {type(conditions).__name__}")


def _column(schema: TableSchema, name: Any) -> Column:
    """Return the column that a condition names."""
    if name not in schema.names:
        near = difflib.get_close_matches(str(name), [str(known) for known in schema.names], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        known = ", ".join(repr(known) for known in schema.names[:10]) + (", ..." if len(schema.names) > 10 else "")
        raise ConditionError(f"there is no column {name!r} to condition on; {hint}the columns are {known}")
    if schema[name].kind == "identifier":
        raise ConditionError(f"column {name!r} is an identifier: it is not learned, and no other column depends on it")
    if schema[name].kind == "image":
        raise ConditionError(f"column {name!r} holds the images, which cannot be given: condition on other columns")
    return schema[name]


def given_identifiers(schema: TableSchema, conditions: Any, n: int) -> tuple[Any, dict[Any, pd.Series[Any]]]:
    """Return the conditions on learned columns, and the cells (n,) of identifier columns that are given.

    Identifiers are not learned, so that a row with a given one is like any other row.

    Raises
    ------
    ConditionError
        Several values are given for an identifier, or one that the column cannot hold.
    """
    names = [name for name in conditions if name in schema.names and schema[name].kind == "identifier"]
    if not names:
        return conditions, {}
    cells = {}
    for name in names:
        wanted, column = conditions[name], schema[name]
        if not isinstance(wanted, pd.Series) and (not np.isscalar(wanted) or ranges_of(wanted) is not None):
            raise ConditionError(
                f"column {name!r} is an identifier, which is not learned: give one value, not {wanted}"
            )
        values = wanted.tolist() if isinstance(wanted, pd.Series) else [wanted]
        try:
            cells[name] = identifier_cells(values if len(values) == n else values * n, column)
        except (DataError, ValueError, OverflowError) as error:
            raise ConditionError(f"column {name!r} cannot hold {values[0]!r}: {error}") from error
    if isinstance(conditions, pd.DataFrame):
        return conditions.drop(columns=names), cells
    return {name: wanted for name, wanted in conditions.items() if name not in names} or None, cells


def _cells(
    encoder: FittedColumns, column: Column, wanted: Any, n: int, rng: np.random.Generator | None
) -> Cells | None:
    """Return the cells (n,) of one column; None for a constant, which is not in the layout."""
    ranges = ranges_of(wanted)
    if column.kind == "constant":
        _check_constant(column, wanted, ranges)
        return None
    own = encoder.columns[column.name]
    assert isinstance(own, (CategoryEncoder, NumberEncoder))
    ranges, values = allowed_values(own, column, wanted)
    if ranges is not None:
        assert isinstance(own, NumberEncoder)
        return draw_within(own, column, ranges, n, _needed(rng, column))
    assert values is not None
    if isinstance(own, NumberEncoder):
        _note_on_pairs(own, column, wanted)
    cells = _encoded(own, column, values)
    if isinstance(wanted, pd.Series):
        return cells
    draw = np.zeros(n, dtype=np.int64)
    if len(values) > 1:
        weights = own.weights(cells)
        draw = _needed(rng, column).choice(len(values), size=n, p=weights / weights.sum())
    return Cells(cells.codes[draw], None if cells.numbers is None else cells.numbers[draw])


def allowed_values(
    own: CategoryEncoder | NumberEncoder, column: Column, wanted: Any
) -> tuple[tuple[Range, ...] | None, pd.Series[Any] | None]:
    """Return the ranges (of numbers or dates) or the values that a condition allows.

    Raises
    ------
    ConditionError
        It allows nothing, or is no range that such a column can have.
    """
    if isinstance(wanted, range):
        wanted = _from_range(own, column, wanted)
    ranges = ranges_of(wanted)
    if ranges is not None and isinstance(own, CategoryEncoder) and not _are_levels(wanted, own):
        wanted = levels_within(own, column, ranges)
    elif ranges is not None and isinstance(own, NumberEncoder):
        return ranges, None
    return None, values_of(column, wanted)


def _needed(rng: np.random.Generator | None, column: Column) -> np.random.Generator:
    if rng is None:
        raise ConditionError(f"column {column.name!r}: several values are allowed; drawing among them needs an rng")
    return rng


def _are_levels(wanted: Any, own: CategoryEncoder) -> bool:
    """Whether intervals are the values of a category (``pandas.cut``), not ranges."""
    several = isinstance(wanted, list | tuple | set | frozenset | pd.IntervalIndex)
    values = list(wanted) if several else [wanted]
    return all(isinstance(v, pd.Interval) for v in values) and isinstance(own.labels.index.dtype, pd.IntervalDtype)


def values_of(column: Column, wanted: Any) -> pd.Series[Any]:
    """Return the values of a condition that is not a range; those of a set in a fixed order."""
    if isinstance(wanted, pd.Series):
        return wanted
    several = isinstance(wanted, (list, tuple, set, frozenset, np.ndarray, pd.Index))
    values = list(wanted) if several else [wanted]
    if not values:
        raise ConditionError(f"column {column.name!r}: an empty list allows no value")
    values = sorted(values, key=repr) if isinstance(wanted, (set, frozenset)) else values
    series = pd.Series(values, dtype=object, name=column.name)
    check_unicode(series)
    return series.rename(None).infer_objects()


def _note_on_pairs(own: NumberEncoder, column: Column, wanted: Any) -> None:
    """Warn that a tuple of two values is not a range, if there are values between them."""
    if not isinstance(wanted, tuple) or len(wanted) != 2:
        return
    low, high = wanted
    try:
        between = pieces_of([Range(((">", low), ("<", high)))], column)
    except DataError:
        return
    held = own.function is not None or any(((own.atoms >= a) & (own.atoms <= b)).any() for a, b in between)
    if between and held:
        warnings.warn(
            f"column {column.name!r}: {shown(wanted)} asks for one of these two values; a range is written "
            f"slice({low!r}, {high!r}) or pandas.Interval({low!r}, {high!r}), a list of two values [{low!r}, {high!r}]",
            ColumnWarning,
            stacklevel=6,
        )


def _from_range(own: CategoryEncoder | NumberEncoder, column: Column, wanted: range) -> Any:
    """Return a Python ``range`` as bounds, or as the list of its fitted values."""
    if not len(wanted):
        raise ConditionError(f"column {column.name!r}: {wanted} allows no value")
    ascending = wanted if wanted.step > 0 else wanted[::-1]
    if ascending.step == 1 and column.kind == "numeric" and column.decimals == 0:
        return Range(((">=", ascending[0]), ("<=", ascending[-1])))
    if column.kind == "numeric" and column.minimum is not None and column.maximum is not None:
        scale = 10 ** (column.decimals or 0)
        before = math.ceil((column.minimum / scale - ascending.start) / ascending.step)
        after = math.floor((column.maximum / scale - ascending.start) / ascending.step)
        ascending = ascending[max(before, 0) : max(after + 1, 0)]
    if len(ascending) > _MAX_LISTED:
        raise ConditionError(f"column {column.name!r}: {wanted} has {len(ascending):,} values; give a slice instead")
    values = pd.Series(list(ascending), dtype=object).infer_objects()
    held = values[~own.unseen(align_column(values, column))] if len(values) else values
    if not len(held):
        raise ConditionError(f"column {column.name!r} never held a value of {wanted}; {own.known()}")
    return held.tolist()


def _check_constant(column: Column, wanted: Any, ranges: tuple[Range, ...] | None) -> None:
    held = None if column.value is None else column.value.index.tolist()[0]
    if isinstance(wanted, range):
        wanted = held if held in wanted else list(wanted[:1])
    if ranges is not None:
        if held is None or not any(_keeps(held, one) for one in ranges):
            asked = " or ".join(map(str, ranges))
            raise ConditionError(f"column {column.name!r} is constant: it only held {shown(held)}, not a value {asked}")
        return
    for value in values_of(column, wanted):
        same = pd.isna(value) if held is None else (value == held or str(value) == str(held))
        if not same:
            raise ConditionError(f"column {column.name!r} is constant: it only held {shown(held)}, not {shown(value)}")


def _keeps(held: Any, bounds: Range) -> bool:
    """Whether the value of a constant column is within bounds."""
    column = pd.Series([held])
    for operator, value in bounds.bounds:
        if value is None:
            continue
        try:
            own = float(value) if isinstance(value, str) and pd.api.types.is_number(held) else value
            compared = {">=": column >= own, ">": column > own, "<=": column <= own, "<": column < own}
        except (TypeError, ValueError):
            return False
        if not bool(compared.get(operator, column != own).iloc[0]):
            return False
    return True


def _encoded(own: CategoryEncoder | NumberEncoder, column: Column, values: pd.Series[Any]) -> Cells:
    """Return the encoded cells of values; raise `ConditionError` for unseen ones."""
    gap = values.isna().to_numpy(dtype=bool)
    if gap.any() and not own.n_missing:
        raise ConditionError(f"column {column.name!r} had no missing values; a missing one cannot be asked for")
    aligned = align_column(values, column)
    bad = own.unseen(aligned) & ~gap
    if isinstance(own, NumberEncoder) and column.discrete:
        bad |= ~gap & _changed(column, values, aligned)
    if bad.any():
        value = values.iloc[int(np.argmax(bad))]
        refuse_unseen(own, column, value.item() if isinstance(value, np.generic) else value)
    return own.encode(aligned)


def _changed(column: Column, values: pd.Series[Any], aligned: pd.Series[Any]) -> NDArray[np.bool_]:
    """Return a mask of values that the column would change, such as a date with a time of day.

    Floats are left to `NumberEncoder.unseen`, which allows for their rounding.
    """
    ticks, _ = ticks_of(aligned, column)
    known: dict[Any, Any] = {}
    out = np.zeros(len(values), dtype=bool)
    for i, value in enumerate(values.tolist()):
        if isinstance(value, float) or pd.isna(value):
            continue
        if value not in known:
            try:
                known[value] = exact_tick(value, column)
            except DataError:
                known[value] = None
        out[i] = known[value] is not None and known[value] != int(ticks[i])
    return out
