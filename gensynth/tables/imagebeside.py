"""``rows.csv``: the other columns of images in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gensynth.errors import DataError
from gensynth.tables.files import read_table
from gensynth.tables.imagearrays import LABEL
from gensynth.tables.imagewriter import FILE_COLUMNS, ROWS_FILE


def is_rows_file(path: Path) -> bool:
    """Return whether a table is of images beside it, as `gensynth.tables.imagewriter` writes it."""
    if path.name != ROWS_FILE:
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().strip().partition(",")[0].strip('"') in FILE_COLUMNS


def with_rows_beside(frame: pd.DataFrame, folder: Path, files: Sequence[str]) -> pd.DataFrame:
    """Return the images of a folder with the columns of its ``rows.csv``, if there is one.

    A column of it that says the same as the folders that the images lie in stands for these.

    Raises
    ------
    DataError
        It cannot be read, or tells of a file twice.
    """
    path = folder / ROWS_FILE
    if not path.is_file() or not is_rows_file(path):
        return frame
    rows = read_table(path).frame
    rows = rows.set_index(rows.columns[0])
    if not rows.index.is_unique:
        raise DataError(f"{path} tells of {rows.index[rows.index.duplicated()][0]} twice; leave one line out")
    rows = rows.reindex(list(files)).reset_index(drop=True)
    if LABEL in frame:
        folders = frame[LABEL].astype(str)
        same = [name for name in rows if (rows[name].astype(str) == folders).all()]
        if same or LABEL in rows:
            frame = frame.drop(columns=LABEL)
        rows = rows.astype(dict.fromkeys(same, "category"))
    return pd.concat([frame, rows], axis=1)
