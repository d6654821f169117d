"""Cells of a column in any container: unwrapping, missing values, text, and Python objects."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.errors import DataError, shown
from gensynth.schema.column import Column
from gensynth.schema.dtypes import dtype_from_text, dtype_to_text, is_text_dtype, sparse_dtype
from gensynth.tables.arrow import combined

Bools = NDArray[np.bool_]
_SENTINELS: dict[str, Any] = {"None": None, "nan": np.nan, "NaT": pd.NaT, "<NA>": pd.NA, "NaN": decimal.Decimal("NaN")}


def dense(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return the column without a sparse or dictionary wrapping."""
    if isinstance(series.dtype, pd.SparseDtype):
        return pd.Series(np.asarray(series.array, dtype=series.dtype.subtype), index=series.index, name=series.name)
    if isinstance(series.dtype, pd.ArrowDtype) and pa.types.is_dictionary(series.dtype.pyarrow_dtype):
        value_type = series.dtype.pyarrow_dtype.value_type
        return series.astype(pd.ArrowDtype(value_type))
    return series


def is_missing(series: pd.Series[Any]) -> Bools:
    """Return (n,) whether each cell is missing (None, NaN, NaT and pd.NA alike)."""
    if is_plain_integer(series):
        return np.zeros(len(series), dtype=bool)
    return np.asarray(series.isna().to_numpy(), dtype=bool)


def is_plain_integer(series: pd.Series[Any]) -> bool:
    """Whether the cells are numpy's whole numbers, none of which can be missing."""
    return isinstance(series.dtype, np.dtype) and series.dtype.kind in "iu"


def is_text(series: pd.Series[Any]) -> bool:
    """Whether the cells are text."""
    if series.dtype == object:
        return pdt.infer_dtype(series, skipna=True) == "string"
    return is_text_dtype(series.dtype)


def stored_dtype(series: pd.Series[Any], element: str = "") -> str:
    """Return `Column.dtype` of a column; ``element`` is the type of an object column's elements."""
    if series.dtype != object:
        return dtype_to_text(series.dtype)
    gap = is_missing(series)
    sentinel = "None"
    if gap.any():
        first = series.iloc[int(np.argmax(gap))]
        sentinel = "nan" if isinstance(first, float) else str(first)
    return f"object[{element},{sentinel}]"


def arrow_of(series: pd.Series[Any]) -> pa.Array:
    """Return the column as one Arrow array, missing values as nulls.

    Raises
    ------
    DataError
        If a text is no Unicode (a lone surrogate); names column and row.
    """
    try:
        own = series.array if hasattr(series.array, "__arrow_array__") else series  # a series takes ten times as long
        return combined(pa.array(own, from_pandas=True))
    except UnicodeEncodeError:
        check_unicode(series)
        raise


def check_unicode(series: pd.Series[Any]) -> None:
    """Raise `DataError` for the first text that is no Unicode (a lone surrogate); names column and row."""
    row = next((i for i, text in enumerate(series) if isinstance(text, str) and _is_broken(text)), None)
    if row is not None:
        raise DataError(
            f"column {series.name!r}, row {row}: {shown(series.iloc[row])} holds half a character (a lone surrogate), "
            "which no file can hold; replace it, for example by .str.encode('utf-8', 'replace').str.decode('utf-8')"
        )


def _is_broken(text: str) -> bool:
    return any(0xD800 <= ord(c) < 0xE000 for c in text)


def object_array(values: list[Any]) -> NDArray[np.object_]:
    """Return values as an array of objects (k,)."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def from_objects(values: NDArray[np.object_], missing: Bools, column: Column) -> pd.Series[Any]:
    """Return Python objects as a column of text or of objects, with the fitted kind of missing value."""
    dtype = dtype_from_text(column.dtype)
    values = values.copy()
    values[missing] = _SENTINELS[column.sentinel] if column.sentinel else None
    out: pd.Series[Any] = pd.Series(values, dtype=dtype)
    return out


def as_sparse(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return a dense column as a sparse one that leaves out what the fitted column did."""
    assert column.sparse is not None
    return series.astype(sparse_dtype(series.dtype, column.sparse))
