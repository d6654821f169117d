"""Columns of two tables side by side: their kinds, and their values as numbers or common codes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.metrics.vectors import digests, is_vector, vector_columns
from gensynth.tables import to_frame

ColumnKind = Literal["numeric", "categorical"]


def pair_of_frames(real: Any, synthetic: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables as frames with the columns of ``real``, in its order.

    Further columns of ``synthetic`` (a provenance column, say) are left out.

    Raises
    ------
    DataError
        If a table is empty, has a column name twice, or ``synthetic`` lacks a column of ``real``.
    """
    left, right = to_frame(real)[0], to_frame(synthetic)[0]
    for name, frame in (("real", left), ("synthetic", right)):
        if not frame.columns.is_unique:
            twice = sorted(map(str, frame.columns[frame.columns.duplicated()].unique()))
            raise DataError(f"the {name} table has column names that stand twice: {', '.join(twice)}; rename them")
        if frame.shape[1] == 0:
            raise DataError(f"the {name} table has no columns; nothing can be compared")
        if len(frame) == 0:
            raise DataError(f"the {name} table has no rows; at least one is needed to compare")
    missing = [str(name) for name in left.columns if name not in right.columns]
    if missing:
        named = ", ".join(missing[:10])
        raise DataError(f"the synthetic table lacks {len(missing)} column(s) of the real one: {named}")
    return left, right[list(left.columns)]


def pair_of_scalars(real: Any, synthetic: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables as `pair_of_frames`, without the columns of images.

    Raises
    ------
    DataError
        If there are no others, or as `pair_of_frames`.
    """
    left, right = pair_of_frames(real, synthetic)
    images = vector_columns(left)
    if len(images) == left.shape[1]:
        raise DataError(
            f"the table holds nothing but images ({', '.join(map(repr, images))}), and this metric is of the columns "
            "beside them"
        )
    return left.drop(columns=images), right.drop(columns=images)


def kind_of(column: pd.Series[Any]) -> ColumnKind:
    """Return "numeric" for numbers, dates and time spans, "categorical" for all else (booleans too)."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return "categorical"
    if pd.api.types.is_complex_dtype(column.dtype):
        return "categorical"
    if pd.api.types.is_numeric_dtype(column.dtype) or is_time(column) or is_decimal(column):
        return "numeric"
    return "categorical"


def is_decimal(column: pd.Series[Any]) -> bool:
    """Return whether the column holds Python's decimals."""
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "decimal"


def is_time(column: pd.Series[Any]) -> bool:
    """Return whether the column holds dates or time spans."""
    return pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype)


def numbers(column: pd.Series[Any], like: pd.Series[Any] | None = None) -> NDArray[np.float64]:
    """Return a numeric column as float64 with NaN for missing; dates as microseconds.

    Parameters
    ----------
    column : Series
        The column.
    like : Series, optional
        The real column it is compared with, for the message.

    Raises
    ------
    DataError
        If ``like`` is numeric and ``column`` is not.
    """
    if like is not None and (kind_of(column) != "numeric" or is_time(column) != is_time(like)):
        raise DataError(
            f"column {column.name!r} is {like.dtype} in the real table and {column.dtype} in the synthetic one; "
            f"cast it to {like.dtype} first"
        )
    if not is_time(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(column.dtype, pd.ArrowDtype):
        kind = pa.duration("us") if pa.types.is_duration(column.dtype.pyarrow_dtype) else pa.timestamp("us")
        column = pd.Series(pa.chunked_array(pa.array(column)).cast(kind, safe=False).to_pandas())
    unit = "datetime64[us]" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "timedelta64[us]"
    values = column.to_numpy(dtype=unit)
    return np.where(np.isnat(values), np.nan, values.astype(np.int64).astype(np.float64))


def common_codes(real: pd.Series[Any], synthetic: pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return both columns as codes of one list of values, and the number of codes.

    Equal values have equal codes whatever the dtypes (1 and 1.0, a category and its text, dates of two
    resolutions); code 0 is a missing value of any kind (None, NaN, NA, NaT).
    """
    both = _joined(real, synthetic)
    try:
        codes, values = pd.factorize(both)
    except TypeError:  # values without a hash, such as lists: compare what they look like
        codes, values = pd.factorize(pd.Series(both, dtype=object).map(repr, na_action="ignore"))
    codes = codes.astype(np.int64) + 1
    return codes[: len(real)], codes[len(real) :], len(values) + 1


def _joined(a: pd.Series[Any], b: pd.Series[Any]) -> Any:
    """Return the values of ``a``, then of ``b``, in one array or Series that keeps apart what differs."""
    if is_vector(a) and is_vector(b):
        return np.concatenate([digests(a), digests(b)])
    kinds = kind_of(a), kind_of(b)
    if kinds == ("numeric", "numeric") and is_time(a) == is_time(b):
        if is_time(a):
            return np.concatenate([numbers(a), numbers(b)])
        if _is_plain_integer(a) and _is_plain_integer(b) and a.dtype.kind == b.dtype.kind:
            return np.concatenate([a.to_numpy(), b.to_numpy()])
        if not any(pd.api.types.is_integer_dtype(x.dtype) for x in (a, b)):
            return np.concatenate([numbers(a), numbers(b)])
    if a.dtype == b.dtype:  # nullable integers, strings, booleans and categories with the same list
        return pd.concat([a, b], ignore_index=True)
    parts = [_as_objects(x) for x in (a, b)]
    return np.concatenate(parts)


def _is_plain_integer(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu"


def _as_objects(column: pd.Series[Any]) -> NDArray[np.object_]:
    """Return python objects, NaN where missing."""
    out = column.astype(object).to_numpy(copy=True)
    out[column.isna().to_numpy()] = np.nan
    return out
