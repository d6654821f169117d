"""CSV files of any size, read in batches after a first scan that infers the columns' types."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gensynth.errors import DataError, listed
from gensynth.tables.cells import MAX_ROWS, MISSING_TOKENS, CellFacts, CellStyle, evenly_spaced, parse_as
from gensynth.tables.csvfile import warn_of_missing_words
from gensynth.tables.csvpart import CsvPart
from gensynth.tables.stream import BATCH_ROWS, TableStream, numbered, rechunked
from gensynth.tables.style import CsvStyle, FileStyle
from gensynth.tables.table import Table


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
        if missing is None:
            begin = next(rechunked(self._cells(), BATCH_ROWS))
            warn_of_missing_words(begin, self._values(begin))

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

    def batches(self, rows: int | None = None, start: int = 0) -> Iterator[Table]:
        """Yield the rows from ``start`` on, ``rows`` at a time."""
        rows, at = rows or self.batch_rows, start
        style = CsvStyle(self.dialect, {}, self.missing)
        for cells in rechunked(self._cells(start), rows, start - self._skipped(start)):
            frame = self._values(cells)
            texts = cells.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
            yield Table(numbered(frame, at), numbered(texts, at), style=style)
            at += len(frame)

    def _values(self, cells: pa.Table) -> pd.DataFrame:
        parsed = {n: parse_as(self.facts[n], cells.column(n), self.tokens[n]) for n in self._header}
        return pd.DataFrame(parsed, copy=False)

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
        """Columns with at least one value."""
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
