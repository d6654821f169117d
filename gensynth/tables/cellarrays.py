"""Lists of rows, and arrays with a mask, as plain arrays of the cells that were given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import DataError


def plain_array(X: Any) -> NDArray[Any]:
    """Return rows, or a column, as an array that holds each cell as it was given.

    numpy would make text of all cells of a list that holds some text, of gaps too, and forget a mask. Of a list that
    holds text beside other things the cells are objects; masked cells are missing (NaN, NaT, or None among objects).

    Parameters
    ----------
    X : array-like of shape (n,) or (n, d)
        Lists, arrays, and what looks like one.
    """
    if isinstance(X, np.ma.MaskedArray):
        return _without_mask(X)
    array = np.asarray(X)
    if isinstance(X, list | tuple) and array.dtype.kind in "US":
        objects = np.array(X, dtype=object)
        if objects.shape == array.shape and not all(isinstance(cell, str | bytes) for cell in objects.flat):
            return objects
    return array


def refuse_mask(X: Any, what: str) -> None:
    """Raise `DataError` if cells of an array are masked; ``what`` they are, in the plural."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        rows = np.flatnonzero(np.ma.getmaskarray(X).reshape(len(X), -1).any(1))
        raise DataError(
            f"{what} are masked, the first in row {rows[0]}; leave such rows out, or give them a value: X.filled(...)"
        )


def _without_mask(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    if not np.ma.is_masked(array):
        return np.asarray(array)
    if array.dtype.kind in "fc":
        return np.asarray(array.filled(np.nan))
    if array.dtype.kind in "Mm":
        moments = np.array(array, subok=False)
        moments[np.ma.getmaskarray(array)] = "NaT"
        return moments
    objects = np.asarray(array).astype(object)
    objects[np.ma.getmaskarray(array)] = None  # what `filled(None)` puts there is the array's own fill value
    return objects
