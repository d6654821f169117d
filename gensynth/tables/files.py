"""CSV and Parquet files."""

from __future__ import annotations

import csv
import gzip
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from gensynth.errors import DataError, GensynthError, OptionError
from gensynth.files import atomic_write
from gensynth.tables.cells import CellStyle, parse_cells

ENDINGS = (".csv", ".csv.gz", ".parquet")
_SEPARATORS = ",;\t|"
_MAX_CELL = 2**24


@dataclass(frozen=True)
class Table:
    """A table that was read from a file.

    Parameters
    ----------
    frame : pandas.DataFrame
        The values.
    text : pandas.DataFrame or None
        The cells of a CSV file as they stand there; None for other formats.
    """

    frame: pd.DataFrame
    text: pd.DataFrame | None = None

    def render(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows as the file would write them.

        Rows for a CSV file become text in the file's own style: its token for missing values, its decimals, its
        way to write booleans. Columns that the file lacks are written plainly. Other formats: returned as it came.
        """
        if self.text is None:
            return frame
        parts = {}
        for name in frame.columns:
            known = name in self.text.columns
            style = CellStyle.of(self.text[name], self.frame[name]) if known else CellStyle()
            parts[name] = style.write(frame[name])
        return pd.DataFrame(parts, index=pd.RangeIndex(len(frame)))


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a ``.csv``, ``.csv.gz`` or ``.parquet`` file.

    Raises
    ------
    DataError
        If there is no such file, or it is not a readable table with rows.
    """
    path = Path(path)
    ending = _ending(path)
    if path.is_dir():
        raise DataError(f"{path} is a directory; give the path of a table ({', '.join(ENDINGS)})")
    if not path.exists():
        raise DataError(f"there is no file {path}")
    if ending is None:
        raise DataError(f"{path}: unknown kind of file; expected a name that ends in {', '.join(ENDINGS)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; expected a header and rows")
        return _read_parquet(path) if ending == ".parquet" else _read_csv(path)
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied") from error
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table; the ending of ``path`` says the format. A file is replaced only when all is written.

    Raises
    ------
    OptionError
        If the ending is unknown, or the folder is missing.
    GensynthError
        If the file cannot be written (permission, disk full).
    """
    path = Path(path)
    ending = check_output(path)
    try:
        with atomic_write(path) as file:
            if ending == ".parquet":
                pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file)
            elif ending == ".csv":
                frame.to_csv(file, index=False, lineterminator="\n")
            else:  # no name and no time in the gzip header: equal tables give equal files
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                    frame.to_csv(packed, index=False, lineterminator="\n")
    except OSError as error:
        raise GensynthError(f"{path} cannot be written: {error.strerror or error}") from error


def check_output(path: str | os.PathLike[str]) -> str:
    """Return the ending of a table to be written; raise `OptionError` if it cannot be written there."""
    path = Path(path)
    ending = _ending(path)
    if ending is None:
        raise OptionError(f"{path}: unknown kind of file; end the name in one of {', '.join(ENDINGS)}")
    if path.is_dir():
        raise OptionError(f"{path} is a directory; give the path of a file")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"there is no folder {path.absolute().parent} to write {path.name} into")
    return ending


def _ending(path: Path) -> str | None:
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), None)


def _read_parquet(path: Path) -> Table:
    try:
        frame = pq.read_table(path).to_pandas()
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from error
    if not len(frame) or not len(frame.columns):
        raise DataError(f"{path} has no rows; at least one is needed")
    return Table(frame.reset_index(drop=True))


def _read_csv(path: Path) -> Table:
    with _open_text(path) as file:
        try:
            first = next(iter(file), "")
            separator = max(_SEPARATORS, key=first.count) if "," not in first else ","
            file.seek(0)
            header = next(csv.reader(file, delimiter=separator), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(_undecodable(path, error)) from error
    if not any(header):
        raise DataError(f"{path} has no header in its first line")
    if len(set(header)) < len(header):
        double = next(name for name in header if header.count(name) > 1)
        raise DataError(f"{path}: several columns have the name {double!r}; rename or drop all but one")
    table = _read_fast(path, header, separator)
    if table is None:
        table = _read_carefully(path, header, separator)
    if not table.num_rows:
        raise DataError(f"{path} has a header but no rows; at least one is needed")
    _check_last_quote(path, table)
    text = table.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
    frame = pd.DataFrame({name: parse_cells(table.column(name)) for name in header}, copy=False)
    return Table(frame, text)


def _check_last_quote(path: Path, table: pa.Table) -> None:
    """Raise `DataError` if a quote that is never closed made one cell of all lines to the end of the file."""
    last = {name: table.column(name)[-1].as_py() for name in table.column_names}
    broken = next((name for name, cell in last.items() if "\n" in cell), None)
    if broken is None:
        return
    with _open_text(path) as file:
        quotes = sum(line.count('"') for line in file)
    if quotes % 2:
        raise DataError(
            f"{path}: the double quote that opens in row {table.num_rows}, column {broken!r}, is never closed: "
            "all lines after it would be one cell"
        )


def _open_text(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read_fast(path: Path, header: list[str], separator: str) -> pa.Table | None:
    """Read a regular file; None for one that has to be looked at line by line."""
    options = pacsv.ConvertOptions(column_types={n: pa.string() for n in header}, strings_can_be_null=False)
    try:
        table = pacsv.read_csv(
            path,
            parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=options,
        )
    except pa.ArrowInvalid:
        return None
    return table if table.column_names == header else None


def _read_carefully(path: Path, header: list[str], separator: str) -> pa.Table:
    """Read line by line: short rows are filled up with empty cells, a long one is an error that names its line."""
    columns: list[list[str]] = [[] for _ in header]
    shared: dict[str, str] = {}
    with _open_text(path) as file:
        csv.field_size_limit(_MAX_CELL)
        reader = csv.reader(file, delimiter=separator)
        try:
            for row in itertools.islice(reader, 1, None):
                if not row:
                    continue
                if len(row) > len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: {len(row)} cells, but the header has {len(header)}; "
                        "put a cell that holds the separator in double quotes"
                    )
                row += [""] * (len(header) - len(row))
                for column, cell in zip(columns, row, strict=True):
                    column.append(shared.setdefault(cell, cell))
        except UnicodeDecodeError as error:
            raise DataError(_undecodable(path, error)) from error
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error
    return pa.table(
        {name: pa.chunked_array([pa.array(c, pa.string())]) for name, c in zip(header, columns, strict=True)}
    )


def _undecodable(path: Path, error: Exception) -> str:
    detail = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
    return (
        f"{path} is not UTF-8 text ({detail}); convert it, for example: iconv -f latin1 -t utf-8 {path.name} > new.csv"
    )
