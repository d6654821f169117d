"""Numbers and dates as ticks, with special texts among them, and back to the column's own dtype."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.schema.codes import codes_of
from gensynth.schema.column import Column
from gensynth.schema.dates import NAT
from gensynth.schema.dtypes import dtype_from_text, is_text_dtype
from gensynth.schema.moments import is_numbered, is_span, moments_of, numbers_of, objects_of, series_of
from gensynth.schema.notation import Notation
from gensynth.schema.scaled import decimals_from, decimals_of, integers_of, is_decimal, whole_ticks
from gensynth.schema.values import Bools, as_sparse, dense, from_objects, is_missing, is_text, object_array

Ticks = NDArray[np.int64] | NDArray[np.float64]
_LIMIT = float(2**62)  # whole ticks beyond this are cut off: int64 ends at 2**63
_WHOLE = 1e-6  # ticks by which a float may miss a whole one


def floats_of(series: pd.Series[Any], notation: Notation | None = None) -> NDArray[np.float64]:
    """Return (n,) float64 with NaN for missing; text is read as numbers (NaN where it is none)."""
    if is_text(series) and notation is not None:
        codes, texts = codes_of(series)
        return np.append(notation.read(texts), np.nan)[codes]
    if is_text(series):
        return np.array(pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))
    if isinstance(series.dtype, pd.CategoricalDtype):
        lookup = np.append(floats_of(pd.Series(series.cat.categories)), np.nan)
        return lookup[series.cat.codes.to_numpy()]
    if series.dtype == np.dtype(object):
        return np.array([np.nan if v is None or v is pd.NA or v is pd.NaT else float(v) for v in series], dtype=float)
    return np.array(series.to_numpy(dtype=np.float64, na_value=np.nan))


def specials_of(series: pd.Series[Any], column: Column) -> NDArray[np.int64]:
    """Return the index (n,) of each cell in ``column.specials``; -1 for numbers, dates and missing cells.

    -2: a text that is none of all these.
    """
    if not is_text(series):
        return np.full(len(series), -1)
    codes, texts = codes_of(series)
    place = {text: i for i, text in enumerate(column.specials)}
    lookup = np.array([place.get(text, -1) for text in texts] + [-1], dtype=np.int64)
    if column.notation is not None:
        lookup[:-1] = np.where(np.isnan(column.notation.read(texts)) & (lookup[:-1] == -1), -2, lookup[:-1])
    return lookup[codes]


def with_specials(values: pd.Series[Any], specials: NDArray[np.int64], column: Column) -> pd.Series[Any]:
    """Return a column with the texts of ``column.specials`` where ``specials`` (n,) is not negative."""
    texts = np.asarray(values.to_numpy(dtype=object, copy=True))
    texts[specials >= 0] = np.array(column.specials, dtype=object)[specials[specials >= 0]]
    return from_objects(texts, is_missing(values) & (specials < 0), column)


def ticks_of(series: pd.Series[Any], column: Column) -> tuple[Ticks, Bools]:
    """Return the ticks (n,) of a numeric or datetime column, and a mask of cells without any (ticks 0).

    There are none of missing cells, and of texts among numbers or dates (`specials_of`).
    """
    series = dense(series)
    if column.specials:
        series = series.where(specials_of(series, column) == -1)
    missing = is_missing(series)
    if missing.all():
        none = np.zeros(len(series))
        return none.astype(np.int64) if column.discrete else none, missing
    if column.kind == "datetime" or is_span(column):
        whole = moments_of(series, column)
        missing = missing | (whole == NAT)
        return np.where(missing, 0, whole), missing
    dtype = series.dtype
    if column.decimals == 0 and pdt.is_integer_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        ints = series.to_numpy(dtype=np.int64) if not missing.any() else series.to_numpy(dtype=np.int64, na_value=0)
        return np.asarray(ints), missing
    if column.decimals is not None and (exact := _exact_ticks(series, column)) is not None:
        return exact, missing
    values = floats_of(series, column.notation)
    missing = missing | np.isnan(values)
    values[missing] = 0.0
    if column.decimals is None:
        return values, missing
    with np.errstate(over="ignore"):  # cut off below
        scaled = np.rint(values * 10.0**column.decimals)
    return np.clip(scaled, -_LIMIT, _LIMIT).astype(np.int64), missing


def _exact_ticks(series: pd.Series[Any], column: Column) -> NDArray[np.int64] | None:
    """Return the ticks (n,) of decimals and of Python's whole numbers, 0 where missing; None for other cells."""
    assert column.decimals is not None
    if is_decimal(series):
        return whole_ticks(decimals_of(series), column.decimals)
    if column.decimals == 0 and (series.dtype == object or is_text(series)):
        return integers_of(series)
    return None


def on_grid(series: pd.Series[Any], ticks: Ticks, column: Column) -> Bools:
    """Return a mask (n,) of cells without more decimals than the column; floats are rounded."""
    assert column.decimals is not None
    series = dense(series)
    if pdt.is_integer_dtype(series.dtype):
        return np.ones(len(series), dtype=bool)
    if is_decimal(series):
        array = decimals_of(series)
        if column.decimals >= array.type.scale:
            return np.ones(len(series), dtype=bool)
        same = pc.equal(pc.round(array, ndigits=column.decimals), array)
        return np.asarray(pc.fill_null(same, True).to_numpy(zero_copy_only=False))
    near = np.maximum(_WHOLE, 4 * np.finfo(float).eps * np.abs(ticks.astype(np.float64)))
    return np.asarray(np.abs(floats_of(series, column.notation) * 10.0**column.decimals - ticks) < near)


def from_ticks(ticks: Ticks, missing: Bools, column: Column) -> pd.Series[Any]:
    """Return a column of the fitted dtype; the opposite of `ticks_of`."""
    if column.sparse is not None:
        return as_sparse(from_ticks(ticks, missing, replace(column, sparse=None)), column)
    if column.kind == "datetime" or is_span(column):
        moments = np.asarray(ticks, dtype=np.int64)
        if not is_numbered(column):
            if column.format is None and not column.element:
                return series_of(moments, missing, column)
            return from_objects(objects_of(moments, column), missing, column)
        ticks, column = numbers_of(moments, column), replace(column, kind="numeric", format=None, decimals=0)
    if column.notation is not None:
        return from_objects(object_array(column.notation.write(ticks, column.decimals)), missing, column)
    dtype = dtype_from_text(column.dtype)
    if column.decimals == 0 and pdt.is_integer_dtype(dtype) and not missing.any():
        return pd.Series(np.asarray(ticks, dtype=np.int64)).astype(dtype)
    if column.element == "decimal" or (isinstance(dtype, pd.ArrowDtype) and pa.types.is_decimal(dtype.pyarrow_dtype)):
        decimals = decimals_from(ticks, missing, column)
        if column.element:
            return from_objects(object_array(decimals), missing, column)
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(decimals, dtype.pyarrow_dtype)))
    values = ticks if not column.decimals else ticks / 10.0**column.decimals
    if column.element or is_text_dtype(dtype):
        return from_objects(_numbers_as_objects(np.asarray(values), column), missing, column)
    if pdt.is_integer_dtype(dtype) or isinstance(dtype, pd.ArrowDtype) or pdt.is_extension_array_dtype(dtype):
        kind = pd.Int64Dtype() if np.issubdtype(values.dtype, np.integer) else pd.Float64Dtype()
        out = pd.Series(values).astype(kind)
        out[missing] = pd.NA
        return out.astype(dtype)
    floats = np.array(values, dtype=np.float64)
    floats[missing] = np.nan
    return pd.Series(floats).astype(dtype)


def _numbers_as_objects(values: NDArray[Any], column: Column) -> NDArray[np.object_]:
    places = column.decimals
    if column.element in ("integer", "floating", "mixed-integer-float"):
        return object_array([int(v) for v in values] if column.element == "integer" else values.tolist())
    if values.dtype.kind == "i":
        return object_array([str(v) for v in values.tolist()])
    return object_array([f"{v:.{places}f}" if places is not None else repr(float(v)) for v in values.tolist()])
