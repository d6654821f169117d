"""The date format of a column, inferred or declared, and the warnings about it."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.errors import ColumnWarning, SchemaError, declare_hint, shown
from gensynth.schema.codes import codes_of
from gensynth.schema.column import Column
from gensynth.schema.dates import NAT, parse_dates, write_dates
from gensynth.schema.formats import FormatMatch, find_format, fit_format
from gensynth.schema.strftime import plain, supported
from gensynth.schema.values import is_text

_ALIASES = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%e": "%d", "%k": "%H", "%l": "%I",
            "%P": "%p", "%h": "%b"}  # fmt: skip
_MAX_EXACT = 2.0**53
_SAMPLE = 50


def found_format(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column) -> Column | None:
    """Return the column with the format of dates that are written as text or as whole numbers, None if there are none.

    Warns
    -----
    ColumnWarning
        If day and month (or year) cannot be told apart.
    """
    texts = _distinct_texts(series, missing, column)
    found = None if texts is None else find_format(texts)
    if found is None or texts is None:
        return None
    if found.others:
        _say_ambiguous(column.name, found, texts[0])
    return dataclasses.replace(column, kind="datetime", format=found.format, variants=found.variants)


def _distinct_texts(
    series: pd.Series[Any], missing: NDArray[np.bool_], column: Column, *, declared: bool = False
) -> NDArray[np.object_] | None:
    """Return the distinct texts of a column, in the order of the rows; of whole numbers their digits.

    None for other cells, and for numbers whose first look says that they are no dates.
    """
    if is_text(series):
        return codes_of(series)[1].to_numpy(dtype=object)
    dtype = series.dtype
    if (
        column.element not in ("", "integer")
        or pdt.is_bool_dtype(dtype)
        or not (column.element or pdt.is_numeric_dtype(dtype))
    ):
        return None
    if pdt.is_complex_dtype(dtype):
        return None
    present = series[~missing] if missing.any() else series
    few = _digits(present.iloc[:: max(1, len(present) // _SAMPLE)])
    if few is None or not (declared or find_format(few, declared=True)):
        return None
    return _digits(present)


def _digits(numbers: pd.Series[Any]) -> NDArray[np.object_] | None:
    """Return distinct whole numbers as texts of one length; None if they are not whole or differ in length by more."""
    distinct = pd.unique(numbers.to_numpy(dtype=np.float64))
    if not len(distinct):
        return np.empty(0, dtype=object)
    if not ((distinct >= 1) & (distinct < _MAX_EXACT) & (distinct == np.floor(distinct))).all():
        return None
    texts = distinct.astype(np.int64).astype(str)
    widths = np.char.str_len(texts)
    widest = int(widths.max())
    return np.char.zfill(texts, widest).astype(object) if widest - int(widths.min()) <= 1 else None


def _say_ambiguous(name: str | int, found: FormatMatch, example: str) -> None:
    chosen, others = plain(found.format), [plain(other) for other in found.others]
    warnings.warn(
        f"column {name!r}: {_order_of(chosen)} cannot be told apart: {example!r} can be read as {chosen} and as "
        f"{' or '.join(others)}, and no cell tells which; "
        f"taken as {chosen}. If that is wrong, declare it ({declare_hint(name, f'datetime:{others[0]}')})",
        ColumnWarning,
        stacklevel=2,
    )


def _order_of(shown: str) -> str:
    """Return the part of the warning about an ambiguous order of day and month."""
    return "day and month" if "%Y" in shown else "day, month and year"


def declared_format(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column, words: str) -> Column:
    """Return a column that is declared to hold dates with the format that restores its cells.

    Parameters
    ----------
    series : pandas.Series
        The cells.
    missing : ndarray of shape (n,), bool
        Which of them are missing.
    column : Column
        Of kind "datetime".
    words : str
        The declared format in the words of strftime, "" if none was declared.

    Raises
    ------
    SchemaError
        If the format has unknown words, a cell is not written so, or no format fits.
    """
    numbers = column.element == "integer" or (not column.element and pdt.is_numeric_dtype(series.dtype))
    if not is_text(series) and not numbers:
        if words:
            raise SchemaError(
                f"column {column.name!r} holds {series.dtype}; a format is only declared for dates in text"
            )
        return column
    texts = _distinct_texts(series, missing, column, declared=True)
    if not words:
        found = None if texts is None else find_format(texts, declared=True)
        if found is None or texts is None:
            raise SchemaError(
                f"column {column.name!r} is declared datetime, but its cells are not in one date format; declare the "
                f"format as well ({declare_hint(column.name, 'datetime:%d/%m/%Y')})"
            )
        if found.others:
            _say_ambiguous(column.name, found, texts[0])
        return dataclasses.replace(column, format=found.format, variants=found.variants)
    for alias, meaning in _ALIASES.items():
        words = words.replace(alias, meaning)
    if not supported(words):
        raise SchemaError(
            f"column {column.name!r}: the format {words!r} cannot be used; write it with %Y %m %d %H %M %S and the "
            f"like ({declare_hint(column.name, 'datetime:%d/%m/%Y %H:%M')})"
        )
    if texts is None:
        raise SchemaError(f"column {column.name!r} is declared datetime:{words} and holds numbers that are not dates")
    if not len(texts):
        return dataclasses.replace(column, format=words)
    exact = fit_format(texts, words) or _usual_format(texts, words)
    bad = parse_dates(texts, words) == NAT
    if exact is None or bad.any():
        cell = texts[int(np.argmax(bad))]
        row = _row_of(series, cell)
        raise SchemaError(f"column {column.name!r} is declared datetime:{words}, but row {row} holds {shown(cell)}")
    return dataclasses.replace(column, format=exact)


def _row_of(series: pd.Series[Any], cell: str) -> int:
    """Return the first row that holds a cell, 0 if it is written otherwise."""
    return int(np.argmax((series.astype(str).str.lstrip("0") == cell.lstrip("0")).to_numpy(dtype=bool)))


def _usual_format(texts: NDArray[np.object_], words: str) -> str | None:
    """Return the format that restores most of the texts, where leading zeros or cases are mixed."""
    found: dict[str, int] = {}
    for text in texts[:: max(1, len(texts) // 50)]:
        exact = fit_format(np.array([text], dtype=object), words)
        if exact is not None and exact not in found:
            found[exact] = int((write_dates(parse_dates(texts, exact), exact) == texts).sum())
    return max(found, key=lambda exact: found[exact], default=None)
