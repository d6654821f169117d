"""Conditions on columns as encoded cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.layout import Rows
from gensynth.encoding.number import NumberEncoder
from gensynth.errors import ConditionError, DataError
from gensynth.schema import Column
from gensynth.schema.align import align_column

if TYPE_CHECKING:
    from gensynth.encoding.table import TableEncoder


def encode_condition(
    encoder: TableEncoder, conditions: Any, n: int, rng: np.random.Generator | None
) -> tuple[tuple[int, ...], Rows]:
    """Return columns and rows as `TableEncoder.encode_condition` promises."""
    if isinstance(conditions, pd.DataFrame):
        if len(conditions) != n:
            raise ConditionError(f"the table of conditions has {len(conditions)} rows; {n} rows are to be sampled")
        given: dict[Any, Any] = {name: conditions[name].reset_index(drop=True) for name in conditions.columns}
    elif isinstance(conditions, Mapping):
        given = dict(conditions)
    else:
        raise ConditionError(f"conditions must be a mapping or a DataFrame, not {type(conditions).__name__}")
    codes = np.zeros((n, len(encoder.layout.columns)), dtype=np.int32)
    numbers = np.zeros((n, encoder.layout.n_numeric))
    chosen = []
    for name, wanted in given.items():
        if name not in encoder.schema.names:
            known = ", ".join(repr(known) for known in encoder.schema.names[:10])
            raise ConditionError(f"there is no column {name!r} to condition on; the columns are {known}")
        column = encoder.schema[name]
        if column.kind == "identifier":
            raise ConditionError(f"column {name!r} is an identifier: its values are made, they cannot be asked for")
        values = _values(column, wanted)
        if column.kind == "constant":
            _check_constant(column, values)
            continue
        own, weights = _encode(encoder, column, values)
        if isinstance(wanted, pd.Series):
            draw = np.arange(n)
        elif len(values) == 1:
            draw = np.zeros(n, dtype=np.int64)
        else:
            if rng is None:
                raise ConditionError(f"column {name!r}: several values are allowed; drawing among them needs an rng")
            draw = rng.choice(len(values), size=n, p=weights)
        i = encoder.position[column.name]
        chosen.append(i)
        codes[:, i] = own.codes[draw, i]
        slot = encoder.layout.columns[i].numeric
        if slot is not None:
            numbers[:, slot] = own.numeric[draw, slot]
    rows = Rows(numbers, codes)
    for i, link in encoder.links.items():
        if {encoder.position[link.earlier], encoder.position[link.later]} <= set(chosen):
            codes[:, i] = encoder.link_codes(rows, link)
            chosen.append(i)
    return tuple(sorted(chosen)), rows


def _values(column: Column, wanted: Any) -> pd.Series[Any]:
    if isinstance(wanted, pd.Series):
        return wanted
    several = isinstance(wanted, (list, tuple, set, frozenset, np.ndarray, pd.Index))
    values = list(wanted) if several else [wanted]
    if not values:
        raise ConditionError(f"column {column.name!r}: an empty list allows no value")
    values = sorted(values, key=repr) if isinstance(wanted, (set, frozenset)) else values
    return pd.Series(values, dtype=object).infer_objects()


def _check_constant(column: Column, values: pd.Series[Any]) -> None:
    held = None if column.value is None else column.value.index[0]
    for value in values:
        same = pd.isna(value) if held is None else (value == held or str(value) == str(held))
        if not same:
            raise ConditionError(f"column {column.name!r} is constant: it only held {held!r}, not {value!r}")


def _encode(encoder: TableEncoder, column: Column, values: pd.Series[Any]) -> tuple[Rows, NDArray[np.float64]]:
    """Return the values as rows of the whole layout, and how often each was seen (shares that sum to 1)."""
    own = encoder.columns[column.name]
    assert isinstance(own, (CategoryEncoder, NumberEncoder))
    gap = values.isna().to_numpy(dtype=bool)
    if gap.any() and not own.n_missing:
        raise ConditionError(f"column {column.name!r} had no missing values; a missing one cannot be asked for")
    try:
        aligned = align_column(values, column)
    except DataError as error:
        raise ConditionError(str(error)) from error
    cells = own.encode(aligned)
    bad = own.unseen(aligned) & ~gap
    if bad.any():
        value = values.iloc[int(np.argmax(bad))]
        value = value.item() if isinstance(value, np.generic) else value
        raise ConditionError(f"column {column.name!r} never held {value!r}; {own.known()}")
    i = encoder.position[column.name]
    layout = encoder.layout.columns[i]
    codes = np.zeros((len(values), len(encoder.layout.columns)), dtype=np.int32)
    numbers = np.zeros((len(values), encoder.layout.n_numeric))
    codes[:, i] = cells.codes
    if layout.numeric is not None and cells.numbers is not None:
        numbers[:, layout.numeric] = cells.numbers
    weights = own.weights(cells)
    return Rows(numbers, codes), weights / weights.sum()
