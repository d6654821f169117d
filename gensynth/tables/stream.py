"""Tables in batches of a bounded number of rows, with the same column types in all batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from gensynth.errors import DataError
from gensynth.tables.style import FileStyle
from gensynth.tables.table import Table

BATCH_ROWS = 65_536
"""Default number of rows per batch."""
BATCH_VALUES = 2**23
"""Default limit of image values per batch, which lowers the number of rows."""


class TableStream(ABC):
    """A re-readable table in batches, each with the columns, dtypes and cells of the whole table.

    Attributes
    ----------
    source : str
        What messages call it.
    names : tuple of str or int
        Its columns.
    n_rows : int
        Its rows, at least 1.
    batch_rows : int
        Default number of rows per batch.
    """

    source: str
    names: tuple[str | int, ...]
    n_rows: int
    batch_rows: int = BATCH_ROWS

    @abstractmethod
    def batches(self, rows: int | None = None, start: int = 0) -> Iterator[Table]:
        """Yield the rows from ``start`` on, ``rows`` (None: `batch_rows`) at a time, the last batch what is left.

        The index of a batch's frame is the position of its rows in the table.

        Raises
        ------
        DataError
            A part cannot be read; names its file, and of a Parquet file the row group.
        """

    @property
    @abstractmethod
    def held(self) -> frozenset[str | int]:
        """Columns with at least one value that is not missing."""

    @cached_property
    def style(self) -> FileStyle | None:
        """Style of the file, or of the first of several."""
        return self.find_style()

    @abstractmethod
    def find_style(self) -> FileStyle | None:
        """Return `style`; may read the table once."""

    def place_of(self, row: int) -> str:  # noqa: ARG002
        """Return the origin of a row's image, such as its file; "" if there is only the row."""
        return ""

    def without(self, name: str | int) -> TableStream:
        """Return the table without one of its columns."""
        return WithoutColumn(self, name)

    def whole(self) -> Table:
        """Return the table in memory, with its style."""
        return replace(next(iter(self.batches(self.n_rows))), style=self.style)

    def sample(self, most: int, seed: int) -> Table:
        """Return at most so many rows in memory, drawn at random, in the order of the table; its style is theirs."""
        if self.n_rows <= most:
            return self.whole()
        chosen = np.sort(np.random.default_rng(seed).choice(self.n_rows, most, replace=False))
        at, parts = 0, []
        for batch in self.batches():
            here = chosen[(chosen >= at) & (chosen < at + len(batch))] - at
            if len(here):
                parts.append(batch.take(here))
            at += len(batch)
        return replace(stacked_tables(parts), style=self.style)


class MemoryStream(TableStream):
    """A table in memory, given in batches.

    Parameters
    ----------
    table : Table
        With at least one row.
    source : str
        What messages call it.
    """

    def __init__(self, table: Table, source: str = "the table") -> None:
        index = pd.RangeIndex(len(table.frame))
        if not table.frame.index.equals(index):
            text = None if table.text is None else numbered(table.text, 0)
            table = replace(table, frame=numbered(table.frame, 0), text=text)
        self.table = table
        self.source = source
        self.names = tuple(table.frame.columns)
        self.n_rows = len(table.frame)
        if not self.n_rows:
            raise DataError(f"{source} has no rows; at least one is needed")

    @property
    def held(self) -> frozenset[str | int]:
        """Columns with at least one value."""
        return frozenset(name for name in self.names if not self.table.frame[name].isna().all())

    def find_style(self) -> FileStyle | None:
        """Return that of the table."""
        return self.table.style

    def whole(self) -> Table:
        """Return the table."""
        return self.table

    def batches(self, rows: int | None = None, start: int = 0) -> Iterator[Table]:
        """Yield the rows from ``start`` on, ``rows`` at a time."""
        rows = rows or self.batch_rows
        for first in range(start, self.n_rows, rows):
            yield self.table[first : first + rows]


class WithoutColumn(TableStream):
    """A table without one of its columns.

    Parameters
    ----------
    table : TableStream
        The whole table.
    name : str or int
        The column.
    """

    def __init__(self, table: TableStream, name: str | int) -> None:
        self.table, self.name = table, name
        self.source, self.n_rows, self.batch_rows = table.source, table.n_rows, table.batch_rows
        self.names = tuple(own for own in table.names if own != name)

    @property
    def held(self) -> frozenset[str | int]:
        """Columns with at least one value."""
        return self.table.held - {self.name}

    def find_style(self) -> FileStyle | None:
        """Return that of the whole table."""
        return self.table.style

    def place_of(self, row: int) -> str:
        """Return that of the whole table."""
        return self.table.place_of(row)

    def batches(self, rows: int | None = None, start: int = 0) -> Iterator[Table]:
        """Yield the rows from ``start`` on, ``rows`` at a time."""
        for batch in self.table.batches(rows, start):
            yield batch.without(self.name)


def image_rows(values: int) -> int:
    """Return rows of a batch of images of so many values each."""
    return max(1, min(BATCH_ROWS, BATCH_VALUES // values))


def batches_between(
    table: TableStream, start: int, stop: int | None = None, rows: int | None = None
) -> Iterator[Table]:
    """Yield the rows of a table from ``start`` to ``stop`` (None: the last), ``rows`` at a time as `batches` does."""
    stop = table.n_rows if stop is None else min(stop, table.n_rows)
    if start < stop:
        at = start
        for batch in table.batches(rows, start):
            yield batch[: stop - at]
            at += len(batch)
            if at >= stop:
                return


def stacked_tables(parts: Sequence[Table]) -> Table:
    """Return the rows of some batches of a table as one."""
    if len(parts) == 1:
        return parts[0]
    texts = [part.text for part in parts if part.text is not None]
    arrows = [part.arrow for part in parts if part.arrow is not None]
    return Table(
        pd.concat([part.frame for part in parts]),
        pd.concat(texts) if texts else None,
        pa.concat_tables(arrows) if arrows else None,
        parts[0].style,
    )


def rechunked(parts: Iterable[pa.Table], rows: int, start: int = 0) -> Iterator[pa.Table]:
    """Yield the rows of some tables from ``start`` on, ``rows`` at a time, whatever the sizes of the tables."""
    waiting: list[pa.Table] = []
    n = 0
    for part in parts:
        if start >= part.num_rows:
            start -= part.num_rows
            continue
        rest = part.slice(start)
        start = 0
        while n + rest.num_rows >= rows:
            waiting.append(rest.slice(0, rows - n))
            yield pa.concat_tables(waiting)
            rest = rest.slice(rows - n)
            waiting, n = [], 0
        if rest.num_rows:
            waiting.append(rest)
            n += rest.num_rows
    if n:
        yield pa.concat_tables(waiting)


def numbered(frame: pd.DataFrame, first: int) -> pd.DataFrame:
    """Return a frame whose index goes on from ``first``."""
    return frame.set_axis(pd.RangeIndex(first, first + len(frame)), axis=0)
