"""Reading and writing of CSV and Parquet files."""

from __future__ import annotations

import contextlib
import csv
import gzip
import os
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

import pandas as pd
import pyarrow as pa

from gensynth.errors import DataError, OptionError, OutputError
from gensynth.files import atomic_write
from gensynth.tables.characters import check_text, has_returns
from gensynth.tables.csvfile import read_csv
from gensynth.tables.dialect import Dialect
from gensynth.tables.imagearrays import refuse_images
from gensynth.tables.packed import open_unpacked
from gensynth.tables.parquet import read_parquet, to_arrow, write_parquet
from gensynth.tables.style import ArrowStyle, CsvStyle, FileStyle, write_cells
from gensynth.tables.table import Table

_CHUNK = 10_000
ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
"""Endings of files that can be written."""
READ_ENDINGS = (*ENDINGS, ".zip")
"""Endings of files that can be read; a .zip holds one .csv or .tsv file."""


def read_table(
    path: str | os.PathLike[str],
    *,
    missing: str | Collection[str] | None = None,
    categories: Collection[str] = (),
    targets: Collection[str] = (),
) -> Table:
    """Read a ``.csv``, ``.tsv`` (both also as ``.gz`` or ``.zip``) or ``.parquet`` file.

    Parameters
    ----------
    path : path-like
        The file.
    missing : str, collection of str or None
        Cells of a CSV file that are missing values, besides empty ones; ``""``: only empty ones. None: NA, N/A, null,
        None, NaN and the like.
    categories : collection of str
        Columns of a CSV file in which only empty cells are missing values, unless ``missing`` says which are.
    targets : collection of str
        Likewise, unless their other cells are all numbers or booleans.

    Raises
    ------
    DataError
        If there is no such file, or it is not a readable table with rows.

    Warns
    -----
    ColumnWarning
        If words that may be categories were read as missing values.
    FileWarning
        If the encoding was guessed.
    """
    path = Path(path)
    ending = _ending(path, READ_ENDINGS)
    if path.is_dir():
        raise DataError(f"{path} is a directory; give the path of a table ({', '.join(READ_ENDINGS)})")
    if not path.exists():
        raise DataError(f"there is no file {path}")
    if ending is None:
        raise DataError(f"{path}: unknown kind of file; expected a name that ends in {', '.join(READ_ENDINGS)}")
    missing = (missing,) if isinstance(missing, str) else missing
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; expected a header and rows")
        if ending == ".parquet":
            return read_parquet(path)
        with open_unpacked(path) as stream:
            data = stream.read()
        table = read_csv(data, path, missing, categories, targets)
        if is_tabbed(path) and isinstance(table.style, CsvStyle) and table.style.dialect.separator == "\t":
            style = replace(table.style, dialect=replace(table.style.dialect, tabbed=True))
            table = replace(table, style=style)
        return table
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str], style: FileStyle | None = None) -> None:
    """Write a table in the format of the extension of ``path``; a file is replaced only when complete.

    Parameters
    ----------
    frame : DataFrame
        The values.
    path : path-like
        Where to.
    style : CsvStyle, ArrowStyle or None
        Of the file that rows like these were read from: CSV files are written in the style of a CSV file, Parquet
        files with the types of a Parquet file; otherwise plainly.

    Raises
    ------
    OptionError
        If the ending is unknown, or the folder is missing.
    CapabilityError
        A column holds images, of which such a file would have the beginnings.
    OutputError
        If the file cannot be written (permission, disk full).
    """
    path = Path(path)
    refuse_images(frame, f"{path}")
    if is_csv(path) and isinstance(style, CsvStyle):
        write_text(style.render(frame), path, style.dialect)
        return
    with replaced(path) as file:
        if is_csv(path):
            write_plain(frame, file, path)
        else:
            write_parquet(to_arrow(frame, style.schema if isinstance(style, ArrowStyle) else None), file)


def write_plain(frame: pd.DataFrame, file: IO[bytes], path: Path, *, header: bool = True) -> None:
    """Write rows as text that is separated as the ending of ``path`` says, with or without the names."""
    check_text(frame, path)
    # the csv module leaves a carriage return bare, and whoever reads it takes it for the end of a line
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if has_returns(frame) else csv.QUOTE_MINIMAL
    # pandas' own chunks are of 100,000 cells: of 33 rows for 3,000 columns, and each chunk has its cost
    frame.to_csv(
        file, index=False, header=header, lineterminator="\n", sep=_separator(path), chunksize=_CHUNK, quoting=quoting
    )


def write_text(cells: pd.DataFrame, path: str | os.PathLike[str], dialect: Dialect) -> None:
    """Write text cells as a CSV file, in a dialect; raises as `write_table`.

    A ``.tsv`` file has tabs, a ``.csv`` file of rows that came from a ``.tsv`` file commas.
    """
    path = Path(path)
    check_text(cells, path)
    with replaced(path) as file:
        write_cells(cells, file, separated(dialect, path), path)


def separated(dialect: Dialect, path: Path) -> Dialect:
    """Return a dialect with the separator for the extension of a file."""
    return replace(dialect, separator=_separator(path)) if is_tabbed(path) or dialect.tabbed else dialect


def write_arrow(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write an Arrow table as a Parquet file; raises as `write_table`."""
    with replaced(Path(path)) as file:
        write_parquet(table, file)


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Any]:
    """Open a file that replaces ``path`` when complete, compressed if its extension says so."""
    ending = check_output(path)
    try:
        with atomic_write(path) as file:
            if not ending.endswith(".gz"):
                yield file
            else:  # no name and no time in the gzip header: equal tables give equal files
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                    yield packed
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error


def check_output(path: str | os.PathLike[str]) -> str:
    """Return the extension of a table to be written; raise `OptionError` if it cannot be written there."""
    path = Path(path)
    ending = _ending(path, ENDINGS)
    if ending is None:
        raise OptionError(f"{path}: unknown kind of file; end the name in one of {', '.join(ENDINGS)}")
    if path.is_dir():
        raise OptionError(f"{path} is a directory; give the path of a file")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"there is no folder {path.absolute().parent} to write {path.name} into")
    return ending


def is_csv(path: Path) -> bool:
    """Whether the extension is one of separated text."""
    return _ending(path, READ_ENDINGS) != ".parquet"


def is_tabbed(path: Path) -> bool:
    """Return whether the extension of a file is one of tab-separated text."""
    return path.name.lower().removesuffix(".gz").endswith(".tsv")


def _separator(path: Path) -> str:
    return "\t" if is_tabbed(path) else ","


def _ending(path: Path, endings: tuple[str, ...]) -> str | None:
    name = path.name.lower()
    return next((ending for ending in endings if name.endswith(ending)), None)
