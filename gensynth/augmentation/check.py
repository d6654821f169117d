"""Whether synthetic rows help a classifier: cross-validation on real rows, beside nothing and class weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.constraints import plain_value
from gensynth.errors import counted, shown
from gensynth.evaluation.samples import read_values
from gensynth.html import Section, fragment
from gensynth.metrics.columns import common_codes
from gensynth.metrics.learned import fitted, stacked, trees
from gensynth.schema import Column

N_SPLITS = 3
"""Folds of the cross-validation, and models that are trained for it."""
_LEAST = 0.005  # difference of scores that is worth a word
_SURE = 0.95  # level of the one-sided t test; of three folds the quantile is 2.9

Way = Literal["synthetic", "nothing", "weights"]


@dataclass(frozen=True)
class AugmentCheck:
    """What synthetic rows did to a classifier.

    Parameters
    ----------
    synthetic, nothing, weights : tuple of float
        Average precision on each fold's held-out real rows, in [0, 1], higher is better: of the rarer class, or the
        mean over more than two classes. Gradient boosted trees learned from the other folds and synthetic rows of
        their model; from these folds alone; from them with balanced class weights.
    positive : class or None
        The rarer class of the whole table; None where there are more than two.
    note : str or None
        What makes the comparison less than fair, in one line.
    """

    synthetic: tuple[float, ...]
    nothing: tuple[float, ...]
    weights: tuple[float, ...]
    positive: Any = None
    note: str | None = None

    @property
    def best(self) -> Way:
        """What is best, and surely so: by a one-sided t test over the folds at 5 %; else the simplest wins."""
        if self._beats("synthetic", "nothing") and self._beats("synthetic", "weights"):
            return "synthetic"
        return "weights" if self._beats("weights", "nothing") else "nothing"

    def mean(self, way: Way) -> float:
        """Return the mean score of one way."""
        return float(np.mean(getattr(self, way)))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the recommendation, and the scores of each fold."""
        ways: dict[Way, str] = {
            "synthetic": "with the new rows",
            "nothing": "without them",
            "weights": "with class weights",
        }
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
        scores = (
            f"{self.mean('synthetic'):.3f} with the new rows, {self.mean('nothing'):.3f} without them, "
            f"{self.mean('weights'):.3f} with class weights"
        )
        if self.best == "synthetic":
            said = "the new rows help; keep them"
        else:
            effect = "hurt" if self._beats("nothing", "synthetic") else "do not help"
            use = "class weights on the real rows" if self.best == "weights" else "the real rows alone"
            said = f"the new rows {effect}; use {use}"
        note = "" if self.note is None else f" ({self.note})"
        return f"checked on held-out real rows (gradient boosting, average precision {what}): {scores}: {said}{note}"


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


def check_rows(
    frame: pd.DataFrame,
    target: Hashable,
    draw: Callable[[pd.DataFrame], pd.DataFrame],
    columns: Sequence[Column] = (),
    seed: int = 0,
) -> AugmentCheck:
    """Cross-validate a classifier with and without synthetic rows.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Real rows with their target.
    target : hashable
        Column of classes.
    draw : callable
        From training rows to the synthetic rows of a model that was fitted to them alone.
    columns : sequence of Column
        What the columns hold: identifiers are left out, and numbers and dates written as text are read. The others
        are taken as they are.
    seed : int
        Seed of folds and trees.

    Raises
    ------
    UncheckedError
        If there is nothing to check (`cannot_check`), or a model of a fold fails.
    """
    from sklearn.model_selection import StratifiedKFold

    keys = {column.name for column in columns if column.kind == "identifier"} - {target}
    reason = cannot_check(frame.drop(columns=list(keys)), target)
    if reason is not None:
        raise UncheckedError(reason)
    known = frame[frame[target].notna()].reset_index(drop=True)
    features = [column for column in columns if column.name != target and column.kind != "identifier"]
    codes, classes = pd.factorize(known[target])
    counts = np.bincount(codes)
    rarest = classes[int(counts.argmin())] if len(counts) == 2 else None
    scores: dict[Way, list[float]] = {"synthetic": [], "nothing": [], "weights": []}
    for fold, held in StratifiedKFold(N_SPLITS, shuffle=True, random_state=seed).split(known, codes):
        train, test = known.iloc[fold].reset_index(drop=True), known.iloc[held].reset_index(drop=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what there is to say was said of the whole table
                rows = draw(train)
            new = rows.loc[rows[target].notna(), list(train.columns)]
            train, new, test = (_read(part, features, keys) for part in (train, new, test))
            both = pd.concat([train, new], ignore_index=True)
            scores["synthetic"].append(_score(both, test, target, rarest, seed))
            scores["nothing"].append(_score(train, test, target, rarest, seed))
            scores["weights"].append(_score(train, test, target, rarest, seed, class_weight="balanced"))
        except Exception as error:  # of any kind: a plugin's model may raise what it likes, and make what it likes
            raise UncheckedError(
                f"the model of a fold failed: {' '.join(str(error).split()) or type(error).__name__}"
            ) from error
    return AugmentCheck(
        tuple(scores["synthetic"]), tuple(scores["nothing"]), tuple(scores["weights"]), plain_value(rarest)
    )


def _read(frame: pd.DataFrame, features: Sequence[Column], keys: Container[Any]) -> pd.DataFrame:
    read = {column.name: read_values(frame[column.name].reset_index(drop=True), column) for column in features}
    rest = frame.reset_index(drop=True)
    return pd.DataFrame({name: read.get(name, rest[name]) for name in frame.columns if name not in keys})


def _score(
    train: pd.DataFrame, test: pd.DataFrame, target: Hashable, positive: Any, seed: int, **options: Any
) -> float:
    """Return the average precision of the class ``positive``, or the mean over classes if that is None."""
    from sklearn.metrics import average_precision_score

    X, is_category = stacked(train.drop(columns=target), test.drop(columns=target))
    y, truth, n_codes = common_codes(train[target], test[target])
    model = fitted(trees("classification", is_category, seed).set_params(**options), X[: len(train)], y)
    chances: NDArray[np.float64] = np.zeros((len(test), n_codes))
    chances[:, model.classes_] = model.predict_proba(X[len(train) :])
    labels = np.unique(truth if positive is None else truth[(test[target] == positive).to_numpy(dtype=bool)])
    return float(np.mean([average_precision_score(truth == label, chances[:, label]) for label in labels]))
