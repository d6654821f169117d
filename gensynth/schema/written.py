"""Text columns that hold numbers or dates, and the special texts among them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import ColumnWarning
from gensynth.schema.codes import codes_of
from gensynth.schema.column import Column
from gensynth.schema.declared import declared_format, found_format
from gensynth.schema.formats import dates_among
from gensynth.schema.moments import impossible_dates, with_zone
from gensynth.schema.numerals import find_notation
from gensynth.schema.strftime import plain
from gensynth.schema.values import is_text

MAX_SPECIALS = 10
"""Maximal number of distinct texts among a column's numbers or dates; with more it holds something else."""
MIN_VALUES = 10
"""Minimal number of distinct numbers or dates beside such texts: with fewer they are categories."""
_FEW = 200
_MAX_ODD = 0.01
_ABOVE_ZERO = re.compile("[1-9]")
_SPECIAL = re.compile(r"[^1-9]*|\s*(?:#|[<>\u2264\u2265]=?).*", re.DOTALL)


def written_numbers(series: pd.Series[Any], column: Column, *, declared: bool = False) -> Column | None:
    """Return the column as numbers in text, None if its texts are something else.

    Texts that are no numbers may make up half of the cells, if they are few different ones.
    """
    codes, texts = codes_of(series)
    distinct = texts.tolist()
    if not distinct or find_notation(distinct[:_FEW], declared=declared) is None:
        return None
    found = find_notation(distinct, declared=declared)
    if found is None:
        return None
    notation, specials = found
    odd = [] if declared else [text for text in specials if not is_special(text)]
    enough = declared or len(distinct) - len(specials) >= MIN_VALUES
    if not enough or not _are_few(specials, codes, texts, odd):
        return None
    return replace(column, kind="numeric", notation=notation, specials=tuple(sorted(specials)))


def dates_with_specials(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column) -> Column | None:
    """Return the column as dates with a few special texts, None if it is something else.

    Texts without a digit above 0 are no dates; if that is not all, nor are those that most others have no format with.
    """
    if not is_text(series):
        return None
    codes, texts = codes_of(series)
    if len(texts) < MIN_VALUES:
        return None
    specials = _without_digits(texts)
    among = dates_among(texts.to_numpy(dtype=object))
    for others in (specials, [] if among is None else texts[~among].tolist()):
        if others and len(texts) - len(others) >= MIN_VALUES and _are_few(others, codes, texts):
            special = series.isin(others).to_numpy(dtype=bool)
            dates = series.where(~special)
            found = found_format(dates, missing | special, column)
            if found is not None:
                return _with_specials(with_zone(found, dates), others)
    return None


def declared_dates(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column, words: str) -> Column:
    """Return a column that is declared to hold dates, with their format (``words``) and the few texts among them.

    Raises
    ------
    SchemaError
        As `declared_format`.
    """
    found = None if words else dates_with_specials(series, missing, column)
    if found is not None:
        return found
    specials: list[str] = []
    if words and is_text(series):
        codes, texts = codes_of(series)
        specials = _without_digits(texts)
        specials = specials if _are_few(specials, codes, texts) else []
    special = series.isin(specials).to_numpy(dtype=bool) if specials else np.zeros(len(series), dtype=bool)
    dates = series.where(~special) if specials else series
    return _with_specials(with_zone(declared_format(dates, missing | special, column, words), dates), specials)


def _without_digits(texts: pd.Index[Any]) -> list[str]:
    """Return the texts without a digit above 0: no date is so written."""
    return [text for text in texts if not _ABOVE_ZERO.search(text)]


def _with_specials(column: Column, specials: list[str]) -> Column:
    """Return the column with these texts among its dates; those that look like dates are said."""
    column = replace(column, specials=tuple(sorted(specials)))
    impossible = [column.specials[i] for i in impossible_dates(column)]
    if impossible:
        assert column.format is not None
        warnings.warn(
            f"column {column.name!r}: {impossible[0]!r} is no date written as {plain(column.format)}"
            + (f" (and {len(impossible) - 1} more like it)" if len(impossible) > 1 else "")
            + "; sampled rows do not have it",
            ColumnWarning,
            stacklevel=2,
        )
    return column


def is_special(text: str) -> bool:
    """Whether a text is plainly not a number: it has no digit but 0, or is like ``#NUM1`` or ``<5``."""
    return _SPECIAL.fullmatch(text) is not None


def _are_few(specials: Sequence[str], codes: NDArray[np.int64], texts: pd.Index[Any], odd: Sequence[str] = ()) -> bool:
    """Whether specials are few texts and at most half of the cells; ``odd`` ones may only be a slip or two."""
    if len(specials) > MAX_SPECIALS or 4 * len(specials) > len(texts):
        return False
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    rows = counts.sum()
    slips = counts[texts.isin(odd)].sum() <= max(1, _MAX_ODD * rows)
    return bool(slips and 2 * counts[texts.isin(specials)].sum() <= rows)
