"""The kinds of table that people hold, as a DataFrame and back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from gensynth.errors import DataError
from gensynth.tables.arrow import schema_from_text, schema_to_text

Family = Literal["pandas", "series", "numpy", "structured", "arrow", "polars"]


@dataclass(frozen=True)
class Container:
    """What kind of table came, so that the same kind can be given back.

    Parameters
    ----------
    family : {"pandas", "series", "numpy", "structured", "arrow", "polars"}
        Kind of container.
    detail : str
        numpy: the dtype; arrow and polars: the serialised Arrow schema; series: its name ("" for none).
    """

    family: Family = "pandas"
    detail: str = ""

    def restore(self, frame: pd.DataFrame) -> Any:
        """Return the rows of ``frame`` in the container that came in."""
        if self.family == "pandas":
            return frame
        if self.family == "series":
            return frame.iloc[:, 0].rename(self.detail or None)
        if self.family == "numpy":
            dtype = np.dtype(self.detail)
            if dtype.kind == "O" or len(frame.columns) == 0:
                return frame.astype(object).to_numpy(dtype=object)
            return np.array(frame.to_numpy(dtype=None if dtype.kind in "OUS" else dtype)).astype(dtype)
        if self.family == "structured":
            dtype = np.dtype([tuple(part) for part in _fields(self.detail)])
            out = np.empty(len(frame), dtype=dtype)
            for name in dtype.names or ():
                out[name] = frame[name].to_numpy()
            return out
        schema = schema_from_text(self.detail)
        names = [field for field in schema if field.name in frame.columns]
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        if len(names) == len(frame.columns):
            table = table.select([f.name for f in names]).cast(pa.schema(names, metadata=schema.metadata))
        if self.family == "arrow":
            return table
        import polars

        return polars.from_arrow(table)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"family": self.family, "detail": self.detail}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Container:
        """Rebuild from `to_json`."""
        return cls(state["family"], state["detail"])


def to_frame(X: Any) -> tuple[pd.DataFrame, Container]:
    """Return a table as a DataFrame, and what it came in.

    Columns of a plain array are named ``x0`` to ``x{d-1}``.

    Parameters
    ----------
    X : DataFrame, Series, ndarray, structured array, pyarrow.Table, polars.DataFrame or list of rows
        The table.

    Raises
    ------
    DataError
        If it is none of these, or an array that does not have two dimensions.
    """
    if isinstance(X, pd.DataFrame):
        return X, Container()
    if isinstance(X, pd.Series):
        name = X.name if X.name is not None else "x0"
        return X.to_frame(name), Container("series", "" if X.name is None else str(X.name))
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(X, polars.DataFrame):
        table = X.to_arrow(compat_level=polars.CompatLevel.oldest())
        return _from_arrow(table), Container("polars", schema_to_text(table.schema))
    if isinstance(X, pa.Table):
        return _from_arrow(X), Container("arrow", schema_to_text(X.schema))
    if polars is not None and isinstance(X, polars.LazyFrame):
        raise DataError("a polars LazyFrame came; call .collect() on it first")
    if isinstance(X, np.ndarray) and X.dtype.names:
        return pd.DataFrame({name: X[name] for name in X.dtype.names}), Container("structured", repr(X.dtype.descr))
    if isinstance(X, (np.ndarray, list, tuple)) or hasattr(X, "__array__"):
        return _from_array(np.asarray(X))
    raise DataError(
        f"a {type(X).__module__}.{type(X).__name__} came; expected a DataFrame (pandas or polars), a NumPy array, "
        "a pyarrow.Table or a list of rows"
    )


def _from_arrow(table: pa.Table) -> pd.DataFrame:
    names = table.column_names
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise DataError(f"several columns have the name {double!r}; rename or drop all but one")
    return pd.DataFrame(table.replace_schema_metadata(None).to_pandas(types_mapper=pd.ArrowDtype), copy=False)


def _from_array(array: np.ndarray[Any, Any]) -> tuple[pd.DataFrame, Container]:
    if array.ndim != 2:
        raise DataError(
            f"expected a 2D array, got an array of shape {array.shape}. Reshape your data: array.reshape(-1, 1) for "
            "one column, array.reshape(1, -1) for one row"
        )
    if array.dtype.kind not in "biufOUSMm":
        raise DataError(f"an array of the dtype {array.dtype} came; expected numbers, text or objects")
    frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])
    if array.dtype.kind in "OUS":
        frame = frame.astype(object).infer_objects()
    return frame, Container("numpy", array.dtype.str)


def _fields(text: str) -> list[tuple[Any, ...]]:
    import ast

    fields: list[tuple[Any, ...]] = ast.literal_eval(text)
    return fields
