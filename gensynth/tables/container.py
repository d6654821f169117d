"""Conversion of table containers (pandas, polars, Arrow, numpy) to a DataFrame and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from gensynth.errors import DataError
from gensynth.tables.arrow import check_schema, schema_from_text, schema_to_text
from gensynth.tables.cellarrays import plain_array, refuse_mask
from gensynth.tables.imagearrays import IMAGE, ImageArray, are_images, objects_of
from gensynth.tables.style import FileStyle, style_from_json
from gensynth.tables.table import Table

Family = Literal["pandas", "series", "numpy", "images", "structured", "arrow", "polars"]


@dataclass(frozen=True)
class Container:
    """What kind of table came, so that the same kind can be given back.

    Parameters
    ----------
    family : {"pandas", "series", "numpy", "images", "structured", "arrow", "polars"}
        Kind of container.
    detail : str
        numpy: the dtype; arrow and polars: the serialised Arrow schema; series: its name ("" for none).
    names : tuple of str, int or None
        pandas: the names of the levels of the column labels.
    labels : tuple of tuple or None
        pandas: the column labels, where they have several levels.
    index_name : str, int or None
        pandas: the name of an index with one level.
    style : CsvStyle, ArrowStyle or None
        What the file looked like that the table was read from.
    images : ImageArray or None
        images: how the array held them.
    """

    family: Family = "pandas"
    detail: str = ""
    names: tuple[str | int | None, ...] = (None,)
    labels: tuple[tuple[Any, ...], ...] | None = None
    index_name: str | int | None = None
    style: FileStyle | None = None
    images: ImageArray | None = None

    def restore(self, frame: pd.DataFrame) -> Any:
        """Return the rows of ``frame`` in the container that came in."""
        if self.family == "pandas":
            return self._with_names(frame)
        if self.family == "series":
            return frame.iloc[:, 0].rename(self.detail or None)
        if self.images is not None:
            return self.images.restore(frame.iloc[:, 0].tolist())
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
        try:
            import polars
        except ImportError as error:
            raise DataError(
                "the model was fitted with a polars DataFrame and gives back such, but polars is not installed: pip "
                "install polars, or let gensynth sample write a file, for which it is not needed"
            ) from error
        return polars.from_arrow(table)

    def _with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.names == (None,) and self.index_name is None:
            return frame
        out = frame.copy(deep=False)
        if self.labels is not None and len(self.labels) == len(frame.columns):
            out.columns = pd.MultiIndex.from_tuples(self.labels, names=self.names)
        elif len(self.names) == 1:
            out.columns = out.columns.rename(self.names[0])
        if out.index.nlevels == 1 and out.index.name is None:
            out.index = out.index.rename(self.index_name)
        return out

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; of what only pandas and files have, nothing but what is there."""
        state: dict[str, Any] = {"family": self.family, "detail": self.detail}
        if self.names != (None,):
            state["names"] = list(self.names)
        if self.labels is not None:
            state["labels"] = [list(label) for label in self.labels]
        if self.index_name is not None:
            state["index_name"] = self.index_name
        if self.style is not None:
            state["style"] = self.style.to_json()
        if self.images is not None:
            state["images"] = self.images.to_json()
        return state

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Container:
        """Rebuild from `to_json`."""
        labels, images = state.get("labels"), state.get("images")
        return cls(
            state["family"],
            state["detail"],
            tuple(state.get("names", (None,))),
            None if labels is None else tuple(tuple(label) for label in labels),
            state.get("index_name"),
            style_from_json(state.get("style")),
            None if images is None else ImageArray.from_json(images),
        )


def to_frame(X: Any) -> tuple[pd.DataFrame, Container]:
    """Return a table as a DataFrame, and what it came in. Masked cells of an array are missing.

    Columns of a plain array are named ``x0`` to ``x{d-1}``, the one of an array of images ``image``.

    Parameters
    ----------
    X : DataFrame, Series, ndarray, structured array, pyarrow.Table, polars.DataFrame, Table or list of rows
        The table. Column labels of several levels are joined by ``_``.

    Raises
    ------
    DataError
        If it is none of these, or an array that has neither two dimensions nor those of images.
    """
    if isinstance(X, Table):
        return X.frame, Container(style=X.style)
    if isinstance(X, pd.DataFrame):
        return _from_pandas(X)
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
    if are_images(X):
        return from_images(X)
    if isinstance(X, (np.ndarray, list, tuple)) or hasattr(X, "__array__"):
        return _from_array(plain_array(X))
    remedy = ""
    if isinstance(X, str | os.PathLike):
        remedy = "; a file is read by gensynth.tables.read_table(path)"
    elif isinstance(X, Mapping):
        remedy = "; a mapping of columns becomes one by pandas.DataFrame(X)"
    kind = type(X).__name__ if type(X).__module__ == "builtins" else f"{type(X).__module__}.{type(X).__name__}"
    raise DataError(
        f"X is of type {kind}; expected a DataFrame (pandas or polars), a NumPy array, a pyarrow.Table or a list of "
        f"rows{remedy}"
    )


def _from_pandas(frame: pd.DataFrame) -> tuple[pd.DataFrame, Container]:
    """Return the frame with labels of one level, and the names of its axes (those that are text or whole numbers)."""
    named = tuple(_plain(name) for name in frame.columns.names)
    index = _plain(frame.index.name) if frame.index.nlevels == 1 else None
    if not isinstance(frame.columns, pd.MultiIndex):
        if not frame.columns.is_unique:
            double = frame.columns[frame.columns.duplicated()][0]
            raise DataError(f"several columns have the name {double!r}; rename or drop all but one")
        return frame, Container(names=named, index_name=index)
    labels = tuple(tuple(_plain(part) for part in label) for label in frame.columns)
    strange = next((x for x, y in zip(frame.columns, labels, strict=True) if None in y), None)
    if strange is not None:
        raise DataError(f"column label {strange!r} holds other things than text and whole numbers; rename the columns")
    joined = ["_".join(str(part) for part in label if part != "") for label in labels]
    if len(set(joined)) < len(joined):
        double = next(name for name in joined if joined.count(name) > 1)
        raise DataError(f"several columns have the name {double!r} when their levels are joined; rename all but one")
    return frame.set_axis(pd.Index(joined, dtype=object), axis=1), Container(
        names=named, labels=labels, index_name=index
    )


def _plain(name: Any) -> str | int | None:
    """Return a label as plain text or whole number; None if it is neither."""
    name = name.item() if isinstance(name, np.generic) else name
    return name if isinstance(name, (str, int)) and not isinstance(name, bool) else None


def _from_arrow(table: pa.Table) -> pd.DataFrame:
    check_schema(table.schema)
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


def from_images(X: Any, image_shape: Sequence[int] | None = None) -> tuple[pd.DataFrame, Container]:
    """Return images as a DataFrame with one column, and what they came in.

    Parameters
    ----------
    X : array or list of arrays
        (n, height, width), (n, height, width, channels), (n, channels, height, width), or (n, pixels).
    image_shape : sequence of int or None
        Shape of the images of an array (n, pixels).

    Raises
    ------
    DataError
        The array has another shape, or holds no numbers.
    """
    if isinstance(X, list | tuple) or X.ndim == 1:  # of several sizes, it may be: the schema says which
        return pd.DataFrame({IMAGE: objects_of(X)}), Container()
    refuse_mask(X, "pixels")
    array = np.asarray(X)
    images = ImageArray.of(array, image_shape)
    return pd.DataFrame({IMAGE: images.cells(array)}), Container("images", images=images)


def _fields(text: str) -> list[tuple[Any, ...]]:
    import ast

    fields: list[tuple[Any, ...]] = ast.literal_eval(text)
    return fields
