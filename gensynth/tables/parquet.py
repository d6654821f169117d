"""Reading and writing of Parquet files with their types and pandas metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types as pat

from gensynth.errors import DataError
from gensynth.tables.arrow import check_schema, combined
from gensynth.tables.style import ArrowStyle
from gensynth.tables.table import Table

_MASKED = {getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")()
           for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")}  # fmt: skip
_PANDAS = b"pandas"
_UNNAMED = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name


def read_parquet(path: Path) -> Table:
    """Read a Parquet file; the index that pandas wrote is read as columns, but for whole numbers without a name.

    Raises
    ------
    DataError
        If it is no Parquet file, has no rows, or a column that is no single value a row.
    """
    try:
        # pyarrow opens no file whose name is not UTF-8
        with path.open("rb") as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
            check_schema(file.schema_arrow, path)
            table = file.read()
    except pa.ArrowException as error:
        raise DataError(f"{path} is not a Parquet file, or a damaged one: {error}") from error
    if not table.num_rows or not table.num_columns:
        raise DataError(f"{path} has no rows; at least one is needed")
    parts = {name: to_series(table.column(name)) for name in table.column_names if not is_numbering(table.schema, name)}
    if not parts:
        raise DataError(f"{path} has no columns besides the index of its rows; at least one is needed")
    return Table(pd.DataFrame(parts, copy=False), arrow=table, style=ArrowStyle(table.schema))


def is_numbering(schema: pa.Schema, name: str) -> bool:
    """Whether a column is the index of a table whose rows were picked from another: no part of the data."""
    if not _UNNAMED.fullmatch(name) or not pat.is_integer(schema.field(name).type):
        return False
    notes = json.loads((schema.metadata or {}).get(_PANDAS, b"{}"))
    return bool(notes.get("index_columns") == [name])


def to_series(column: pa.ChunkedArray, *, gaps: bool | None = None, empty: bool | None = None) -> pd.Series[Any]:
    """Return an Arrow column as the plainest pandas one that holds its values exactly.

    Of the part of a column ``gaps`` and ``empty`` say whether the whole column has missing values, or nothing else.
    """
    kind = column.type
    gaps = column.null_count > 0 if gaps is None else gaps
    texts = pat.is_string(kind) or pat.is_large_string(kind)
    if texts and empty is False and column.null_count == len(column):
        # pandas takes texts that are not there for objects
        return pd.Series(pa.table({"": column}).to_pandas()[""], name=None)
    dtype: Any = None
    if pat.is_decimal(kind) or pat.is_date(kind):
        dtype = pd.ArrowDtype(kind)
    elif gaps and pat.is_boolean(kind):
        dtype = pd.BooleanDtype()
    elif gaps:
        dtype = _MASKED.get(kind)
    return pd.Series(column.to_pandas(types_mapper=lambda _: dtype))


def to_column(series: pd.Series[Any], kind: pa.DataType) -> pa.Array:
    """Return a pandas column as an Arrow one of the type.

    Raises
    ------
    DataError
        If a value does not fit the type; names the column.
    """
    try:
        if pat.is_null(kind):
            return pa.nulls(len(series))
        array = combined(pa.array(series, from_pandas=True))
        if pat.is_dictionary(kind):
            array = array if pat.is_dictionary(array.type) else array.dictionary_encode()
            codes, values = array.indices.cast(kind.index_type), array.dictionary.cast(kind.value_type)
            return pa.DictionaryArray.from_arrays(codes, values, ordered=kind.ordered)
        return array if array.type == kind else array.cast(kind, safe=not pat.is_temporal(kind))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"column {series.name!r} cannot be written as {kind}: {error}") from error


def to_arrow(frame: pd.DataFrame, schema: pa.Schema | None = None) -> pa.Table:
    """Return a frame as an Arrow table; columns that ``schema`` names have its types."""
    if schema is None:
        return pa.Table.from_pandas(frame, preserve_index=False)
    fields, arrays = [], []
    for name in frame.columns:
        known = name in schema.names
        array = to_column(frame[name], schema.field(name).type) if known else pa.array(frame[name], from_pandas=True)
        arrays.append(array)
        fields.append(schema.field(name).with_nullable(True) if known else pa.field(str(name), array.type))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=schema.metadata))


def stacked(table: pa.Table, frame: pd.DataFrame) -> pa.Table:
    """Return an Arrow table with the rows of ``frame`` below its own, which stay as they are."""
    below = to_arrow(frame, table.schema)
    columns = []
    for own in table.schema:
        if own.name in frame.columns:
            columns.append(below.column(own.name))
        else:  # numbers of the rows go on
            start = (pc.max(table.column(own.name)).as_py() or 0) + 1
            columns.append(pa.array(np.arange(start, start + len(frame)), own.type))
    schema = pa.schema([field.with_nullable(True) for field in table.schema], metadata=table.schema.metadata)
    new = pa.Table.from_arrays(columns, schema=schema)
    return pa.concat_tables([table.cast(schema), new])


def fill(table: pa.Table, frame: pd.DataFrame, gaps: pd.DataFrame) -> pa.Table:
    """Return an Arrow table with the values of ``frame`` where ``gaps`` says so; all other cells are untouched."""
    for i, name in enumerate(table.column_names):
        gap = gaps[name].to_numpy(dtype=bool)
        if gap.any():
            new = to_column(frame[name][gap], table.schema.field(name).type)
            rows = np.arange(len(gap))
            rows[gap] = len(gap) + np.arange(len(new))
            both = pa.chunked_array([*table.column(name).chunks, new]).unify_dictionaries()
            whole = both.take(pa.array(rows))
            table = table.set_column(i, table.schema.field(name).with_nullable(True), whole)
    return table


def extended(table: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """Return an Arrow table with new last columns."""
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, from_pandas=True))
    return table


def write_parquet(table: pa.Table, file: IO[bytes]) -> None:
    """Write an Arrow table with pandas' metadata updated to its rows and columns."""
    pq.write_table(noted(table, table.num_rows).unify_dictionaries(), file)


def noted(table: pa.Table, n_rows: int) -> pa.Table:
    """Return a table with pandas' metadata for its columns and ``n_rows``, of which it may be a part."""
    metadata = table.schema.metadata or {}
    if _PANDAS not in metadata:
        return table
    notes = json.loads(metadata[_PANDAS])
    kept = [c for c in notes.get("index_columns", ()) if not isinstance(c, str) or c in table.column_names]
    notes["index_columns"] = kept or [{"kind": "range", "name": None, "start": 0, "stop": 0, "step": 1}]
    for index in notes["index_columns"]:
        if isinstance(index, dict) and index.get("kind") == "range":
            index["stop"] = index["start"] + index["step"] * n_rows
    notes["columns"] = [c for c in notes.get("columns", ()) if (c.get("field_name") or c["name"]) in table.column_names]
    known = {column.get("field_name") or column["name"] for column in notes["columns"]}
    levels = notes.get("column_indexes") or []
    for i, name in enumerate(table.column_names):
        if name in known:
            continue
        if len(levels) > 1:  # pandas writes the labels of several levels as tuples
            name = str((name, *[""] * (len(levels) - 1)))
            table = table.rename_columns([name if j == i else old for j, old in enumerate(table.column_names)])
        elif levels and levels[0].get("pandas_type") not in ("unicode", "string", "mixed"):
            levels[0] |= {"pandas_type": "unicode", "numpy_type": "object", "metadata": {"encoding": "UTF-8"}}
        kind = table.schema.field(name).type
        note = {"name": name, "field_name": name, "metadata": None}
        note |= {"pandas_type": str(kind), "numpy_type": str(np.dtype(kind.to_pandas_dtype()))}
        notes["columns"].append(note)
    return table.replace_schema_metadata({**metadata, _PANDAS: json.dumps(notes).encode()})
