"""Types of Python objects in columns, and objects with a text form (UUIDs, IP addresses, bytes)."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Callable
from typing import Any

import pandas as pd
from pandas.api import types as pdt

from gensynth.errors import DataError, hint
from gensynth.schema.moments import ELEMENTS, check_objects

_BYTES = (bytes, bytearray)
_TYPES: dict[str, tuple[tuple[type, ...], Callable[[str], Any]]] = {
    "uuid": ((uuid.UUID,), uuid.UUID),
    "ip": ((ipaddress.IPv4Address, ipaddress.IPv6Address), ipaddress.ip_address),
    "bytes": ((bytes,), lambda text: text.encode("latin-1")),
    "bytearray": ((bytearray,), lambda text: bytearray(text, "latin-1")),
}


def _text_element(series: pd.Series[Any]) -> str | None:
    """Return "uuid", "ip", "bytes" or "bytearray" if all elements of an ``object`` column are such, else None."""
    present = series[series.notna()]
    first = next(iter(present), None)
    for name, (types, _) in _TYPES.items():
        if isinstance(first, types):
            return name if all(isinstance(value, types) for value in present) else None
    return None


def is_text_object(element: str) -> bool:
    """Whether `Column.element` is one that is learned as text."""
    return element in _TYPES


def objects_to_text(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with its objects as text; bytes byte by byte (Latin-1), what is text already unchanged."""
    texts = [
        None if missing else value.decode("latin-1") if isinstance(value, _BYTES) else str(value)
        for value, missing in zip(series.tolist(), series.isna().tolist(), strict=True)
    ]
    return pd.Series(texts, index=series.index, dtype=object)


def text_to_objects(texts: list[str], element: str) -> list[Any]:
    """Return the objects that texts stand for; the opposite of `objects_to_text`."""
    make = _TYPES[element][1]
    return [make(text) for text in texts]


def element_of(series: pd.Series[Any], name: str | int) -> str:
    """Return the type of an object column's elements; raise `DataError` if it is not one that can be modelled."""
    element = str(pdt.infer_dtype(series, skipna=True))
    known = ("string", "boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty")
    if element in known:
        return element
    if element in ELEMENTS:
        check_objects(series, name)
        return element
    if (texts := _text_element(series)) is not None:
        return texts
    types = sorted({type(v).__name__ for v in series[series.notna()]})
    raise DataError(
        f"column {name!r} holds Python objects of the type{'s' if len(types) > 1 else ''} {', '.join(types)}; expected "
        "one of text, numbers, booleans or dates"
        + hint(f": make it so, for example by df[{name!r}] = df[{name!r}].astype(str)", "; write it as text")
    )
