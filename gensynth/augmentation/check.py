"""Whether synthetic rows help a classifier: cross-validation on real rows, beside nothing and simpler ways."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.baselines import Rows, SkippedError, oversampled, smote
from gensynth.augmentation.selection import readable
from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.constraints import plain_value
from gensynth.errors import counted, shown
from gensynth.html import Section, fragment
from gensynth.metrics.columns import common_codes
from gensynth.metrics.learners import Stacked, fitted, learner, stacked
from gensynth.metrics.vectors import is_vector
from gensynth.schema import Column

N_SPLITS = 3
"""Folds of the cross-validation, and models that are trained for it."""
_LEAST = 0.005  # difference of scores that is worth a word
_SURE = 0.95  # level of the one-sided t test; of three folds the quantile is 2.9

Way = Literal["synthetic", "nothing", "weights", "oversampling", "smote"]
SIMPLE: dict[Way, tuple[str, str]] = {
    "nothing": ("without them", "the real rows alone"),
    "weights": ("with class weights", "class weights on the real rows"),
    "oversampling": ("with random oversampling", "random oversampling of the real rows"),
    "smote": ("with SMOTE", "SMOTE on the real rows"),
}
"""What takes no model, the simplest first: how its score is told, and how it is recommended."""

Draw = Callable[[pd.DataFrame], pd.DataFrame]
"""From training rows to the synthetic rows of a model that was fitted to them alone."""


@dataclass(frozen=True)
class AugmentCheck:
    """What synthetic rows did to a classifier.

    Parameters
    ----------
    synthetic, nothing, weights, oversampling, smote : tuple of float
        Average precision on each fold's held-out real rows, in [0, 1], higher is better: of the rarer class, or the
        mean over more than two classes. Gradient boosted trees learned from the other folds and synthetic rows of
        their model; from these folds alone; from them with balanced class weights; with copies of random rows of the
        smaller classes; with SMOTE. Empty: not tried (SMOTE without imbalanced-learn, or of very many rows).
    positive : class or None
        The rarer class of the whole table; None where there are more than two.
    note : str or None
        What makes the comparison less than fair, in one line.
    images : bool
        Whether a linear model on pixels stands in the place of the trees: the rows are images.
    skipped : str or None
        Why SMOTE, which could be tried, was not, in one line.
    """

    synthetic: tuple[float, ...]
    nothing: tuple[float, ...]
    weights: tuple[float, ...]
    positive: Any = None
    note: str | None = None
    oversampling: tuple[float, ...] = ()
    smote: tuple[float, ...] = ()
    images: bool = False
    skipped: str | None = None

    @property
    def simple(self) -> tuple[Way, ...]:
        """The ways without a model that were tried, the simplest first."""
        return tuple(way for way in SIMPLE if getattr(self, way))

    @property
    def best(self) -> Way:
        """What is best, and surely so: by a one-sided t test over the folds at 5 %; else the simplest wins."""
        if all(self._beats("synthetic", way) for way in self.simple):
            return "synthetic"
        best: Way = "nothing"
        for way in self.simple:
            best = way if self._beats(way, best) else best
        return best

    def mean(self, way: Way) -> float:
        """Return the mean score of one way."""
        return float(np.mean(getattr(self, way)))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the recommendation, and the scores of each fold."""
        ways: dict[Way, str] = {"synthetic": "with the new rows", **{way: SIMPLE[way][0] for way in self.simple}}
        folds = [f"fold {k + 1}" for k in range(len(self.nothing))]
        rows = [
            (said, f"{self.mean(way):.4f}", *(f"{score:.4f}" for score in getattr(self, way)))
            for way, said in ways.items()
        ]
        scores = Section("average precision on held-out real rows", ("trained", "mean", *folds), rows)
        return fragment("Check of the new rows", [f"{str(self)[:1].upper()}{str(self)[1:]}."], [scores])

    def _beats(self, one: Way, other: Way) -> bool:
        from scipy.stats import t

        gain = np.subtract(getattr(self, one), getattr(self, other))
        reach = t.ppf(_SURE, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
        return bool(gain.mean() > max(_LEAST, reach))

    def __str__(self) -> str:
        what = "mean over classes" if self.positive is None else f"of {self.positive!r}"
        others = (f"{self.mean(way):.3f} {SIMPLE[way][0]}" for way in self.simple)
        scores = ", ".join((f"{self.mean('synthetic'):.3f} with the new rows", *others))
        if self.best == "synthetic":
            said = "the new rows help; keep them"
        else:
            effect = "hurt" if self._beats("nothing", "synthetic") else "do not help"
            if self.best == "nothing" or not self._beats("synthetic", "nothing"):
                said = f"the new rows {effect}; use {SIMPLE[self.best][1]}"
            else:
                said = f"the new rows help no more than what is simpler; use {SIMPLE[self.best][1]}"
        notes = "; ".join(text for text in (self.skipped, self.note) if text is not None)
        note = f" ({notes})" if notes else ""
        by = "a linear model on pixels" if self.images else "gradient boosting"
        return f"checked on held-out real rows ({by}, average precision {what}): {scores}: {said}{note}"


class UncheckedError(Exception):
    """Why synthetic rows cannot be checked, in one line."""


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
    """Within this block whatever goes wrong is an `UncheckedError`, and nobody is warned."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to say was said of the whole table
            yield
    except Exception as error:  # of any kind: a plugin's model may raise what it likes, and make what it likes
        raise UncheckedError(
            f"the model of a fold failed: {' '.join(str(error).split()) or type(error).__name__}"
        ) from error


class CheckFolds:
    """Folds of a table, on which the rows of any number of models are checked; the simple ways are scored once.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Real rows with their target.
    target : hashable
        Column of classes.
    columns : sequence of Column
        What the columns hold: identifiers are left out, and numbers and dates written as text are read. The others
        are taken as they are.
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
        """Score the simple ways, which `check` would do; return about how long it takes to judge a model's rows."""
        start = time.perf_counter()
        with _failures_told():
            n_ways = len(self._simple)
        return (time.perf_counter() - start) / n_ways

    def check(self, draw: Draw) -> AugmentCheck:
        """Cross-validate a classifier with and without synthetic rows.

        Raises
        ------
        UncheckedError
            A model of a fold fails, or draws what cannot be compared.
        """
        with _failures_told():
            synthetic = tuple(self._with_rows(*part, draw) for part in self._parts)
            simple = self._simple
        first = self._parts[0][0]
        images = any(is_vector(first[name]) for name in first if name != self.target)
        about = {"positive": plain_value(self.rarest), "skipped": self._skipped, "images": images}
        return AugmentCheck(synthetic, **about, **simple)

    def _with_rows(self, train: pd.DataFrame, test: pd.DataFrame, draw: Draw) -> float:
        """Return the score with the rows that a model of the training rows draws."""
        rows = draw(train)
        new = rows.loc[rows[self.target].notna(), list(train.columns)]
        both = pd.concat([self._read(train), self._read(new)], ignore_index=True)
        return self._arrays(both, test).score(self.seed)

    @cached_property
    def _simple(self) -> dict[str, Any]:
        """Scores of the ways that take no model, by name; of those that could be tried on every fold."""
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
        """Return training rows that were read, and test rows, as arrays."""
        positive = (test[self.target] == self.rarest).to_numpy(dtype=bool)
        test = self._read(test)
        rows = stacked(train.drop(columns=self.target), test.drop(columns=self.target))
        y, truth, n_codes = common_codes(train[self.target], test[self.target])
        labels = np.unique(truth if self.rarest is None else truth[positive])
        return _Arrays(rows, y, truth, labels, n_codes)


@dataclass(frozen=True)
class _Arrays:
    """A fold: features of the rows to learn from, and under them of those to be judged by; classes of both."""

    rows: Stacked
    y: NDArray[np.int64]
    truth: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_codes: int

    @property
    def taught(self) -> NDArray[np.float64]:
        """Features to learn from."""
        return self.rows.X[: len(self.y)]

    def score(self, seed: int, rows: Rows | None = None, **options: Any) -> float:
        """Return the average precision, the mean over the classes that count; learned from other rows where given."""
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
