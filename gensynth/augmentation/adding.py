"""Generate the synthetic rows of `augment`, per class or for the whole table, and check their effect."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from gensynth.augmentation.augmenter import Augmenter
from gensynth.augmentation.check import N_SPLITS, CheckFolds
from gensynth.augmentation.checked import AugmentCheck
from gensynth.augmentation.containers import with_column
from gensynth.augmentation.oversampling import without
from gensynth.augmentation.strategy import FULL, classes_of, rows_to_add
from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.errors import DataError, OptionError, hint, shown
from gensynth.tables.imagearrays import check_target
from gensynth.training import Trainer
from gensynth.training.schedule import STOPPED


def limited(trainer: Any, seconds: float) -> Trainer:
    """Return a trainer with a time budget."""
    out: Trainer = (Trainer() if trainer is None else clone(trainer)).set_params(max_time=seconds)
    return out


def added(
    frame: pd.DataFrame, target: Hashable | None, augmenter: Augmenter, n: int | None
) -> tuple[pd.DataFrame, NDArray[np.float64] | None]:
    """Return ``n`` new rows, or those that balance the classes and weights of the real rows in a comparison."""
    if n is None:
        return _balanced(frame, target, augmenter)
    return augmenter.fit_extend(frame, None, n)[0].iloc[len(frame) :].reset_index(drop=True), None


def checked(
    folds: CheckFolds, augmenter: Augmenter, n: int | None, n_real: int, each: float | None, times: float = N_SPLITS
) -> AugmentCheck:
    """Check the rows of an augmenter.

    Parameters
    ----------
    folds : CheckFolds
        Of the real rows.
    augmenter : Augmenter
        Fitted anew on each fold.
    n : int or None
        Rows that are added to all real ones; None: the classes are filled up.
    n_real : int
        How many real rows there are.
    each : float or None
        Time of a model of a fold, in seconds; None for the trainer's own.
    times : float
        How many times as long the model of the new rows has, for the note on models that were stopped.

    Raises
    ------
    UncheckedError
        A model of a fold fails.
    """
    stopped = False

    def draw(train: pd.DataFrame) -> pd.DataFrame:
        nonlocal stopped
        other = clone(augmenter)
        if each is not None:
            other.set_params(trainer=limited(augmenter.trainer, each))
        start = time.perf_counter()
        share = None if n is None else max(round(n * len(train) / n_real), 1)
        rows = added(train, folds.target, other, share)[0]
        stopped |= each is not None and time.perf_counter() - start >= STOPPED * each
        return rows

    found = folds.check(draw)
    if not stopped:
        return found
    told = f"the models of the check were stopped by the time limit after {each:.3g} s, where the new rows' had "
    told += f"{times:.3g} times as long: with more time the new rows may do better"
    return replace(found, note=told)


def stand_ins(frame: pd.DataFrame, target: Hashable | None, n: int | None, strategy: str = FULL) -> NDArray[np.int64]:
    """Return positions of real rows to stand in for the synthetic ones: as many, and of the same classes.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Real rows.
    target : hashable or None
        Column of classes.
    n : int or None
        Rows that are to be added; None: the classes are filled up.
    strategy : str
        How far they are, as `rows_to_add` has it.

    Raises
    ------
    OptionError
        The target is a column of images, or holds no classes that could be filled up.
    DataError
        There is but one class, a row without one, or no column but the target.
    """
    check_target(frame, target)
    if n is not None:
        return np.arange(n) % max(len(frame), 1)
    column = frame[target].rename(str(target))
    n_values = column.nunique()
    if is_continuous(column) or (n_values > MAX_CLASSES and n_values > len(frame) / 10):
        raise OptionError(
            f"target {shown(target)} has {n_values} different values in {len(frame)} rows: numbers or names rather "
            "than classes, so it cannot be balanced; add rows with "
            f"{hint('n_rows=... or ratio=...', '--rows N or --ratio R')} instead"
        )
    if frame.shape[1] < 2:
        raise DataError(f"the table holds nothing but the target {shown(target)}; at least one more column is needed")
    codes = classes_of(column)[1]
    new = rows_to_add(strategy, dict(enumerate(np.bincount(codes).tolist())), codes)
    return np.concatenate([np.resize(np.flatnonzero(codes == k), n_new) for k, n_new in new.items()])


def _balanced(frame: pd.DataFrame, target: Hashable, augmenter: Augmenter) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the rows that balance the classes, and weights that give the real rows their class frequencies."""
    column = frame[target].rename(str(target))
    augmenter.set_params(schema=without(augmenter.schema, {target}))  # the class has a column of its own there
    X, y = augmenter.fit_resample(frame.drop(columns=[target]), column)
    rows = with_column(X, target, y)[list(frame.columns)].iloc[len(frame) :].reset_index(drop=True)
    classes, codes = classes_of(column)
    added = np.array([augmenter.sampling_strategy_.get(c, 0) for c in classes])
    return rows, (added / np.bincount(codes))[codes]
