"""Stratified random split of a table into training and held-out rows."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.constraints import number
from gensynth.errors import DataError, OptionError, counted
from gensynth.evaluation.samples import MIN_ROWS
from gensynth.metrics.learned import is_regression


def split_table(
    frame: pd.DataFrame, target: Hashable | None, test_size: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and held-out rows.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        All rows.
    target : hashable or None
        Column of which both parts get the classes in their proportions, where it has classes of two rows and more.
    test_size : float
        Share of the rows that is held out, in (0, 1); `MIN_ROWS` at least.
    seed : int
        Seed of the split.

    Raises
    ------
    OptionError
        ``test_size`` is not in (0, 1).
    DataError
        There are too few rows for two parts.
    """
    from sklearn.model_selection import train_test_split

    if not number(0, 1, open_low=True, open_high=True).allows(test_size):
        raise OptionError(f"test_size={test_size!r}, expected a number in (0, 1): the share of the rows to hold out")
    n_held = max(round(test_size * len(frame)), MIN_ROWS)
    if len(frame) - n_held < MIN_ROWS:
        raise DataError(
            f"{counted(len(frame), 'row')}, of which {n_held} are held out: at least {MIN_ROWS} must be left to train "
            f"on, and {MIN_ROWS} to judge by; give a table of more rows"
        )
    classes = None if target is None else _classes(frame[target], n_held)
    train, held = train_test_split(np.arange(len(frame)), test_size=n_held, random_state=seed, stratify=classes)
    return tuple(frame.iloc[np.sort(part)].reset_index(drop=True) for part in (train, held))  # type: ignore[return-value]


def _classes(column: pd.Series[Any], n_held: int) -> NDArray[np.int64] | None:
    """Return the class of each row; None without classes, or if a class cannot be in both parts."""
    if is_regression(column):
        return None
    codes, values = pd.factorize(column, use_na_sentinel=False)
    if np.bincount(codes).min() < 2 or not len(values) <= min(n_held, len(column) - n_held):
        return None
    return codes
