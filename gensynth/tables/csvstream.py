"""CSV files of any size, read in batches; they are looked through once, to decide what the cells of each column are."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from gensynth.errors import DataError, listed
from gensynth.tables.cells import MAX_ROWS, MISSING_TOKENS, CellFacts, CellStyle, evenly_spaced, parse_as
from gensynth.tables.csvfile import MAX_CELL, careful_rows
from gensynth.tables.dialect import LOOK_AT, find_dialect, find_encoding, mark_of, read_records
from gensynth.tables.lines import check_end, check_header
from gensynth.tables.packed import open_unpacked
from gensynth.tables.stream import BATCH_ROWS, TableStream, numbered, rechunked
from gensynth.tables.style import CsvStyle, FileStyle
from gensynth.tables.table import Table

_PIECE = 1 << 20
_CAREFUL_ROWS = 10_000


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn errors of reading a file into `DataError`."""
    try:
        yield
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


class CsvPart:
    """One CSV file, the texts of whose cells are read in pieces.

    Parameters
    ----------
    path : Path
        The file.
    source : str
        What messages call it.

    Attributes
    ----------
    dialect : Dialect
        How it is written.
    header : list of str
        Names of its columns.
    careful : bool
        Whether it has to be read line by line.
    n_rows : int
        Its rows; known once it was read to its end.
    last : list of str
        Cells of its last row; likewise.
    """

    n_rows = 0
    last: Sequence[str] = ()

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source = path, source
        encoding, mark = find_encoding(self._bytes, source)
        self._skip = mark_of(encoding) if mark else 0
        self._encoding = encoding
        with self._text() as stream:
            self._head = stream.read(LOOK_AT + 1)
        self.dialect = find_dialect(self._head, encoding, mark=mark)
        csv.field_size_limit(MAX_CELL)
        try:
            records = read_records(self._head, self.dialect.separator)
        except csv.Error as error:
            raise DataError(f"{source}: {error}") from error
        self.header = records[0][1] if records else []
        check_header(source, self.header, records)
        self.careful = False

    def _bytes(self) -> Iterator[bytes]:
        with _reading(self.path), open_unpacked(self.path) as stream:
            while piece := stream.read(_PIECE):
                yield piece

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        with _reading(self.path), open_unpacked(self.path) as stream:
            stream.read(self._skip)
            yield io.TextIOWrapper(cast("Any", stream), self._encoding, newline="")

    def tables(self) -> Iterator[pa.Table]:
        """Give the cells, as text.

        Raises
        ------
        pyarrow.ArrowInvalid
            The file has to be read carefully.
        DataError
            It cannot be read; names the line.
        """
        if self.careful:
            with self._text() as text:
                yield from careful_rows(text, self.source, self.header, self._head, self.dialect, _CAREFUL_ROWS)
            return
        convert = pacsv.ConvertOptions(column_types={n: pa.string() for n in self.header}, strings_can_be_null=False)
        parse = pacsv.ParseOptions(delimiter=self.dialect.separator, newlines_in_values=True)
        read = pacsv.ReadOptions(use_threads=False)
        with _reading(self.path), open_unpacked(self.path) as stream:
            stream.read(self._skip)
            plain = stream if self._encoding == "utf-8" else _as_utf8(stream, self._encoding)
            reader = pacsv.open_csv(plain, read_options=read, parse_options=parse, convert_options=convert)
            if reader.schema.names != self.header:
                raise pa.ArrowInvalid("other columns than expected")
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def scan(self, tokens: Sequence[Sequence[str]]) -> list[CellFacts]:
        """Read the file once; return what holds for the cells of each column, ``tokens`` of which are missing."""
        try:
            return self._scan(tokens)
        except pa.ArrowInvalid:
            self.careful = True
            return self._scan(tokens)

    def _scan(self, tokens: Sequence[Sequence[str]]) -> list[CellFacts]:
        facts = [CellFacts()] * len(self.header)
        self.n_rows = 0
        for part in self.tables():
            if not part.num_rows:
                continue
            self.n_rows += part.num_rows
            facts = [CellFacts.of(part.column(i), tokens[i], facts[i]) for i in range(len(facts))]
            self.last = [part.column(i)[-1].as_py() or "" for i in range(len(facts))]
        if not self.n_rows:
            raise DataError(f"{self.source} has a header but no rows; at least one is needed")
        self._check_last_quote()
        check_end(self.source, self)
        return facts

    def above(self) -> Iterator[pa.Table]:
        """Give the cells of all rows but the last."""
        left = self.n_rows - 1
        for part in self.tables():
            yield part.slice(0, max(left, 0))
            left -= part.num_rows

    def last_line(self) -> int:
        """Return the number of the last line that is not empty."""
        with self._text() as text:
            lines = io.IncrementalNewlineDecoder(None, translate=True)
            n, filled = 1, 1
            for piece in iter(lambda: text.read(_PIECE), ""):
                for i, line in enumerate(str(lines.decode(piece)).split("\n")):
                    n += i > 0
                    filled = n if line.strip() else filled
        return filled

    def _check_last_quote(self) -> None:
        broken = next((n for n, cell in zip(self.header, self.last, strict=True) if "\n" in cell), None)
        if broken is None:
            return
        with self._text() as text:
            quotes = sum(piece.count('"') for piece in iter(lambda: text.read(_PIECE), ""))
        if quotes % 2:
            raise DataError(
                f"{self.source}: the double quote that opens in row {self.n_rows}, column {broken!r}, is never closed: "
                "all lines after it would be one cell"
            )


def _as_utf8(stream: BinaryIO, encoding: str) -> Any:
    reader, writer = codecs.lookup(encoding).streamreader, codecs.lookup("utf-8").streamwriter
    return codecs.StreamRecoder(stream, codecs.getencoder("utf-8"), codecs.getdecoder("utf-8"), reader, writer)


class CsvStream(TableStream):
    """One table in one or several CSV files, one below the other.

    Parameters
    ----------
    paths : sequence of Path
        At least one file.
    missing, categories, targets
        As for `gensynth.tables.read_table`.
    source : str or None
        What messages call the table; None: the path of the file, or of its folder.
    tabbed : bool
        Whether the ending of the files said that there are tabs.

    Raises
    ------
    DataError
        A file is not a readable table with rows; files have other columns, or a column is text in one of them and
        numbers in another.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        missing: Collection[str] | None = None,
        categories: Collection[str] = (),
        targets: Collection[str] = (),
        *,
        source: str | None = None,
        tabbed: bool = False,
    ) -> None:
        self.source = source or str(paths[0] if len(paths) == 1 else paths[0].parent)
        self.missing = None if missing is None else tuple(missing)
        self.categories = frozenset(categories)
        self.parts = [CsvPart(path, source if source and len(paths) == 1 else str(path)) for path in paths]
        header = self.parts[0].header
        self.names = self._header = tuple(header)
        usual = MISSING_TOKENS if missing is None else ("", *(token for token in missing if token))
        for part in self.parts[1:]:
            _check_columns(header, part.header, self.parts[0].source, part.source)
        tokens = {n: ("",) if missing is None and n in categories else usual for n in header}
        facts = self._scan(tokens)
        classes = [n for n in header if n in targets and missing is None and facts[n].kind == "text"]
        if classes:
            tokens |= dict.fromkeys(classes, ("",))
            facts = self._scan(tokens)
        self.tokens, self.facts = tokens, facts
        self.n_rows = sum(part.n_rows for part in self.parts)
        dialect = self.parts[0].dialect
        self.dialect = replace(dialect, tabbed=True) if tabbed and dialect.separator == "\t" else dialect

    def _scan(self, tokens: dict[str, tuple[str, ...]]) -> dict[str, CellFacts]:
        facts = {name: CellFacts() for name in self._header}
        first: dict[str, tuple[str, str]] = {}
        for part in self.parts:
            own = dict(zip(part.header, part.scan([tokens[name] for name in part.header]), strict=True))
            for name, found in own.items():
                facts[name] &= found
                kind = {"integer": "numbers", "float": "numbers", "boolean": "booleans"}.get(found.kind, found.kind)
                if kind == "empty" or name in self.categories:
                    continue
                before, where = first.setdefault(name, (kind, part.source))
                if kind != before:
                    raise DataError(
                        f"column {name!r} holds {before} in {where} and {kind} in {part.source}; make it the same in "
                        "all files"
                    )
        return facts

    def batches(self, rows: int = BATCH_ROWS, start: int = 0) -> Iterator[Table]:
        """Give the rows from ``start`` on, ``rows`` at a time."""
        at = start
        style = CsvStyle(self.dialect, {}, self.missing)
        for cells in rechunked(self._cells(start), rows, start - self._skipped(start)):
            frame = pd.DataFrame(
                {n: parse_as(self.facts[n], cells.column(n), self.tokens[n]) for n in self._header}, copy=False
            )
            texts = cells.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
            yield Table(numbered(frame, at), numbered(texts, at), style=style)
            at += len(frame)

    def _skipped(self, start: int) -> int:
        """Return the rows of the files that need not be read to come to ``start``."""
        ends = [0, *itertools.accumulate(part.n_rows for part in self.parts)]
        return max(end for end in ends if end <= start)

    def _cells(self, start: int = 0) -> Iterator[pa.Table]:
        first = self._skipped(start)
        at = 0
        for part in self.parts:
            if at >= first:
                yield from (table.select(list(self._header)) for table in part.tables())
            at += part.n_rows

    @property
    def held(self) -> frozenset[str | int]:
        """Columns that hold something."""
        return frozenset(name for name, facts in self.facts.items() if facts.kind != "empty")

    def find_style(self) -> FileStyle:
        """Return how the cells of each column are written; reads the files once."""
        n, at = self.n_rows, 0
        spaced = np.arange(n) if n <= MAX_ROWS else evenly_spaced(n)
        kept: dict[str, list[pa.ChunkedArray]] = {name: [] for name in self._header}
        gaps = dict.fromkeys(self._header, 0)
        for cells in self._cells():
            here = spaced[(spaced >= at) & (spaced < at + cells.num_rows)] - at
            for name in self._header:
                column = cells.column(name)
                missing = pc.is_in(pc.utf8_trim_whitespace(column), value_set=pa.array(self.tokens[name], pa.string()))
                own = np.flatnonzero(missing.to_numpy())[: MAX_ROWS - gaps[name]] if self.facts[name].gaps else here[:0]
                gaps[name] += len(own)
                kept[name].append(column.take(pa.array(np.union1d(here, own))))
            at += cells.num_rows
        styles = {}
        for name, parts in kept.items():
            column = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
            texts = pa.table({name: column}).to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))[name]
            styles[name] = CellStyle.of_some(texts, parse_as(self.facts[name], column, self.tokens[name]))
        return CsvStyle(self.dialect, styles, self.missing)


def _check_columns(header: Sequence[str], other: Sequence[str], first: str, second: str) -> None:
    """Raise `DataError` if two files have not the same columns."""
    for own, their, here, there in ((header, other, first, second), (other, header, second, first)):
        absent = [name for name in own if name not in their]
        if absent:
            raise DataError(
                f"{there} lacks the column{'s' if len(absent) > 1 else ''} {listed(absent)} of {here}; all files of a "
                "table must have the same columns"
            )
