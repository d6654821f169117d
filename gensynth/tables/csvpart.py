"""One CSV file of any size, read in pieces of text cells."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pacsv

from gensynth.errors import DataError
from gensynth.tables.cells import CellFacts
from gensynth.tables.csvfile import MAX_CELL, careful_rows
from gensynth.tables.dialect import LOOK_AT, find_dialect, find_encoding, mark_of, read_records
from gensynth.tables.lines import check_end, check_header
from gensynth.tables.packed import open_unpacked

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
        """Yield the cells, as text.

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
        """Yield the cells of all rows but the last."""
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
