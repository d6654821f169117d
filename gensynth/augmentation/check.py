"""Cross-validation of augmentation on real rows: does it help a classifier, compared with baselines."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.baselines import Rows, SkippedError, oversampled, smote
from gensynth.augmentation.checked import SIMPLE, AugmentCheck, Way
from gensynth.augmentation.selection import readable
from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.constraints import plain_value
from gensynth.errors import counted, shown
from gensynth.metrics.columns import common_codes
from gensynth.metrics.learners import StackedRows, fitted, learner, stacked
from gensynth.metrics.vectors import is_vector
from gensynth.schema import Column

N_SPLITS = 3
"""Folds of the cross-validation, and models that are trained for it."""

Draw = Callable[[pd.DataFrame], pd.DataFrame]
"""A function that fits a model to the given training rows alone and returns its synthetic rows."""


class UncheckedError(Exception):
    """The reason, in one line, why synthetic rows cannot be checked."""


def cannot_check(frame: pd.DataFrame, target: Hashable | None) -> str | None:
    """Return why rows with this target cannot be checked, None if they can."""
    if target is None:
        return "there is no target"
    column = frame[target].dropna()
    if frame.shape[1] < 2:
        return "there is no column but the target"
    if is_continuous(column):
        return f"the target {shown(target)} holds numbers or dates, not classes"
    counts = column.value_counts()
    counts = counts[counts > 0]
    if not 2 <= len(counts) <= MAX_CLASSES:
        return f"the target {shown(target)} has {counted(len(counts), 'class', 'classes')}, not 2 to {MAX_CLASSES}"
    if counts.iloc[-1] < 2 * N_SPLITS:
        return (
            f"the class {shown(counts.index[-1])} has {counted(int(counts.iloc[-1]), 'row')}, and {N_SPLITS} folds "
            f"need {2 * N_SPLITS}"
        )
    return None


@contextlib.contextmanager
def _failures_told() -> Iterator[None]:
    """Turn every error within the block into an `UncheckedError`, and suppress warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to say was said of the whole table
            yield
    except Exception as error:  # of any kind: a plugin's model may raise what it likes, and make what it likes
        raise UncheckedError(
            f"the model of a fold failed: {' '.join(str(error).split()) or type(error).__name__}"
        ) from error


class CheckFolds:
    """Cross-validation folds on which the rows of several models are checked; baselines are scored once.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Real rows with their target.
    target : hashable
        Column of classes.
    columns : sequence of Column
        Schemas of the columns: identifiers are left out, and numbers and dates in text are parsed.
    seed : int
        Seed of folds, trees and oversampling.

    Raises
    ------
    UncheckedError
        If there is nothing to check (`cannot_check`).
    """

    def __init__(self, frame: pd.DataFrame, target: Hashable, columns: Sequence[Column] = (), seed: int = 0) -> None:
        from sklearn.model_selection import StratifiedKFold

        self.target, self.seed = target, seed
        self._skipped: str | None = None
        self._keys = {column.name for column in columns if column.kind == "identifier"} - {target}
        reason = cannot_check(frame.drop(columns=list(self._keys)), target)
        if reason is not None:
            raise UncheckedError(reason)
        known = frame[frame[target].notna()].reset_index(drop=True)
        self._features = [column for column in columns if column.name != target and column.kind != "identifier"]
        codes, classes = pd.factorize(known[target])
        counts = np.bincount(codes)
        self.rarest = classes[int(counts.argmin())] if len(counts) == 2 else None
        self._parts = [
            (known.iloc[fold].reset_index(drop=True), known.iloc[held].reset_index(drop=True))
            for fold, held in StratifiedKFold(N_SPLITS, shuffle=True, random_state=seed).split(known, codes)
        ]

    def prepare(self) -> float:
        """Score the baselines ahead of `check`; return the approximate seconds that a model's rows take."""
        start = time.perf_counter()
        with _failures_told():
            n_ways = len(self._simple)
        return (time.perf_counter() - start) / n_ways

    def check(self, draw: Draw) -> AugmentCheck:
        """Cross-validate a classifier with and without synthetic rows.

        Raises
        ------
        UncheckedError
            A model of a fold fails, or its rows cannot be compared.
        """
        with _failures_told():
            synthetic = tuple(self._with_rows(*part, draw) for part in self._parts)
            simple = self._simple
        first = self._parts[0][0]
        images = any(is_vector(first[name]) for name in first if name != self.target)
        about = {"positive": plain_value(self.rarest), "skipped": self._skipped, "images": images}
        return AugmentCheck(synthetic, **about, **simple)

    def _with_rows(self, train: pd.DataFrame, test: pd.DataFrame, draw: Draw) -> float:
        """Return the score with synthetic rows from a model of the training rows."""
        rows = draw(train)
        new = rows.loc[rows[self.target].notna(), list(train.columns)]
        both = pd.concat([self._read(train), self._read(new)], ignore_index=True)
        return self._arrays(both, test).score(self.seed)

    @cached_property
    def _simple(self) -> dict[str, Any]:
        """Scores of the baselines by name, for those that worked on every fold."""
        scores: dict[Way, list[float]] = {way: [] for way in SIMPLE}
        for train, test in self._parts:
            fold = self._arrays(self._read(train), test)
            scores["nothing"].append(fold.score(self.seed))
            scores["weights"].append(fold.score(self.seed, class_weight="balanced"))
            scores["oversampling"].append(fold.score(self.seed, oversampled(fold.taught, fold.y, self.seed)))
            if self._skipped is None:
                try:
                    rows = smote(fold.taught, fold.y, fold.rows.is_category, self.seed)
                except SkippedError as reason:
                    self._skipped, rows = str(reason), None
                if rows is not None:
                    scores["smote"].append(fold.score(self.seed, rows))
        return {way: tuple(found) for way, found in scores.items() if len(found) == N_SPLITS}

    def _read(self, frame: pd.DataFrame) -> pd.DataFrame:
        return readable(frame, self._features, self._keys)

    def _arrays(self, train: pd.DataFrame, test: pd.DataFrame) -> _Arrays:
        """Return training and test rows as arrays of features."""
        positive = (test[self.target] == self.rarest).to_numpy(dtype=bool)
        test = self._read(test)
        rows = stacked(train.drop(columns=self.target), test.drop(columns=self.target))
        y, truth, n_codes = common_codes(train[self.target], test[self.target])
        labels = np.unique(truth if self.rarest is None else truth[positive])
        return _Arrays(rows, y, truth, labels, n_codes)


@dataclass(frozen=True)
class _Arrays:
    """One fold: features of the training rows followed by the test rows, and the classes of both."""

    rows: StackedRows
    y: NDArray[np.int64]
    truth: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_codes: int

    @property
    def taught(self) -> NDArray[np.float64]:
        """Features of the training rows."""
        return self.rows.X[: len(self.y)]

    def score(self, seed: int, rows: Rows | None = None, **options: Any) -> float:
        """Return the mean average precision over the target classes, trained on other rows if given."""
        from sklearn.metrics import average_precision_score

        X, y = (self.taught, self.y) if rows is None else rows
        model = fitted(learner("classification", self.rows, seed, **options), X, y)
        chances: NDArray[np.float64] = np.zeros((len(self.truth), self.n_codes))
        chances[:, model.classes_] = model.predict_proba(self.rows.X[len(self.y) :])
        found = [average_precision_score(self.truth == label, chances[:, label]) for label in self.labels]
        return float(np.mean(found))


def check_rows(
    frame: pd.DataFrame, target: Hashable, draw: Draw, columns: Sequence[Column] = (), seed: int = 0
) -> AugmentCheck:
    """Cross-validate a classifier with and without synthetic rows: `CheckFolds`, of one model."""
    return CheckFolds(frame, target, columns, seed).check(draw)
