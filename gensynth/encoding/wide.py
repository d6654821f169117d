"""Numbers with more digits than a float holds, which conditions return exactly."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gensynth.encoding.conditions import values_of
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.ranges import ranges_of
from gensynth.encoding.table import TableEncoder
from gensynth.schema import Column
from gensynth.schema.align import align_column
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.ticks import from_ticks, ticks_of


def put_given(frame: pd.DataFrame, conditions: Mapping[Any, Any] | pd.DataFrame, encoder: TableEncoder) -> None:
    """Set the cells of wide columns to the very values that conditions name, of several the nearest one."""
    name: Any
    for name in conditions:
        own = encoder.columns.get(name)
        if isinstance(own, NumberEncoder) and own.is_wide and ranges_of(conditions[name]) is None:
            frame[name] = _nearest(frame[name], conditions[name], own.column)


def _nearest(series: pd.Series[Any], wanted: Any, column: Column) -> pd.Series[Any]:
    values = values_of(column, wanted)
    ticks, gap = ticks_of(align_column(values, column), column)
    if isinstance(wanted, pd.Series):
        which, missing = np.arange(len(series)), gap
    else:
        at, missing = ticks_of(series, column)
        order = np.flatnonzero(~gap)[np.argsort(ticks[~gap], kind="stable")]
        if not len(order):
            return series
        right = np.clip(np.searchsorted(ticks[order], at), 0, len(order) - 1)
        left = np.maximum(right - 1, 0)
        far = np.abs(ticks[order[right]].astype(float) - at) > np.abs(at - ticks[order[left]].astype(float))
        which = order[np.where(far, left, right)]
    if column.discrete:
        return from_ticks(ticks[which], missing, column)
    exact = [None if lost else decimal.Decimal(str(values.iloc[i])) for i, lost in zip(which, missing, strict=True)]
    dtype = dtype_from_text(column.dtype)
    if isinstance(dtype, pd.ArrowDtype):
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(exact, dtype.pyarrow_dtype)))
    return pd.Series(exact, dtype=object).where(~missing, series.astype(object))
