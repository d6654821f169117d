"""The style of a file, kept to write other rows in the same way."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gensynth.errors import FileWarning
from gensynth.tables.arrow import schema_from_text, schema_to_text
from gensynth.tables.cells import CellStyle
from gensynth.tables.dialect import Dialect

_CHUNK = 50_000


@dataclass(frozen=True)
class CsvStyle:
    """Dialect and cell formats of a CSV file.

    Parameters
    ----------
    dialect : Dialect
        Encoding, separator, line ends, quotes.
    columns : dict of str to CellStyle
        How each column writes its cells.
    missing : tuple of str or None
        Cells that were said to be missing values; None for the usual ones.
    """

    dialect: Dialect = field(default_factory=Dialect)
    columns: Mapping[str, CellStyle] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None

    def render(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows as text, each column in its own style; columns that the file lacks are written plainly."""
        parts = {name: self.columns.get(name, CellStyle()).write(frame[name]) for name in frame.columns}
        return pd.DataFrame(parts, index=pd.RangeIndex(len(frame)))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        columns = {name: style.to_json() for name, style in self.columns.items()}
        missing = None if self.missing is None else list(self.missing)
        return {"type": "csv", "dialect": self.dialect.to_json(), "columns": columns, "missing": missing}


@dataclass(frozen=True)
class ArrowStyle:
    """The types of a Parquet file, and what pandas or others noted beside them.

    Parameters
    ----------
    schema : pyarrow.Schema
        With its metadata.
    """

    schema: pa.Schema

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"type": "arrow", "schema": schema_to_text(self.schema, metadata=True)}


FileStyle = CsvStyle | ArrowStyle


def style_from_json(state: Mapping[str, Any] | None) -> FileStyle | None:
    """Rebuild a style from its `to_json`."""
    if state is None:
        return None
    if state["type"] == "arrow":
        return ArrowStyle(schema_from_text(state["schema"]))
    columns = {name: CellStyle.from_json(column) for name, column in state["columns"].items()}
    missing = None if state["missing"] is None else tuple(state["missing"])
    return CsvStyle(Dialect.from_json(state["dialect"]), columns, missing)


def write_cells(cells: pd.DataFrame, file: IO[bytes], dialect: Dialect, source: object) -> None:
    """Write text cells as a CSV file in a dialect.

    Warns
    -----
    FileWarning
        If the encoding lacks a character; the file is UTF-8 then.
    """
    text = lines_of(cells, dialect)
    try:
        data = text.encode(dialect.encoding)
    except UnicodeEncodeError as error:
        warn_of_utf8(source, dialect, error)
        dialect = replace(dialect, encoding="utf-8", mark=False)
        data = text.encode()
    file.write(dialect.first_bytes + data)


def warn_of_utf8(source: object, dialect: Dialect, error: UnicodeEncodeError) -> None:
    """Warn that a file is written in another encoding than its input."""
    warnings.warn(
        f"{source} is written in UTF-8: {dialect.encoding}, the encoding of the input, has no "
        f"{error.object[error.start]!r}",
        FileWarning,
        stacklevel=3,
    )


def lines_of(cells: pd.DataFrame, dialect: Dialect, *, header: bool = True) -> str:
    """Return text cells as the lines of a CSV file in a dialect, with or without that of the names."""
    names = [str(name) for name in cells.columns]
    lines = [_line(names, dialect)] if header else []
    for start in range(0, len(cells), _CHUNK):
        part = cells.iloc[start : start + _CHUNK]
        columns = [_quoted(pa.array(part.iloc[:, i], pa.string()), names[i], dialect) for i in range(len(names))]
        if len(columns) == 1:  # a line without anything in it would be no row
            columns = [pc.if_else(pc.equal(columns[0], ""), '""', columns[0])]
        lines += pc.binary_join_element_wise(*columns, dialect.separator).to_pylist()
    return dialect.line_end.join(lines) + dialect.line_end


def _needs_quotes(dialect: Dialect) -> str:
    return rf'[{re.escape(dialect.separator)}"\r\n]'


def _line(names: list[str], dialect: Dialect) -> str:
    odd = re.compile(_needs_quotes(dialect))
    cells = ['"' + n.replace('"', '""') + '"' if dialect.quoted_names or odd.search(n) else n for n in names]
    return dialect.separator.join(cells) or '""'


def _quoted(cells: pa.Array, name: str, dialect: Dialect) -> Any:
    plain = name not in dialect.quoted
    inside = pc.replace_substring(cells, '"', '""')
    between = pc.binary_join_element_wise('"', inside, '"', "")
    return pc.if_else(pc.match_substring_regex(cells, _needs_quotes(dialect)), between, cells) if plain else between
