"""Characters in texts that a CSV file cannot contain, or only in quotes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gensynth.errors import DataError, shown

_NUL, _RETURN = "\0", "\r"
_ADVICE = "a CSV file cannot hold it: write a .parquet file, or remove the character"


def check_text(frame: pd.DataFrame, source: object) -> None:
    """Raise `DataError` for a NUL character, which no reader of CSV files expects; names column and row."""
    for name, column, texts in _texts(frame):
        if _NUL in str(name):
            raise DataError(f"{source}: the column name {name!r} has a NUL character; {_ADVICE}")
        if any(_NUL in text for text in texts):
            row = int(np.argmax([_NUL in _plain(cell) for cell in column]))
            raise DataError(
                f"{source}: column {name!r}, row {row}: {shown(column.iloc[row])} has a NUL character; {_ADVICE}"
            )


def has_returns(frame: pd.DataFrame) -> bool:
    """Return whether a text or a column name has a carriage return."""
    return any(_RETURN in str(name) or any(_RETURN in text for text in texts) for name, _, texts in _texts(frame))


def _texts(frame: pd.DataFrame) -> Iterator[tuple[Any, pd.Series[Any], list[str]]]:
    """Yield each column's name, the column, and its distinct texts."""
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        cells: Any = column
        if isinstance(column.dtype, pd.CategoricalDtype):
            cells = column.cat.categories
        texts: list[str] = []
        if pdt.is_string_dtype(cells.dtype) or pdt.is_object_dtype(cells.dtype):
            texts = [_plain(cell) for cell in set(filter(lambda cell: isinstance(cell, str), cells))]
        yield name, column, texts


def _plain(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
