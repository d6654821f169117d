"""Whether synthetic rows help a classifier: cross-validation on real rows, beside nothing and class weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.metrics.columns import common_codes
from gensynth.metrics.learned import fitted, stacked, trees

N_SPLITS = 3
"""Folds of the cross-validation, and models that are trained for it."""
_LEAST = 0.005  # difference of scores that is worth a word

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
        The rarer class; None where there are more than two.
    """

    synthetic: tuple[float, ...]
    nothing: tuple[float, ...]
    weights: tuple[float, ...]
    positive: Any = None

    @property
    def best(self) -> Way:
        """What is best, and surely so: differences within the spread of the folds are none, and the simplest wins."""
        if self._beats("synthetic", "nothing") and self._beats("synthetic", "weights"):
            return "synthetic"
        return "weights" if self._beats("weights", "nothing") else "nothing"

    def mean(self, way: Way) -> float:
        """Return the mean score of one way."""
        return float(np.mean(getattr(self, way)))

    def _beats(self, one: Way, other: Way) -> bool:
        gain = np.subtract(getattr(self, one), getattr(self, other))
        return bool(gain.mean() > max(_LEAST, gain.std(ddof=1) / np.sqrt(len(gain))))

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
        return f"checked on held-out real rows (gradient boosting, average precision {what}): {scores}: {said}"


def check_rows(
    frame: pd.DataFrame, target: Hashable, draw: Callable[[pd.DataFrame], pd.DataFrame], seed: int = 0
) -> AugmentCheck | None:
    """Cross-validate a classifier with and without synthetic rows.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Real rows with their target.
    target : hashable
        Column of classes.
    draw : callable
        From training rows to the synthetic rows of a model that was fitted to them alone.
    seed : int
        Seed of folds and trees.

    Returns
    -------
    AugmentCheck or None
        None where there is nothing to check: no classes, fewer than two, or too few rows of one for every fold.
    """
    from sklearn.model_selection import StratifiedKFold

    known = frame[frame[target].notna()].reset_index(drop=True)
    column = known[target]
    if frame.shape[1] < 2 or is_continuous(column) or not 2 <= column.nunique() <= MAX_CLASSES:
        return None
    codes = pd.factorize(column)[0]
    if np.bincount(codes).min() < 2 * N_SPLITS:
        return None
    scores: dict[Way, list[float]] = {"synthetic": [], "nothing": [], "weights": []}
    for fold, held in StratifiedKFold(N_SPLITS, shuffle=True, random_state=seed).split(known, codes):
        train, test = known.iloc[fold].reset_index(drop=True), known.iloc[held]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to say was said of the whole table
            both = pd.concat([train, draw(train)[list(train.columns)]], ignore_index=True)
        scores["synthetic"].append(_score(both, test, target, seed))
        scores["nothing"].append(_score(train, test, target, seed))
        scores["weights"].append(_score(train, test, target, seed, class_weight="balanced"))
    counts = column.value_counts()
    rarest = counts.index[-1] if len(counts) == 2 else None
    return AugmentCheck(tuple(scores["synthetic"]), tuple(scores["nothing"]), tuple(scores["weights"]), _plain(rarest))


def _score(train: pd.DataFrame, test: pd.DataFrame, target: Hashable, seed: int, **options: Any) -> float:
    """Return the average precision of the class that is rarer among the test rows, or the mean over classes."""
    from sklearn.metrics import average_precision_score

    X, is_category = stacked(train.drop(columns=target), test.drop(columns=target))
    y, truth, n_codes = common_codes(train[target], test[target])
    model = fitted(trees("classification", is_category, seed).set_params(**options), X[: len(train)], y)
    chances: NDArray[np.float64] = np.zeros((len(test), n_codes))
    chances[:, model.classes_] = model.predict_proba(X[len(train) :])
    labels, counts = np.unique(truth, return_counts=True)
    if len(labels) == 2:
        labels = labels[[int(np.argmin(counts))]]
    return float(np.mean([average_precision_score(truth == label, chances[:, label]) for label in labels]))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
