"""Sources of record batches: Parquet files, Arrow streams, Arrow data sets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types as pat

from gensynth.errors import DataError, listed
from gensynth.tables.arrow import check_schema


class ArrowSource(ABC):
    """A re-readable source of record batches.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of all of them.
    """

    schema: pa.Schema

    @abstractmethod
    def tables(self, rows: int, start: int = 0, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows from ``start`` or shortly before in parts of at most ``rows``, optionally only some columns.

        The first row is the one that `first` says.
        """

    def first(self, start: int) -> int:  # noqa: ARG002
        """Return the row, ``start`` or one before it, that reading from ``start`` begins with."""
        return 0

    def known_nulls(self) -> dict[str, int]:
        """Return the number of missing cells of each column, if known without reading the data."""
        return {}


class ParquetFiles(ArrowSource):
    """One table in one or several Parquet files, one below the other.

    Parameters
    ----------
    paths : sequence of Path
        At least one.

    Raises
    ------
    DataError
        One is no Parquet file, or a damaged one; they have not the same columns, or one of another type.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self._ends: list[int] = []
        self._nulls: dict[str, int] = {}
        unsure: set[str] = set()
        schemas = []
        n = 0
        for path in self.paths:
            with self._file(path) as file:
                check_schema(file.schema_arrow, path)
                schemas.append(file.schema_arrow)
                n += file.metadata.num_rows
                self._ends.append(n)
                unsure |= self._count(file)
        self.schema = _common(schemas, [str(path) for path in self.paths])
        self._nulls = {name: n for name, n in self._nulls.items() if name not in unsure}
        self.n_rows = n

    @contextmanager
    def _file(self, path: Path) -> Iterator[pq.ParquetFile]:
        try:
            # pyarrow opens no file whose name is not UTF-8
            with path.open("rb") as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
                yield file
        except pa.ArrowException as error:
            raise DataError(f"{path} is not a Parquet file, or a damaged one: {error}") from error
        except PermissionError as error:
            raise DataError(f"{path} cannot be read: permission denied") from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error}") from error

    def _count(self, file: pq.ParquetFile) -> set[str]:
        """Count missing values from the file's metadata; return the columns without that metadata."""
        unsure = set()
        for g in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(g)
            for c in range(group.num_columns):
                chunk = group.column(c)
                name, facts = chunk.path_in_schema, chunk.statistics
                if facts is None or not facts.has_null_count:
                    unsure.add(name)
                else:
                    self._nulls[name] = self._nulls.get(name, 0) + facts.null_count
        return unsure

    def known_nulls(self) -> dict[str, int]:
        """Return the number of missing cells of each column from the files' metadata."""
        return {name: n for name, n in self._nulls.items() if name in self.schema.names}

    def first(self, start: int) -> int:
        """Return the first row of the row group that holds ``start``."""
        return self._place(start)[2]

    def _place(self, start: int) -> tuple[int, int, int]:
        """Return file, row group and the first row of the row group that holds a row."""
        before = 0
        for i, end in enumerate(self._ends):
            if start < end:
                with self._file(self.paths[i]) as file:
                    for g in range(file.metadata.num_row_groups):
                        n = file.metadata.row_group(g).num_rows
                        if start < before + n:
                            return i, g, before
                        before += n
            before = end
        return len(self.paths), 0, before

    def tables(self, rows: int, start: int = 0, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows from the row group of ``start`` on."""
        wanted = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        first, group, _ = self._place(start) if start else (0, 0, 0)
        for path in self.paths[first:]:
            with self._file(path) as file:
                for g in range(group, file.metadata.num_row_groups):
                    try:
                        for batch in file.iter_batches(rows, [g], list(wanted.names), use_threads=False):
                            yield _as(pa.Table.from_batches([batch]), wanted)
                    except (pa.ArrowException, OSError) as error:
                        raise DataError(f"{path}, row group {g}, cannot be read: {error}") from error
            group = 0


class ArrowFile(ArrowSource):
    """A file that holds an Arrow stream (IPC).

    Parameters
    ----------
    path : Path
        The file.
    source : str
        What messages call it.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source = path, source
        try:
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                self.schema = reader.schema
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{source} is no Arrow stream: {error}") from error

    def tables(self, rows: int, start: int = 0, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:  # noqa: ARG002
        """Yield all rows."""
        try:
            with pa.OSFile(str(self.path)) as file, pa.ipc.open_stream(file) as reader:
                for batch in reader:
                    table = pa.Table.from_batches([batch])
                    yield table if columns is None else table.select(list(columns))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.source} cannot be read: {error}") from error


class ArrowDataset(ArrowSource):
    """A `pyarrow.dataset.Dataset`.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        Files of any kind, in their order.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.schema = dataset.schema

    def tables(self, rows: int, start: int = 0, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:  # noqa: ARG002
        """Yield all rows."""
        names = self.schema.names if columns is None else list(columns)
        try:
            scanner = self.dataset.scanner(
                names, batch_size=rows, use_threads=False, batch_readahead=1, fragment_readahead=1
            )
            for batch in scanner.to_batches():
                yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"the data set cannot be read: {error}") from error


def _common(schemas: Sequence[pa.Schema], sources: Sequence[str]) -> pa.Schema:
    """Return the schema of a table in several files.

    Raises
    ------
    DataError
        A column has another type in another file; names both. Nothing but missing values is of every type.
    """
    first = schemas[0]
    fields = {field.name: field for field in first}
    where = dict.fromkeys(first.names, sources[0])
    for schema, source in zip(schemas[1:], sources[1:], strict=True):
        for own, other, here, there in ((first, schema, sources[0], source), (schema, first, source, sources[0])):
            absent = [name for name in own.names if name not in other.names]
            if absent:
                raise DataError(
                    f"{there} lacks the column{'s' if len(absent) > 1 else ''} {listed(absent)} of {here}; all files "
                    "of a table must have the same columns"
                )
        for field in schema:
            known = fields[field.name]
            if pat.is_null(known.type):
                fields[field.name], where[field.name] = field.with_nullable(True), source
            elif not pat.is_null(field.type) and _plain(field.type) != _plain(known.type):
                raise DataError(
                    f"column {field.name!r} is {known.type} in {where[field.name]} and {field.type} in {source}; write "
                    "it with the same type in all files"
                )
            elif field.nullable and not known.nullable:
                fields[field.name] = known.with_nullable(True)
            if pat.is_dictionary(field.type) and field.type != fields[field.name].type:
                wide = pa.dictionary(pa.int32(), field.type.value_type, ordered=field.type.ordered)
                fields[field.name] = fields[field.name].with_type(wide)
    return pa.schema([fields[name] for name in first.names], metadata=first.metadata)


def _plain(kind: pa.DataType) -> Any:
    """Return a type as far as cells are concerned: how wide the codes of categories are is not."""
    return (kind.value_type, kind.ordered) if pat.is_dictionary(kind) else kind


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a part with the types of the whole table."""
    table = table.select(schema.names)
    for i, field in enumerate(schema):
        if table.schema.field(i).type != field.type:
            table = table.set_column(i, field, table.column(i).cast(field.type))
    return table.replace_schema_metadata(schema.metadata).cast(schema) if table.schema != schema else table
