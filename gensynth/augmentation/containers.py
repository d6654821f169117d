"""Selection by position and concatenation of rows, for every kind of container."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from gensynth.engine.inputs.images import check_image_shape, image_table
from gensynth.errors import DataError
from gensynth.tables import Container, to_frame
from gensynth.tables.cellarrays import refuse_mask
from gensynth.tables.imagearrays import are_images
from gensynth.training.weights import read_weights


def with_column(table: Any, name: Any, values: Any) -> Any:
    """Return the table with one more column.

    Where the labels of a DataFrame have several levels, ``name`` is that of the first one. (Setting the column would
    warn where pandas holds the frame in many blocks.)
    """
    if not isinstance(table, pd.DataFrame):
        return _with_column_of_other(table, name, values)
    values = values.set_axis(table.index) if isinstance(values, pd.Series) else values
    columns = table.columns
    label = (name, *[""] * (columns.nlevels - 1)) if columns.nlevels > 1 else name
    out = pd.concat([table, pd.Series(values, index=table.index, name=name)], axis=1)
    return out.set_axis(columns.insert(len(columns), label), axis=1)


def _with_column_of_other(table: Any, name: str, values: NDArray[Any]) -> Any:
    if hasattr(table, "append_column"):  # Arrow
        import pyarrow as pa

        return table.append_column(name, pa.array(values))
    import polars as pl

    return table.with_columns(pl.Series(name, values))


def plain(rows: Any) -> Any:
    """Return rows in a container that `take` and `stack` support; array-likes become arrays.

    Raises
    ------
    DataError
        If it is sparse, has masked cells, or is no container of rows.
    """
    refuse_mask(rows, "cells")  # real rows come back as they came, and a mask would not
    if isinstance(rows, pd.DataFrame | pd.Series | pd.Index | np.ndarray | list | tuple):
        return rows
    if type(rows).__module__.partition(".")[0] in ("polars", "pyarrow"):
        return rows
    if hasattr(rows, "tocsr"):
        raise DataError("Sparse data was passed, but dense data is required; use .toarray() or a DataFrame")
    if hasattr(rows, "__array__"):
        return np.asarray(rows)
    raise DataError(f"rows of type {type(rows).__qualname__} cannot be augmented; give a pandas DataFrame or an array")


def table_of(X: Any, image_shape: Any) -> tuple[pd.DataFrame, Container]:
    """Return features as a table, with images as a column, and their container.

    Raises
    ------
    DataError
        The rows are complex numbers, or no images of that shape.
    """
    image_shape = check_image_shape(image_shape)
    if are_images(X) or (image_shape is not None and isinstance(X, np.ndarray)):
        return image_table(X, None, image_shape)
    if isinstance(X, list | tuple):
        X = np.array(X, dtype=object)  # or one text would make texts of all numbers
    if isinstance(X, np.ndarray) and X.dtype.kind == "c":
        raise DataError("Complex data not supported; give real and imaginary parts as columns of their own")
    return to_frame(X)


def take(rows: Any, positions: NDArray[np.int64]) -> Any:
    """Return rows at ``positions`` (not negative), in the container and with the dtype of ``rows``."""
    if isinstance(rows, pd.DataFrame | pd.Series):
        return rows.iloc[positions]
    if isinstance(rows, list | tuple):
        return type(rows)(rows[i] for i in positions)
    if hasattr(rows, "take") and not isinstance(rows, np.ndarray | pd.Index):  # pyarrow
        return rows.take(positions)
    return rows[positions]


def dense(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without sparse columns."""
    sparse = {name: dtype.subtype for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.SparseDtype)}
    return frame.astype(sparse) if sparse else frame


def cast_like(pattern: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``frame`` with the dtypes of ``pattern``."""
    return frame.astype({name: dtype for name, dtype in pattern.dtypes.items() if frame[name].dtype != dtype})


def stack(upper: Any, lower: Any) -> Any:
    """Return the rows of ``upper``, bit for bit, followed by those of ``lower``, in the same container type.

    A pandas index is numbered afresh.

    Raises
    ------
    DataError
        If the kind of container cannot be stacked.
    """
    if isinstance(upper, pd.DataFrame):
        return pd.concat([upper, cast_like(upper, lower)], ignore_index=True)
    if isinstance(upper, pd.Series):
        return pd.concat([upper, lower.astype(upper.dtype)], ignore_index=True).rename(upper.name)
    if isinstance(upper, pd.Index):
        return upper.append(lower)
    if isinstance(upper, np.ndarray):
        return np.concatenate([upper, np.asarray(lower, dtype=upper.dtype)])
    if isinstance(upper, list | tuple):
        return type(upper)([*upper, *(lower.tolist() if isinstance(lower, np.ndarray) else lower)])
    module = type(upper).__module__.partition(".")[0]
    if module == "polars":
        return upper.clone().extend(lower)
    if module == "pyarrow":
        return _stack_arrow(upper, lower)
    raise DataError(f"rows of type {type(upper).__qualname__} cannot be augmented; give a pandas DataFrame or an array")


def _stack_arrow(upper: Any, lower: Any) -> Any:
    import pyarrow as pa

    if isinstance(upper, pa.Table):
        return pa.concat_tables([upper, lower.cast(upper.schema)])
    if isinstance(upper, pa.ChunkedArray):
        chunks = lower.chunks if isinstance(lower, pa.ChunkedArray) else [lower]
        return pa.chunked_array([*upper.chunks, *chunks], type=upper.type)
    return pa.concat_arrays([upper, lower])


def weighted(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, NDArray[np.float64] | None]:
    """Return the rows of positive weight, their targets and their weights as they were given."""
    if sample_weight is None:
        return X, y, None
    given = read_weights(sample_weight, _num_samples(X))
    if (given > 0).all():
        return X, y, given
    kept = np.flatnonzero(given)
    return take(X, kept), None if y is None else take(plain(y), kept), given[kept]


def extended(X: Any, container: Container, rows: pd.DataFrame) -> Any:
    """Return the rows ``X`` followed by synthetic ones, in the container of ``X``."""
    new = container.restore(rows) if len(rows) else take(X, np.zeros(0, dtype=np.int64))
    if isinstance(X, list | tuple) and isinstance(new, pd.DataFrame):  # images, which a list holds one by one
        new = new.iloc[:, 0].tolist()
    return stack(X, new)
