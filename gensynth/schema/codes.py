"""A column's cells as codes of its distinct values, and back to the column's own dtype."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.schema.column import Column
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.objects import is_text_object, text_to_objects
from gensynth.schema.values import arrow_of, as_sparse, dense, from_objects, is_text, object_array

_encoded: ContextVar[list[Any] | None] = ContextVar("encoded", default=None)


@contextmanager
def encoded_once(series: pd.Series[Any]) -> Iterator[None]:
    """Cache the result of `codes_of` for this column within the block."""
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
        if kept is not None and kept[0] is series and len(kept) == 3:
            return kept[1], kept[2]
        codes, texts = codes_of_texts(series)
        distinct = pd.Index(texts, dtype=object)
        if kept is not None and kept[0] is series:
            kept.extend([codes, distinct])
        return codes, distinct
    codes, distinct = pd.factorize(series, use_na_sentinel=True)
    distinct = pd.Index(distinct)
    if pdt.is_extension_array_dtype(distinct.dtype) and (pdt.is_bool_dtype(distinct) or pdt.is_numeric_dtype(distinct)):
        distinct = pd.Index(distinct.to_numpy(dtype=np.dtype("bool") if pdt.is_bool_dtype(distinct) else None))
    return np.asarray(codes, dtype=np.int64), distinct


def codes_of_texts(series: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Return what `codes_of` does for a column of texts (`is_text`), the distinct ones as a list."""
    array = arrow_of(series).dictionary_encode()
    indices = array.indices.fill_null(-1) if array.null_count else array.indices
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, array.dictionary.to_pylist()


def from_codes(codes: NDArray[np.int64], labels: pd.Index[Any], column: Column) -> pd.Series[Any]:
    """Return a column of the fitted dtype from positions in ``labels`` (-1: missing)."""
    if column.sparse is not None:
        return as_sparse(from_codes(codes, labels, replace(column, sparse=None)), column)
    if column.labels is not None:
        position = np.append(column.labels.index.get_indexer(labels), -1)
        kind = pd.CategoricalDtype(column.labels.index, column.labels.ordered)
        return pd.Series(pd.Categorical.from_codes(position[codes], dtype=kind))
    missing = codes < 0
    dtype = dtype_from_text(column.dtype)
    if column.element:
        values = text_to_objects(labels.tolist(), column.element) if is_text_object(column.element) else labels.tolist()
        pool = object_array([*values, None])  # position -1 is the None
        return from_objects(pool[codes], missing, column)
    if not len(labels):
        return pd.Series([pd.NaT if dtype.kind in "mM" else None] * len(codes), dtype=dtype)
    array = pd.Series(labels).astype(dtype).array
    out: pd.Series[Any] = pd.Series(array.take(codes, allow_fill=bool(missing.any())), dtype=dtype)
    return out


def constant_cells(column: Column, n: int) -> pd.Series[Any]:
    """Return n cells of a constant column."""
    if column.value is None:
        return from_codes(np.full(n, -1), pd.Index([], dtype=object), column)
    return from_codes(np.zeros(n, dtype=np.int64), column.value.index, column)
