"""Conditions that allow several values, which are met by rejection of decoded rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.conditions import allowed_values
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.ranges import Range, fitted_rows, inside, pieces_of
from gensynth.encoding.table import TableEncoder
from gensynth.schema import Column
from gensynth.schema.align import align_column
from gensynth.schema.codes import codes_of
from gensynth.schema.ticks import ticks_of
from gensynth.schema.values import Bools


def split_conditions(encoder: TableEncoder, conditions: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return the conditions with one value, and those with several, the rarest first.

    All of them have been checked by `TableEncoder.encode_condition`.
    """
    single: dict[Any, Any] = {}
    several: dict[Any, Any] = {}
    rows: dict[Any, float] = {}
    for name, wanted in conditions.items():
        own = encoder.columns.get(name)
        if not isinstance(own, CategoryEncoder | NumberEncoder):
            single[name] = wanted
            continue
        column = encoder.schema[name]
        ranges, values = allowed_values(own, column, wanted)
        if values is not None and len(values) == 1:
            single[name] = wanted
            continue
        several[name] = wanted
        if values is not None:
            rows[name] = float(own.weights(own.encode(align_column(values, column))).sum())
        elif isinstance(own, NumberEncoder) and ranges is not None:
            rows[name] = fitted_rows(own, column, ranges)
    return single, {name: several[name] for name in sorted(several, key=rows.__getitem__)}


def meets(encoder: TableEncoder, conditions: Mapping[Any, Any], frame: pd.DataFrame) -> Bools:
    """Return a mask (n,) of the decoded rows that meet all conditions."""
    met = np.ones(len(frame), dtype=bool)
    for name, wanted in conditions.items():
        own, column = encoder.columns[name], encoder.schema[name]
        assert isinstance(own, CategoryEncoder | NumberEncoder)
        ranges, values = allowed_values(own, column, wanted)
        if isinstance(own, NumberEncoder):
            met &= _number_meets(own, frame[name], ranges, values)
        else:
            met &= _level_meets(own, column, frame[name], values)
    return met


def _number_meets(
    own: NumberEncoder, cells: pd.Series[Any], ranges: tuple[Range, ...] | None, values: pd.Series[Any] | None
) -> Bools:
    ticks, missing = ticks_of(cells, own.column)
    if ranges is not None:
        return inside(ticks, pieces_of(ranges, own.column)) & ~missing
    assert values is not None
    wanted = align_column(values, own.column)
    allowed, gap = ticks_of(wanted, own.column)
    met = np.isin(ticks, allowed[~gap]) & ~missing
    if gap.any():  # missing values, or texts among the numbers: these have codes of their own
        met |= np.isin(own.encode(cells).codes, own.encode(wanted).codes[gap]) & missing
    return np.asarray(met)


def _level_meets(own: CategoryEncoder, column: Column, cells: pd.Series[Any], values: pd.Series[Any] | None) -> Bools:
    assert values is not None
    codes, distinct = codes_of(cells)
    levels = np.append(own.find(distinct), -1)[codes]
    wanted_codes, wanted = codes_of(align_column(values, column))
    found = np.isin(levels, own.find(wanted)) & (levels >= 0)
    return np.asarray(found | ((codes < 0) & bool((wanted_codes < 0).any())))
