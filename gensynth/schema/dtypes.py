"""pandas dtypes as text and back, the same under pandas 2 and 3."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types as pdt

_ARROW = "arrow:"


def dtype_to_text(dtype: Any) -> str:
    """Return a name that `dtype_from_text` turns back into ``dtype`` (a categorical is just "category")."""
    if isinstance(dtype, pd.ArrowDtype):
        return _ARROW + arrow_type_to_text(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.StringDtype):
        if dtype.na_value is not pd.NA:
            return "str"
        return f"string[{dtype.storage}]"
    return str(dtype)


def dtype_from_text(text: str) -> Any:
    """Rebuild a dtype; the text type of pandas 3 becomes ``object`` under pandas 2."""
    if text.startswith(_ARROW):
        return pd.ArrowDtype(arrow_type_from_text(text.removeprefix(_ARROW)))
    if text.startswith("string["):
        return pd.StringDtype(text[len("string[") : -1])
    if text == "str":
        return pd.Series(["a"]).dtype  # whatever this pandas calls text
    if text.startswith("object"):
        return np.dtype(object)
    return pdt.pandas_dtype(text)


def arrow_type_to_text(kind: pa.DataType) -> str:
    """Return the alias of a simple Arrow type, or the base64 of its serialised schema."""
    try:
        if pa.type_for_alias(str(kind)) == kind:
            return str(kind)
    except ValueError:
        pass  # a type with parameters has no alias
    return "base64," + base64.b64encode(pa.schema([("", kind)]).serialize().to_pybytes()).decode()


def arrow_type_from_text(text: str) -> pa.DataType:
    """Rebuild an Arrow type from `arrow_type_to_text`."""
    if text.startswith("base64,"):
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text.removeprefix("base64,")))).field(0).type
    return pa.type_for_alias(text)


def is_text_dtype(dtype: Any) -> bool:
    """Whether a column of this dtype holds text (an ``object`` column has to be looked into)."""
    if isinstance(dtype, pd.StringDtype):
        return True
    return isinstance(dtype, pd.ArrowDtype) and bool(
        pa.types.is_string(dtype.pyarrow_dtype) or pa.types.is_large_string(dtype.pyarrow_dtype)
    )


def fill_to_text(dtype: Any) -> str:
    """Return what a sparse dtype leaves out as `sparse_dtype` reads it."""
    fill = dtype.fill_value
    if pd.isna(fill):
        return "missing"
    fill = fill.item() if isinstance(fill, np.generic) else fill
    return json.dumps(fill if isinstance(fill, str | int | float) else str(fill))


def sparse_dtype(subtype: Any, text: str) -> pd.SparseDtype:
    """Return the sparse dtype over a dense one that leaves out what `fill_to_text` says."""
    fill: Any = np.nan if text == "missing" else json.loads(text)
    if subtype.kind in "mM":
        fill = pd.NaT if text == "missing" else pd.Series([fill]).astype(subtype).iloc[0]
    dtype: pd.SparseDtype = pd.SparseDtype(subtype, fill)
    return dtype
