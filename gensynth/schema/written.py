"""Which text columns hold numbers or dates, and which texts stand among them without being one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.schema.column import Column
from gensynth.schema.declared import found_format
from gensynth.schema.moments import with_zone
from gensynth.schema.notation import find_notation
from gensynth.schema.values import codes_of, is_text

MAX_SPECIALS = 10
"""Different texts among the numbers or dates of a column, at most; with more of them it holds something else."""
MIN_VALUES = 10
"""Different numbers, or dates beside such texts, at least: fewer are categories."""
_FEW = 200


def written_numbers(series: pd.Series[Any], column: Column, *, declared: bool = False) -> Column | None:
    """Return the column as one of numbers written as text, None if its texts are something else.

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
    enough = declared or len(distinct) - len(specials) >= MIN_VALUES
    if not enough or not _are_few(specials, codes, texts):
        return None
    return replace(column, kind="numeric", notation=notation, specials=tuple(sorted(specials)))


def dates_with_specials(series: pd.Series[Any], missing: NDArray[np.bool_], column: Column) -> Column | None:
    """Return the column as one of dates and a few texts without a digit above 0, None if it is something else."""
    if not is_text(series):
        return None
    codes, texts = codes_of(series)
    specials = [text for text in texts if not any(c in "123456789" for c in text)]
    if not specials or len(texts) - len(specials) < MIN_VALUES or not _are_few(specials, codes, texts):
        return None
    special = series.isin(specials).to_numpy(dtype=bool)
    dates = series.where(~special)
    found = found_format(dates, missing | special, column)
    return None if found is None else replace(with_zone(found, dates), specials=tuple(sorted(specials)))


def _are_few(specials: list[str], codes: NDArray[np.int64], texts: pd.Index[Any]) -> bool:
    if len(specials) > MAX_SPECIALS or 4 * len(specials) > len(texts):
        return False
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    return bool(2 * counts[texts.isin(specials)].sum() <= counts.sum())
