"""Inference of a column's kind from its dtype and its values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.errors import DataError, SchemaError, hint, shown
from gensynth.schema.calendar import find_days
from gensynth.schema.codes import codes_of, encoded_once
from gensynth.schema.column import Column, Kind
from gensynth.schema.declared import found_format
from gensynth.schema.dtypes import fill_to_text, is_text_dtype
from gensynth.schema.image import ImageSchema
from gensynth.schema.imagecells import stacked_images
from gensynth.schema.keys import integer_keys, text_keys, written_keys
from gensynth.schema.labels import Labels
from gensynth.schema.moments import ELEMENTS as MOMENTS
from gensynth.schema.moments import is_span, with_zone
from gensynth.schema.objects import element_of, is_text_object, objects_to_text
from gensynth.schema.scaled import check_integers, fixed_decimals, integers_of, is_decimal, with_decimals
from gensynth.schema.ticks import floats_of, ticks_of
from gensynth.schema.values import dense, is_missing, is_text, stored_dtype
from gensynth.schema.written import dates_with_specials, declared_dates, written_numbers
from gensynth.tables.arrow import is_single
from gensynth.tables.imagearrays import holds_images


def infer_column(series: pd.Series[Any], name: str | int, kind: str | None = None, *, keep: bool = False) -> Column:
    """Infer the schema of a column.

    Parameters
    ----------
    series : pandas.Series
        The cells.
    name : str or int
        Its label.
    kind : str or None
        Declared kind, for dates also with their format (``datetime:%d/%m/%Y``); None to infer it.
    keep : bool
        Never make it an identifier or a constant.

    Raises
    ------
    DataError
        If the cells cannot be modelled: infinite numbers, Python objects of several types, an unknown dtype.
    """
    if kind not in (None, "image") and holds_images(series):
        raise SchemaError(
            f"column {name!r} holds images and is declared {kind}; leave out the declaration or the column"
        )
    if kind == "image" or holds_images(series):
        images = stacked_images(series, name)
        return Column(name, "image", "object[array,None]", image=ImageSchema.infer(images, name))
    _refuse_nested(series, name)
    sparse = fill_to_text(series.dtype) if isinstance(series.dtype, pd.SparseDtype) else None
    series = dense(series) if sparse is not None else series
    dtype = stored_dtype(series, element_of(series, name) if series.dtype == object else "")
    if isinstance(series.dtype, pd.CategoricalDtype):
        labels = Labels(series.cat.categories, bool(series.cat.ordered))
        labels.to_json()  # refuses categories that cannot be stored, before anything is trained
        base = Column(name, "categorical", dtype, labels=labels)
    else:
        series = dense(series)
        base = Column(name, "categorical", dtype, sparse=sparse)
        if is_text_object(base.element):
            series = objects_to_text(series)
        if kind != "categorical":
            check_integers(series, base)
    missing = is_missing(series)
    base = with_zone(replace(base, missing=bool(missing.any())), series)
    with encoded_once(series):
        return _inferred(series, missing, base, kind, keep=keep)


def _inferred(
    series: pd.Series[Any], missing: NDArray[np.bool_], base: Column, kind: str | None, *, keep: bool
) -> Column:
    """Return the column with its kind and what belongs to it."""
    name = base.name
    if kind is None:
        if not keep and (constant := _constant(series, missing, base)) is not None:
            return constant
        if base.labels is None and (found := found_format(series, missing, base)) is not None:
            return _complete(series, missing, with_zone(found, series))
        if base.labels is None and is_text(series):
            written = dates_with_specials(series, missing, base) or written_numbers(series, base)
            if written is not None and (keep or not _written_keys(series, written)):
                return _complete(series, missing, written)
        kind = _kind(series, base, keep=keep)
    kind, _, words = kind.partition(":")
    if kind == "constant":
        constant = _constant(series, missing, base)
        if constant is None:
            raise SchemaError(f"column {name!r} is declared constant and holds several values")
        return constant
    base = replace(base, kind=cast("Kind", kind))
    _check_declared(series, base)
    if kind == "categorical" and base.labels is None:
        _check_categories(series, base)
    if kind == "datetime":
        base = declared_dates(series, missing, base, words)
    elif kind == "numeric" and is_text(series):
        base = written_numbers(series, base, declared=True) or base
    return _complete(series, missing, base)


def _constant(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column) -> Column | None:
    if missing.all():
        return replace(column, kind="constant")
    if missing.any():
        return None
    first = series.iloc[:1]
    sample = series.iloc[: min(len(series), 100)]
    if not (sample == first.iloc[0]).all() or not (series == first.iloc[0]).all():
        return None
    codes, labels = codes_of(first)
    value = Labels(labels[codes[:1]])
    try:
        value.to_json()
    except DataError:  # Python dates and decimals: learned, with one code
        return None
    return replace(column, kind="constant", value=value)


def _kind(series: pd.Series[Any], column: Column, *, keep: bool) -> str:
    if column.labels is not None:
        return "categorical"
    dtype = series.dtype
    if column.element == "boolean":
        return "boolean"
    if column.element in MOMENTS:
        return "numeric" if is_span(column) else "datetime"
    if column.element in ("floating", "mixed-integer-float", "decimal"):
        return "numeric"
    if is_text(series):
        codes, texts = codes_of(series)
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        keys = not keep and text_keys(texts.to_numpy(dtype=object), counts, column.name)
        return "identifier" if keys else "categorical"
    if pdt.is_bool_dtype(dtype):
        return "boolean"
    if _is_dates(dtype):
        return "datetime"
    whole = pdt.is_integer_dtype(dtype) or column.element == "integer"
    if whole or is_span(column) or (pdt.is_numeric_dtype(dtype) and not pdt.is_complex_dtype(dtype)):
        keys = not keep and not is_span(column) and _integer_keys(series, column, whole=whole)
        return "identifier" if keys else "numeric"
    if isinstance(dtype, pd.IntervalDtype) or column.element == "empty" or is_text_dtype(dtype):
        return "categorical"
    raise DataError(
        f"column {column.name!r} has the dtype {dtype}, which cannot be modelled; expected numbers, text, booleans, "
        "categories or dates"
        + hint(
            f": convert it, for example by df[{column.name!r}] = df[{column.name!r}].astype(str)", "; write it as text"
        )
    )


def _refuse_nested(series: pd.Series[Any], name: str | int) -> None:
    if isinstance(series.dtype, pd.ArrowDtype) and not is_single(series.dtype.pyarrow_dtype):
        raise DataError(
            f"column {name!r} has the type {series.dtype.pyarrow_dtype}, whose cells are no single values; drop it, or "
            "make columns of numbers, text or dates of it"
        )


def _check_categories(series: pd.Series[Any], column: Column) -> None:
    """Refuse categories that no model file can hold, before anything is trained."""
    if is_text(series):
        return
    try:
        Labels(codes_of(series)[1]).to_json()
    except DataError as error:
        raise DataError(f"column {column.name!r}: {error}") from error


def _is_dates(dtype: Any) -> bool:
    if isinstance(dtype, pd.PeriodDtype) or pdt.is_datetime64_any_dtype(dtype):
        return True
    if not isinstance(dtype, pd.ArrowDtype):
        return False
    kind = dtype.pyarrow_dtype
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind))


def _written_keys(series: pd.Series[Any], column: Column) -> bool:
    """Whether texts that can be parsed as numbers are nevertheless keys."""
    if column.notation is None:
        return False
    codes, texts = codes_of(series)
    distinct = texts.to_numpy(dtype=object)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    numbers = column.notation.read(distinct.tolist())[codes[codes >= 0]]
    return written_keys(numbers, distinct, counts, column.name, column.notation)


def _integer_keys(series: pd.Series[Any], column: Column, *, whole: bool) -> bool:
    """Whether whole numbers are keys, including integers stored as floats because of missing cells."""
    if not whole and not (column.missing and _whole_floats(series)):
        return False
    ticks, missing = ticks_of(series, replace(column, kind="numeric", decimals=0))
    return integer_keys(np.asarray(ticks[~missing], dtype=np.int64), column.name)


def _whole_floats(series: pd.Series[Any]) -> bool:
    if not pdt.is_float_dtype(series.dtype):
        return False
    values = floats_of(series)
    values = values[~np.isnan(values)]
    return all((np.abs(part) < 2.0**53).all() and (part == np.rint(part)).all() for part in (values[:1000], values))


def _complete(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column) -> Column:
    """Fill in decimals, range and days of a column whose kind and date format are settled."""
    if column.kind == "numeric" and is_decimal(series):
        column = replace(column, **with_decimals(series))
    elif column.kind == "numeric":
        column = replace(column, decimals=_decimals(series, missing, column))
    elif column.kind == "identifier" and not is_text(series) and column.labels is None:
        column = replace(column, decimals=0)
    if column.kind == "datetime" or column.decimals is not None or column.kind == "numeric":
        ticks, missing = ticks_of(series, column)
        present = ticks[~missing]
        if len(present):
            column = replace(column, minimum=present.min().item(), maximum=present.max().item())
            column = replace(column, days=find_days(present, column))
    return column


def _check_declared(series: pd.Series[Any], column: Column) -> None:
    """Refuse a declared kind that cells of this dtype cannot have."""
    dtype, name = series.dtype, column.name
    dates = column.element in MOMENTS or _is_dates(dtype)
    if column.labels is not None and column.kind in ("numeric", "datetime", "identifier"):
        raise SchemaError(f"column {name!r} has the dtype category and is declared {column.kind}; convert it first")
    if column.kind == "datetime" and is_span(column):
        raise SchemaError(f"column {name!r} is declared datetime and holds durations; declare it numeric")
    if column.kind == "datetime" and not (dates or is_text(series) or pdt.is_numeric_dtype(dtype)):
        convert = hint("convert it with pandas.to_datetime", "leave out the declaration")
        raise SchemaError(f"column {name!r} is declared datetime and holds {dtype}; {convert}")
    if column.kind == "numeric" and dates and not is_span(column):
        raise SchemaError(f"column {name!r} is declared numeric and holds dates; declare it datetime")
    whole = pdt.is_integer_dtype(dtype) or column.element == "integer"
    if column.kind == "identifier" and not whole and not is_text(series) and not _whole_floats(series):
        raise SchemaError(f"column {name!r} is declared identifier and holds {dtype}; only text and integers are keys")


def _decimals(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column) -> int | None:
    """Return the count of decimals with which every number can be written, or None if there is no small one."""
    dtype = series.dtype
    if is_span(column):
        return 0
    if pdt.is_integer_dtype(dtype) or pdt.is_bool_dtype(dtype):
        return 0
    if column.element == "integer" or (is_text(series) and integers_of(series) is not None):
        return 0
    values = floats_of(series, column.notation)
    if column.notation is not None:
        return fixed_decimals(values[~np.isnan(values)])
    bad = np.isnan(values) & ~missing
    if bad.any() and is_text(series):
        row = int(np.argmax(bad))
        raise SchemaError(f"column {column.name!r} is declared numeric, but row {row} holds {shown(series.iloc[row])}")
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise DataError(
            f"column {column.name!r} holds an infinite number (first in row {row}); expected finite numbers or missing "
            "values"
            + hint(
                f": df[{column.name!r}] = df[{column.name!r}].replace([np.inf, -np.inf], np.nan)",
                "; replace it, or leave the cell empty",
            )
        )
    single = str(dtype).lower() in ("float16", "float32", "float[pyarrow]", "halffloat[pyarrow]")
    return fixed_decimals(values[~np.isnan(values)], single=single)
