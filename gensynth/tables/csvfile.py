"""Reading of CSV files: the text of every cell, and its value."""

from __future__ import annotations

import csv
import io
import itertools
import warnings
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
from pandas.api import types as pdt

from gensynth.errors import ColumnWarning, DataError, declare_hint, on_command_line
from gensynth.tables.cells import MISSING_TOKENS, CellStyle, parse_cells, taken_for_missing
from gensynth.tables.dialect import Dialect, decode, find_dialect, read_records
from gensynth.tables.lines import WholeText, check_end, check_header, too_long
from gensynth.tables.style import CsvStyle
from gensynth.tables.table import Table

MAX_CELL = 2**24
"""Maximal number of characters of a cell."""
_MAX_NAMED = 5


def read_csv(
    data: bytes,
    path: Path,
    missing: Collection[str] | None = None,
    categories: Collection[str] = (),
    targets: Collection[str] = (),
) -> Table:
    """Read the bytes of a CSV file; the parameters are those of `gensynth.tables.read_table`."""
    text, encoding, mark = decode(data, path)
    dialect = find_dialect(text, encoding, mark=mark)
    csv.field_size_limit(MAX_CELL)
    try:
        records = read_records(text, dialect.separator)
    except csv.Error as error:
        raise DataError(f"{path}: {error}") from error
    header = records[0][1] if records else []
    check_header(path, header, records)
    plain = text.encode() if (encoding, mark) != ("utf-8", False) else data
    cells = _read_fast(plain, header, dialect)
    if cells is None:
        cells = _read_carefully(text, path, header, dialect)
    if not cells.num_rows:
        raise DataError(f"{path} has a header but no rows; at least one is needed")
    _check_last_quote(path, text, cells)
    check_end(path, WholeText(cells, text))
    if missing is None:
        frame = _values(cells, MISSING_TOKENS, set(categories), set(targets))
        warn_of_missing_words(cells, frame)
    else:
        frame = _values(cells, ("", *(token for token in missing if token)))
    texts = cells.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
    styles = {name: CellStyle.of(texts[name], frame[name]) for name in header}
    return Table(frame, texts, style=CsvStyle(dialect, styles, None if missing is None else tuple(missing)))


def _values(
    cells: pa.Table, tokens: tuple[str, ...], categories: Collection[str] = (), targets: Collection[str] = ()
) -> pd.DataFrame:
    """Return the values: in a category only empty cells are missing, in a target if it is none of numbers."""
    parts = {}
    for name in cells.column_names:
        column = cells.column(name)
        values = parse_cells(column, ("",) if name in categories else tokens)
        if name in targets and pdt.is_string_dtype(values.dtype):
            values = parse_cells(column, ("",))
        parts[name] = values
    return pd.DataFrame(parts, copy=False)


def warn_of_missing_words(cells: pa.Table, frame: pd.DataFrame) -> None:
    """Warn once of the columns where words that can be categories were read as missing values."""
    found = {name: taken_for_missing(cells.column(name), frame[name]) for name in cells.column_names}
    found = {name: words for name, words in found.items() if words}
    if not found:
        return
    shown = [f"{name!r} ({', '.join(words)})" for name, words in itertools.islice(found.items(), _MAX_NAMED)]
    more = f" and {len(found) - _MAX_NAMED} more" if len(found) > _MAX_NAMED else ""
    several = "s" if len(found) > 1 else ""
    empty = '--missing ""' if on_command_line() else 'read_table(path, missing="")'
    kept = (
        f"{declare_hint(next(iter(found)), 'categorical')}, or {empty} for all columns" if on_command_line() else empty
    )
    warnings.warn(
        f"words were read as missing values in the column{several} {', '.join(shown)}{more}; to keep them as "
        f"categories: {kept}",
        ColumnWarning,
        stacklevel=4,
    )


def _check_last_quote(path: Path, text: str, cells: pa.Table) -> None:
    """Raise `DataError` if a quote that is never closed made one cell of all lines to the end of the file."""
    last = {name: cells.column(name)[-1].as_py() for name in cells.column_names}
    broken = next((name for name, cell in last.items() if "\n" in cell), None)
    if broken is not None and text.count('"') % 2:
        raise DataError(
            f"{path}: the double quote that opens in row {cells.num_rows}, column {broken!r}, is never closed: "
            "all lines after it would be one cell"
        )


def _read_fast(data: bytes, header: list[str], dialect: Dialect) -> pa.Table | None:
    """Read a regular file; None for one that has to be looked at line by line."""
    options = pacsv.ConvertOptions(column_types={n: pa.string() for n in header}, strings_can_be_null=False)
    # pyarrow's threads may free the bytes later: if they were Python's, a process that ends in between would abort
    copy = pa.BufferOutputStream()
    copy.write(data)
    try:
        table = pacsv.read_csv(
            pa.BufferReader(copy.getvalue()),
            parse_options=pacsv.ParseOptions(delimiter=dialect.separator, newlines_in_values=True),
            convert_options=options,
        )
    except pa.ArrowInvalid:
        return None
    return table if table.column_names == header else None


def _read_carefully(text: str, path: Path, header: list[str], dialect: Dialect) -> pa.Table:
    """Read line by line."""
    parts = careful_rows(io.StringIO(text, newline=""), path, header, text, dialect)
    return pa.concat_tables([pa.table({name: pa.array([], pa.string()) for name in header}), *parts])


def careful_rows(
    lines: Iterable[str], source: object, header: list[str], head: str, dialect: Dialect, rows: int = 100_000
) -> Iterator[pa.Table]:
    """Yield the cells of lines, ``rows`` at a time: short rows are filled up, a long one is an error.

    Parameters
    ----------
    lines : iterable of str
        All lines, that of the header first.
    source : path
        For messages.
    header : list of str
        Names of the columns.
    head : str
        The beginning of the text, for messages.
    dialect : Dialect
        How the lines are written.
    rows : int
        Rows at a time.
    """
    reader = csv.reader(lines, delimiter=dialect.separator)
    records = itertools.islice((row for row in reader if row), 1, None)
    try:
        while True:
            columns: list[list[str]] = [[] for _ in header]
            shared: dict[str, str] = {}
            for row in itertools.islice(records, rows):
                if len(row) > len(header):
                    first = read_records(head, dialect.separator)
                    raise DataError(too_long(source, reader.line_num, row, header, first, dialect.separator))
                row += [""] * (len(header) - len(row))
                for column, cell in zip(columns, row, strict=True):
                    column.append(shared.setdefault(cell, cell))
            if not columns[0]:
                return
            arrays = [pa.chunked_array([pa.array(column, pa.string())]) for column in columns]
            yield pa.Table.from_arrays(arrays, names=header)
    except csv.Error as error:
        raise DataError(f"{source}, line {reader.line_num}: {error}") from error
