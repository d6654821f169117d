"""Columns whose cells are arrays of numbers of one shape: images, or features of them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.tables.imagearrays import is_image

Vectors = NDArray[np.floating[Any]]


def is_vector(column: pd.Series[Any]) -> bool:
    """Return whether the cells of a column are arrays: its first one is."""
    if column.dtype != object or not len(column):
        return False
    first = column.iloc[0]
    return isinstance(first, np.ndarray) or is_image(first)


def vector_columns(frame: pd.DataFrame) -> list[Any]:
    """Return the columns whose cells are arrays."""
    return [name for j, name in enumerate(frame.columns) if is_vector(frame.iloc[:, j])]


def vectors(column: pd.Series[Any], like: pd.Series[Any] | None = None) -> Vectors:
    """Return the cells of a column as rows (n, d), float32 where that holds all their values, else float64.

    Parameters
    ----------
    column : Series
        The column.
    like : Series, optional
        The real column that it is compared with: cells must have its shape.

    Raises
    ------
    DataError
        A cell is no array, or of another shape; names the row.
    """
    if not len(column):
        width = 0 if like is None or not len(like) else _array(like.iloc[0]).size
        return np.empty((0, width), np.float32)
    shape = _shape((column if like is None or not len(like) else like).iloc[0])
    cells = [_array(cell) for cell in column.array]
    for row, cell in enumerate(cells):
        if cell.dtype.kind not in "biuf" or _shape(cell) != shape:
            what = f"an array of shape {cell.shape}" if cell.ndim else "no array"
            expected = " x ".join(map(str, shape))
            raise DataError(f"column {column.name!r}, row {row} holds {what}; expected {expected} numbers")
    dtype = np.result_type(*{cell.dtype for cell in cells})
    exact = np.float32 if (dtype.kind in "bu" and dtype.itemsize <= 2) or dtype == np.float32 else np.float64
    return np.stack([cell.ravel() for cell in cells]).astype(exact)


def digests(column: pd.Series[Any]) -> NDArray[np.object_]:
    """Return a text for each cell (n,), the same for cells of equal shape and values, whatever their dtype."""
    out = np.empty(len(column), dtype=object)
    for row, cell in enumerate(column.array):
        array = _array(cell)
        values = np.ascontiguousarray(array, dtype=np.float64) + 0.0  # -0 is 0
        out[row] = f"{_shape(array)}{hashlib.blake2b(values.tobytes(), digest_size=16).hexdigest()}"
    return out


def shrunk(column: pd.Series[Any], most: int = 1_024) -> pd.Series[Any]:
    """Return images as arrays of so many numbers at most, the means of squares of pixels; others as they are."""
    images = [_array(cell) for cell in column.array]
    if not images or images[0].ndim < 2 or images[0].size <= most:
        return column
    first = images[0]
    channels_first = first.ndim == 3 and first.shape[0] < first.shape[-1]
    by = int(np.ceil((first.size / most) ** 0.5))
    out = np.empty(len(images), dtype=object)
    for row, image in enumerate(images):
        whole = np.moveaxis(image, 0, -1) if channels_first else image
        height, width = max(whole.shape[0] // by, 1), max(whole.shape[1] // by, 1)
        tall, wide = min(by, whole.shape[0]), min(by, whole.shape[1])
        cut = whole[: height * tall, : width * wide].astype(np.float32)
        out[row] = cut.reshape(height, tall, width, wide, -1).mean(axis=(1, 3))
    return pd.Series(out, index=column.index, name=column.name)


def unit_spread(parts: list[Vectors], n_first: int) -> list[Vectors]:
    """Return vectors of several tables in units in which two rows of the first ``n_first`` are 1 apart.

    By the root of the mean square: as two different categories are.
    """
    first = np.concatenate(parts[:n_first])
    spread = float(np.sqrt(2 * first.var(axis=0, dtype=np.float64).sum())) if len(first) else 0.0
    if spread <= 0:
        return parts
    return [(part / part.dtype.type(spread)) for part in parts]


def _array(cell: Any) -> NDArray[Any]:
    if isinstance(cell, np.ndarray):
        return cell
    if is_image(cell):
        from gensynth.tables.imagefile import as_array  # imports Pillow

        return as_array(cell)
    return np.asarray(None)  # of no shape, which no column has


def _shape(cell: Any) -> tuple[int, ...]:
    """Return the shape of a cell, one channel being none."""
    shape = _array(cell).shape
    return shape[:-1] if len(shape) == 3 and shape[-1] == 1 else shape
