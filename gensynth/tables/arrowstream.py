"""Tables of any size in Arrow record batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types as pat

from gensynth.errors import DataError
from gensynth.tables.arrow import check_schema
from gensynth.tables.arrowsources import ArrowSource
from gensynth.tables.parquet import is_numbering, to_series
from gensynth.tables.stream import BATCH_ROWS, TableStream, numbered, rechunked
from gensynth.tables.style import ArrowStyle, FileStyle
from gensynth.tables.table import Table


class ArrowStream(TableStream):
    """A table that comes in Arrow record batches.

    Parameters
    ----------
    found : ArrowSource
        Where they come from.
    source : str
        What messages call the table.

    Raises
    ------
    DataError
        No rows, no columns, a column whose cells are no single values, or a part that cannot be read.
    """

    def __init__(self, found: ArrowSource, source: str) -> None:
        self.found, self.source = found, source
        check_schema(found.schema, source)
        self._nulls = found.known_nulls()
        self._categories: dict[str, pa.Array] = {}
        self._scan()
        if not self.n_rows or not len(found.schema):
            raise DataError(f"{source} has no rows; at least one is needed")
        self.names = tuple(name for name in found.schema.names if not is_numbering(found.schema, name))
        if not self.names:
            raise DataError(f"{source} has no columns besides the index of its rows; at least one is needed")

    def _scan(self) -> None:
        """Count the rows; look for missing values and categories where only the cells tell of them."""
        known = getattr(self.found, "n_rows", None)
        coded = [f.name for f in self.found.schema if pat.is_dictionary(f.type)]
        unsure = [n for n in self.found.schema.names if n not in self._nulls or n in coded]
        if known is not None and not unsure:
            self.n_rows = int(known)
            return
        self.n_rows = 0
        nulls = dict.fromkeys(unsure, 0)
        dictionaries: dict[str, list[pa.Array]] = {name: [] for name in coded}
        for part in self.found.tables(BATCH_ROWS, columns=unsure):
            self.n_rows += part.num_rows
            for name in unsure:
                column = part.column(name)
                nulls[name] += column.null_count
                if name in dictionaries:
                    found = [chunk.dictionary for chunk in column.chunks]
                    merged = pa.chunked_array([*dictionaries[name], *found], self._value_type(name))
                    dictionaries[name] = [pc.unique(merged)]
        self._nulls |= nulls
        self._categories = {name: parts[0] for name, parts in dictionaries.items() if parts}

    def _value_type(self, name: str) -> pa.DataType:
        return self.found.schema.field(name).type.value_type

    @property
    def held(self) -> frozenset[str | int]:
        """Columns with at least one value."""
        return frozenset(name for name in self.names if self._nulls[str(name)] < self.n_rows)

    def find_style(self) -> FileStyle:
        """Return the types of the columns."""
        return ArrowStyle(self.found.schema)

    def batches(self, rows: int | None = None, start: int = 0) -> Iterator[Table]:
        """Yield the rows from ``start`` on, ``rows`` at a time."""
        rows, at = rows or self.batch_rows, start
        parts = self.found.tables(min(rows, BATCH_ROWS), start)
        for cells in rechunked(parts, rows, start - self.found.first(start)):
            table = self._with_categories(cells)
            columns = {n: self._series(table, n) for n in self.names}
            yield Table(numbered(pd.DataFrame(columns, copy=False), at), arrow=table, style=ArrowStyle(table.schema))
            at += len(table)

    def _series(self, table: pa.Table, name: str | int) -> pd.Series[Any]:
        gaps = self._nulls[str(name)]
        return to_series(table.column(name), gaps=gaps > 0, empty=gaps == self.n_rows)

    def _with_categories(self, table: pa.Table) -> pa.Table:
        """Return a part with the categories of the whole table."""
        for name, categories in self._categories.items():
            i, field = table.schema.get_field_index(name), self.found.schema.field(name)
            codes = pc.index_in(table.column(name).cast(field.type.value_type), value_set=categories)
            chunks = [
                pa.DictionaryArray.from_arrays(
                    chunk.cast(field.type.index_type), categories, ordered=field.type.ordered
                )
                for chunk in codes.chunks
            ]
            table = table.set_column(i, field, pa.chunked_array(chunks, field.type))
        return table
