"""A column's cells as ticks or as codes of distinct labels, and back to the column's own dtype."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.errors import DataError, shown
from gensynth.schema.column import Column
from gensynth.schema.dates import NAT
from gensynth.schema.dtypes import dtype_from_text, dtype_to_text, is_text_dtype, sparse_dtype
from gensynth.schema.moments import is_numbered, is_span, moments_of, numbers_of, objects_of, series_of
from gensynth.schema.notation import Notation
from gensynth.schema.objects import is_text_object, text_to_objects
from gensynth.schema.scaled import decimals_from, decimals_of, integers_of, is_decimal, whole_ticks
from gensynth.tables.arrow import combined

Ticks = NDArray[np.int64] | NDArray[np.float64]
Bools = NDArray[np.bool_]
_LIMIT = float(2**62)  # whole ticks beyond this are cut off: int64 ends at 2**63
_SENTINELS: dict[str, Any] = {"None": None, "nan": np.nan, "NaT": pd.NaT, "<NA>": pd.NA, "NaN": decimal.Decimal("NaN")}
_encoded: ContextVar[list[Any] | None] = ContextVar("encoded", default=None)
_WHOLE = 1e-6  # ticks by which a float may miss a whole one


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
    return np.asarray(series.isna().to_numpy(), dtype=bool)


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
        return combined(pa.array(series, from_pandas=True))
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


def is_text(series: pd.Series[Any]) -> bool:
    """Whether the cells are text."""
    if series.dtype == object:
        return pdt.infer_dtype(series, skipna=True) == "string"
    return is_text_dtype(series.dtype)


def specials_of(series: pd.Series[Any], column: Column) -> NDArray[np.int64]:
    """Return (n,) where each cell stands among ``column.specials``; -1 for numbers, dates and missing cells.

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


def ticks_of(series: pd.Series[Any], column: Column) -> tuple[Ticks, Bools]:
    """Return the ticks (n,) of a numeric or datetime column, and where there are none: 0 there.

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
    """Return (n,) whether a cell has no more decimals than its column, which has a fixed count; floats are rounded."""
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
        return _sparse(from_ticks(ticks, missing, replace(column, sparse=None)), column)
    if column.kind == "datetime" or is_span(column):
        moments = np.asarray(ticks, dtype=np.int64)
        if not is_numbered(column):
            written = column.format is not None or column.element
            return (
                _plain(objects_of(moments, column), missing, column) if written else series_of(moments, missing, column)
            )
        ticks, column = numbers_of(moments, column), replace(column, kind="numeric", format=None, decimals=0)
    if column.notation is not None:
        return _plain(_objects(column.notation.write(ticks, column.decimals)), missing, column)
    dtype = dtype_from_text(column.dtype)
    if column.decimals == 0 and pdt.is_integer_dtype(dtype) and not missing.any():
        return pd.Series(np.asarray(ticks, dtype=np.int64)).astype(dtype)
    if column.element == "decimal" or (isinstance(dtype, pd.ArrowDtype) and pa.types.is_decimal(dtype.pyarrow_dtype)):
        decimals = decimals_from(ticks, missing, column)
        if column.element:
            return _plain(_objects(decimals), missing, column)
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(decimals, dtype.pyarrow_dtype)))
    values = ticks if not column.decimals else ticks / 10.0**column.decimals
    if column.element or is_text_dtype(dtype):
        return _plain(_numbers_as_objects(np.asarray(values), column), missing, column)
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
        return _objects([int(v) for v in values] if column.element == "integer" else values.tolist())
    if values.dtype.kind == "i":
        return _objects([str(v) for v in values.tolist()])
    return _objects([f"{v:.{places}f}" if places is not None else repr(float(v)) for v in values.tolist()])


def _objects(values: list[Any]) -> NDArray[np.object_]:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def with_specials(values: pd.Series[Any], specials: NDArray[np.int64], column: Column) -> pd.Series[Any]:
    """Return a column with the texts of ``column.specials`` where ``specials`` (n,) is not negative."""
    texts = np.asarray(values.to_numpy(dtype=object, copy=True))
    texts[specials >= 0] = np.array(column.specials, dtype=object)[specials[specials >= 0]]
    return _plain(texts, is_missing(values) & (specials < 0), column)


def _plain(values: NDArray[np.object_], missing: Bools, column: Column) -> pd.Series[Any]:
    """Return Python objects as a column of text or of objects, with the fitted kind of missing value."""
    dtype = dtype_from_text(column.dtype)
    values = values.copy()
    values[missing] = _SENTINELS[column.sentinel] if column.sentinel else None
    out: pd.Series[Any] = pd.Series(values, dtype=dtype)
    return out


def _sparse(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    assert column.sparse is not None
    return series.astype(sparse_dtype(series.dtype, column.sparse))


@contextmanager
def encoded_once(series: pd.Series[Any]) -> Iterator[None]:
    """Within it, `codes_of` looks at the texts of this very column once, however often it is asked."""
    token = _encoded.set([series])
    try:
        yield
    finally:
        _encoded.reset(token)


def codes_of(series: pd.Series[Any]) -> tuple[NDArray[np.int64], pd.Index[Any]]:
    """Return (n,) positions among the distinct values (-1: missing) and these values.

    Categories keep their order and may hold values that no row has.
    """
    series = dense(series)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy().astype(np.int64), series.cat.categories
    if is_text(series):
        kept = _encoded.get()
        if kept is None or kept[0] is not series:
            return _codes_of_texts(series)
        if len(kept) == 1:
            kept.extend(_codes_of_texts(series))
        return kept[1], kept[2]
    codes, distinct = pd.factorize(series, use_na_sentinel=True)
    distinct = pd.Index(distinct)
    if pdt.is_extension_array_dtype(distinct.dtype) and (pdt.is_bool_dtype(distinct) or pdt.is_numeric_dtype(distinct)):
        distinct = pd.Index(distinct.to_numpy(dtype=np.dtype("bool") if pdt.is_bool_dtype(distinct) else None))
    return np.asarray(codes, dtype=np.int64), distinct


def _codes_of_texts(series: pd.Series[Any]) -> tuple[NDArray[np.int64], pd.Index[Any]]:
    array = arrow_of(series).dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, pd.Index(array.dictionary.to_pylist(), dtype=object)


def from_codes(codes: NDArray[np.int64], labels: pd.Index[Any], column: Column) -> pd.Series[Any]:
    """Return a column of the fitted dtype from positions in ``labels`` (-1: missing)."""
    if column.sparse is not None:
        return _sparse(from_codes(codes, labels, replace(column, sparse=None)), column)
    if column.labels is not None:
        position = np.append(column.labels.index.get_indexer(labels), -1)
        kind = pd.CategoricalDtype(column.labels.index, column.labels.ordered)
        return pd.Series(pd.Categorical.from_codes(position[codes], dtype=kind))
    missing = codes < 0
    dtype = dtype_from_text(column.dtype)
    if column.element:
        values = text_to_objects(labels.tolist(), column.element) if is_text_object(column.element) else labels.tolist()
        pool = _objects([*values, None])  # position -1 is the None
        return _plain(pool[codes], missing, column)
    if not len(labels):
        return pd.Series([pd.NaT if dtype.kind in "mM" else None] * len(codes), dtype=dtype)
    array = pd.Series(labels).astype(dtype).array
    out: pd.Series[Any] = pd.Series(array.take(codes, allow_fill=bool(missing.any())), dtype=dtype)
    return out
