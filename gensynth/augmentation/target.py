"""The target column beside the features, in any kind of container."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from gensynth.augmentation.containers import plain, stack, take, with_column
from gensynth.augmentation.strategy import factorized
from gensynth.errors import DataError, hint
from gensynth.metrics.columns import is_decimal, kind_of

MAX_CLASSES = 50
"""Maximal number of distinct target values that `Target` treats as classes if the task is not given."""


def labels_of(y: Any) -> pd.Series[Any]:
    """Return the class of each row; one-hot rows become the position of their one.

    Raises
    ------
    DataError
        If the target is continuous, multilabel or has several outputs.
    """
    columns = columns_of(y)
    if columns.shape[1] == 1:
        labels = columns.iloc[:, 0].rename(str(y.name) if isinstance(y, pd.Series) and y.name is not None else None)
        if is_continuous(labels):
            first = labels.dropna().iloc[0]
            number = isinstance(first, np.number | float)
            cure = "cut it into classes first" if number else "make each a class first" + hint(" (`y.astype(str)`)")
            held = "numbers" if number else "durations" if isinstance(first, dt.timedelta) else "dates"
            raise DataError(
                f"Unknown label type: continuous. The target holds {held} such as {first}, not classes, so there is "
                "nothing to balance; add rows by number or ratio instead ("
                f"{hint('`augment(n_rows=...)`, `augment(ratio=...)`', '--rows N, --ratio R')}), or {cure}"
            )
        return labels
    values = columns.to_numpy()
    if not np.isin(values, (0, 1)).all() or (values.sum(axis=1) > 1).any():
        raise DataError(
            f"the target has {values.shape[1]} columns. Multilabel and multioutput targets are not supported; give "
            "one column of classes, or one-hot rows"
        )
    return pd.Series(values.argmax(axis=1))


def columns_of(y: Any) -> pd.DataFrame:
    """Return the target as a frame of one column per output, numbered afresh."""
    if y is None:
        raise DataError("requires y to be passed, but the target y is None")
    if isinstance(y, pd.DataFrame):
        return y.reset_index(drop=True)
    if isinstance(y, pd.Series | pd.Index):
        return pd.DataFrame({0: y}).reset_index(drop=True)
    if hasattr(y, "to_pandas"):  # polars, Arrow
        return columns_of(y.to_pandas())
    values = np.asarray(y, dtype=object) if _is_mixed(y) else np.asarray(y)
    if values.ndim not in (1, 2):
        raise DataError(f"y should be a 1d array, got an array of shape {values.shape} instead")
    return pd.DataFrame(values)


def _is_mixed(y: Any) -> bool:
    """Return whether a list holds text beside other things, which numpy would turn into text."""
    return isinstance(y, list | tuple) and len({isinstance(v, str) for v in y}) > 1


def is_continuous(values: pd.Series[Any]) -> bool:
    """Return whether a column holds fractions, infinities, complex numbers or dates: nothing that could be a class."""
    if kind_of(values) == "categorical":
        return bool(pd.api.types.is_complex_dtype(values.dtype))
    if not pd.api.types.is_numeric_dtype(values.dtype) and not is_decimal(values):
        return True
    if pd.api.types.is_integer_dtype(values.dtype):
        return False
    numbers = values.dropna().to_numpy(dtype=np.float64)
    return bool((numbers != np.floor(numbers)).any() or np.isinf(numbers).any())


class Target:
    """The columns of a target, joined to the features they belong to.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, n_outputs)
        The target.
    frame : DataFrame of shape (n, n_features)
        The features.

    Attributes
    ----------
    joined : DataFrame of shape (n, n_features + n_outputs)
        Features and target; classes are texts, so that they come back exactly.
    """

    def __init__(self, y: Any, frame: pd.DataFrame) -> None:
        columns = columns_of(y)
        if len(columns) != len(frame):
            raise DataError(f"X has {len(frame)} rows and y has {len(columns)}; they have to be the same number")
        self._y = plain(y)
        self._examples: dict[str, int] = {}
        self._names: list[str] = []
        self.joined = frame.copy(deep=False)
        for j in range(columns.shape[1]):
            column = columns.iloc[:, j]
            if columns.shape[1] == 1 and not is_continuous(column) and column.nunique() <= MAX_CLASSES:
                codes = factorized(column)[1]
                self._examples = {f"c{k}": i for k, i in zip(*np.unique(codes, return_index=True), strict=True)}
                column = pd.Series([f"c{k}" for k in codes], dtype="category")
            name = free_name(f"target{j}", frame)
            self._names.append(name)
            self.joined = with_column(self.joined, name, column)

    def extended(self, rows: pd.DataFrame) -> Any:
        """Return the whole target: the real rows followed by those of ``rows``."""
        return stack(self._y, self.restore(rows))

    def restore(self, rows: pd.DataFrame) -> Any:
        """Return the target of synthetic rows in the container and with the dtype of ``y``."""
        if self._examples:
            return take(self._y, np.asarray(rows[self._names[0]].map(self._examples), dtype=np.int64))
        part = rows[self._names]
        if isinstance(self._y, pd.DataFrame):
            return part.set_axis(self._y.columns, axis=1).astype(self._y.dtypes.to_dict())
        if isinstance(self._y, pd.Series):
            return part.iloc[:, 0].astype(self._y.dtype)
        values = part.to_numpy()
        if np.ndim(self._y) == 1:
            values = values[:, 0]
        return values.tolist() if isinstance(self._y, list | tuple) else values


def free_name(wanted: str, frame: pd.DataFrame) -> str:
    """Return ``wanted``, with underscores in front until no column of ``frame`` has that name."""
    while wanted in frame.columns:
        wanted = f"_{wanted}"
    return wanted
