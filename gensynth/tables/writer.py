"""Writing of tables in batches: to one file, or to a folder of Parquet parts."""

from __future__ import annotations

import codecs
import contextlib
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, Self, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gensynth.errors import OutputError, counted, hint
from gensynth.tables.characters import check_text
from gensynth.tables.dialect import Dialect
from gensynth.tables.files import is_csv, replaced, separated, write_plain
from gensynth.tables.parquet import noted, to_arrow
from gensynth.tables.style import ArrowStyle, CsvStyle, FileStyle, lines_of, warn_of_utf8
from gensynth.tables.table import Table

_PIECE = 1 << 20
Format = Literal["csv", "parquet", "arrow"]


class BatchWriter(ABC):
    """Writer of a table batch by batch.

    Attributes
    ----------
    format : {"csv", "parquet", "arrow"}
        What is written: text, or Arrow columns.
    start : int
        The row of the table that the first batch begins with: those before it are there already.
    """

    format: Format
    start: int = 0

    @abstractmethod
    def write(self, table: Table) -> None:
        """Write the next rows: text cells for CSV, Arrow columns otherwise, or values if there are neither.

        Raises
        ------
        DataError
            A cell cannot be written.
        """


def styled(frame: pd.DataFrame, style: FileStyle | None, *, csv: bool) -> Table:
    """Return rows as they are to be written in a style: for a CSV file or another one."""
    if csv and isinstance(style, CsvStyle):
        return Table(frame, style.render(frame), style=style)
    if not csv and isinstance(style, ArrowStyle):
        return Table(frame, arrow=to_arrow(frame, style.schema), style=style)
    return Table(frame)


class FileWriter(BatchWriter):
    """Writes a table to an open file.

    Parameters
    ----------
    file : binary file
        Where to.
    format : {"csv", "parquet", "arrow"}
        How; "arrow" is an Arrow stream (IPC).
    path : Path
        What messages call the file; its ending says the separator of a CSV file.
    n_rows : int
        Rows that will be written.
    """

    def __init__(self, file: IO[bytes], format: Format, path: Path, n_rows: int) -> None:  # noqa: A002
        self.file, self.format, self.path, self.n_rows = file, format, path, n_rows
        self._begun = False
        self._arrow: Any = None
        self._recoded: tuple[IO[bytes], Dialect] | None = None

    def write(self, table: Table) -> None:
        """Write the next rows."""
        if self.format != "csv":
            self._write_arrow(table.arrow if table.arrow is not None else to_arrow(table.frame))
        elif table.text is not None and isinstance(table.style, CsvStyle):
            self._write_text(table.text, separated(table.style.dialect, self.path))
        else:
            write_plain(table.frame, self.file, self.path, header=not self._begun)
        self._begun = True

    def close(self) -> None:
        """Write what belongs to the end; the file stays open."""
        if self._arrow is not None:
            self._arrow.close()
        if self._recoded is not None:
            self._recode(*self._recoded)

    def abandon(self) -> None:
        """Write nothing more, not even when the writer is no longer needed."""
        if self.format == "parquet" and self._arrow is not None:
            self._arrow.is_open = False
        if self._recoded is not None:
            self._recoded[0].close()

    def _write_arrow(self, table: pa.Table) -> None:
        table = noted(table, self.n_rows).unify_dictionaries()
        if self._arrow is None:
            make = pq.ParquetWriter if self.format == "parquet" else pa.ipc.new_stream
            self._arrow = make(self.file, table.schema)
            self._schema = table.schema
        self._arrow.write_table(table if table.schema == self._schema else table.cast(self._schema))

    def _write_text(self, cells: pd.DataFrame, dialect: Dialect) -> None:
        check_text(cells, self.path)
        if not self._begun and dialect.encoding != "utf-8":
            # a later cell may hold a character that the encoding lacks: all is UTF-8 until that is known
            self._recoded = cast("IO[bytes]", tempfile.TemporaryFile()), dialect  # noqa: SIM115
        file = self.file if self._recoded is None else self._recoded[0]
        if not self._begun and self._recoded is None:
            file.write(dialect.first_bytes)
        file.write(lines_of(cells, dialect, header=not self._begun).encode())

    def _recode(self, file: IO[bytes], dialect: Dialect) -> None:
        with file:
            try:
                for text in _texts(file):
                    text.encode(dialect.encoding)
            except UnicodeEncodeError as error:
                warn_of_utf8(self.path, dialect, error)
                file.seek(0)
                shutil.copyfileobj(file, self.file)
                return
            self.file.write(dialect.first_bytes)
            for text in _texts(file):
                self.file.write(text.encode(dialect.encoding))


def _texts(file: IO[bytes]) -> Iterator[str]:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    while piece := file.read(_PIECE):
        yield decoder.decode(piece)


@contextlib.contextmanager
def file_writer(path: Path, n_rows: int) -> Iterator[FileWriter]:
    """Open a file for ``n_rows`` rows, which replaces ``path`` when complete.

    Raises
    ------
    OptionError
        The ending is unknown, or the folder is missing.
    OutputError
        The file cannot be written (permission, disk full).
    """
    with replaced(path) as file:
        writer = FileWriter(file, "csv" if is_csv(path) else "parquet", path, n_rows)
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.abandon()
            raise


class PartsWriter(BatchWriter):
    """Writer of a table to Parquet parts of a folder, each of which is written whole or not at all.

    Parameters
    ----------
    folder : Path
        Which exists.
    n_rows : int
        Rows of the whole table.
    part_rows : int
        Rows of a file; the last has what is left.
    """

    format = "parquet"

    def __init__(self, folder: Path, n_rows: int, part_rows: int) -> None:
        self.folder, self.n_rows, self.part_rows = folder, n_rows, part_rows
        self.n_finished = 0
        while part_path(folder, self.n_finished).exists():
            self.n_finished += 1
        self.start = min(self.n_finished * part_rows, n_rows)
        self._open = contextlib.ExitStack()
        self._writer: FileWriter | None = None
        self._left = 0

    def write(self, table: Table) -> None:
        """Write the next rows.

        Raises
        ------
        OutputError
            The disk is full, or the folder cannot be written to; the parts that are finished stay.
        """
        try:
            while len(table):
                if self._writer is None:
                    self._left = min(self.part_rows, self.n_rows - self.n_finished * self.part_rows)
                    path = part_path(self.folder, self.n_finished)
                    self._writer = self._open.enter_context(file_writer(path, self._left))
                self._writer.write(table[: self._left])
                n = min(self._left, len(table))
                table, self._left = table[n:], self._left - n
                if not self._left:
                    self._writer = None
                    self._open.close()
                    self.n_finished += 1
        except (OutputError, OSError) as error:
            self._abandon()
            text = error if isinstance(error, OutputError) else error.strerror or error
            again = hint("go on with another PartsWriter from its `start`", "run the same command with --resume")
            raise OutputError(
                f"{text}; {counted(self.n_finished, 'finished part')} of {self.folder} "
                f"{'is' if self.n_finished == 1 else 'are'} kept: make room, then {again}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave out the part that is not finished."""
        self._abandon()

    def _abandon(self) -> None:
        if self._writer is not None:
            self._writer = None
            with contextlib.suppress(_AbandonedPart), self._open:
                raise _AbandonedPart


class _AbandonedPart(Exception):  # noqa: N818
    """Ends a part that is not finished."""


def part_path(folder: Path, number: int) -> Path:
    """Return the path of a part."""
    return folder / f"part-{number:05}.parquet"
