"""Arrow schemas as text and back, and the supported types."""

from __future__ import annotations

import base64

import pyarrow as pa
from pyarrow import types as pat

from gensynth.errors import DataError


def combined(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return an array as one piece: Arrow makes chunks of long texts."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def schema_to_text(schema: pa.Schema, *, metadata: bool = False) -> str:
    """Return the base64 of a serialised Arrow schema, as a rule without the metadata of the table."""
    schema = schema if metadata else schema.remove_metadata()
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> pa.Schema:
    """Rebuild an Arrow schema from `schema_to_text`."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def check_schema(schema: pa.Schema, source: object = "the table") -> None:
    """Raise `DataError` for two columns of one name, and for types whose cells are no single values."""
    names = schema.names
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{source}: several columns have the name {double!r}; rename or drop all but one")
    for column in schema:
        if not is_single(column.type):
            raise DataError(
                f"{source}: column {column.name!r} has the type {column.type}, whose cells are no single values; "
                "drop it, or make columns of numbers, text or dates of it"
            )


def is_single(kind: pa.DataType) -> bool:
    """Whether a cell of the type is one number, text, date or the like: no list, structure or map."""
    if pat.is_dictionary(kind):
        return is_single(kind.value_type)
    odd = isinstance(kind, pa.BaseExtensionType) or pat.is_run_end_encoded(kind) or pat.is_interval(kind)
    return not (pat.is_nested(kind) or odd)
