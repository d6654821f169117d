"""Selection of synthetic rows of a class: those that a classifier of the real rows is most confident of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.evaluation.alignment import read_values
from gensynth.metrics.learners import StackedRows, fitted, learner, stacked
from gensynth.metrics.vectors import is_vector, shrunk
from gensynth.schema import Column
from gensynth.training.weights import Weights

CANDIDATES = 2
"""Rows that ``augment(ratio="auto")`` draws for each one that it keeps."""
_N_BAGS = 8  # fewer where there are more than ten classes, each of which takes trees of its own
_MAX_BAG = 10_000  # rows of a class in a bag
_N_TREES, _LEAST_TREES = 200, 20  # of all classes of a bag together, and of each


def readable(frame: pd.DataFrame, columns: Sequence[Column], left_out: Collection[Any] = ()) -> pd.DataFrame:
    """Return a table as a classifier reads it: numbers and dates parsed from text, smaller images."""
    rest = frame.reset_index(drop=True)
    read = {column.name: read_values(rest[column.name], column) for column in columns if column.name in rest}
    cells = {name: read.get(name, rest[name]) for name in frame.columns if name not in left_out}
    return pd.DataFrame({name: shrunk(own) if is_vector(own) else own for name, own in cells.items()})


def likeliest(
    real: pd.DataFrame,
    codes: NDArray[np.int64],
    drawn: pd.DataFrame,
    wanted: NDArray[np.int64],
    candidates: int,
    columns: Sequence[Column],
    weights: Weights | None,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return which candidate rows to keep: those of each class with its highest predicted probability.

    How likely is the mean of the probabilities of boosted trees, each learned from a bootstrap sample of the real rows
    (bagging: Breiman 1996); of a linear model where the rows hold images.

    Parameters
    ----------
    real : DataFrame of shape (n, d)
        Real rows, without their class.
    codes : ndarray of shape (n,)
        The class of each, from 0.
    drawn : DataFrame of shape (m * candidates, d)
        Rows that were drawn for a class, ``candidates`` one after the other for each of m rows.
    wanted : ndarray of shape (m,)
        The class of each row that is to be kept.
    candidates : int
        How many were drawn for each.
    columns : sequence of Column
        What the columns hold; identifiers are not looked at, and something else has to be there.
    weights : ndarray of shape (n,) or None
        How often each real row counts.
    rng : numpy.random.Generator
        Draws the bootstrap samples.

    Returns
    -------
    ndarray of shape (m,)
        Positions in ``drawn``; row i is of class ``wanted[i]``.
    """
    keys = {column.name for column in columns if column.kind == "identifier"}
    learned = [column for column in columns if column.name not in keys]
    rows = stacked(readable(real, learned, keys), readable(drawn, learned, keys))
    chances = _class_chances(rows, codes, weights, rng)  # (m * candidates, n_classes)
    kept = np.empty(len(wanted), dtype=np.int64)
    of = np.repeat(wanted, candidates)
    for k in np.unique(wanted):
        own = np.flatnonzero(of == k)
        best = np.argsort(-chances[own, k], kind="stable")[: np.count_nonzero(wanted == k)]
        kept[wanted == k] = own[np.sort(best)]  # in the order of the draws, which says nothing of the row
    return kept


def _class_chances(
    rows: StackedRows, codes: NDArray[np.int64], weights: Weights | None, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the probability of each class (m, n_classes) for the rows after the training rows."""
    n_classes = int(codes.max()) + 1
    chances: NDArray[np.float64] = np.zeros((len(rows.X) - len(codes), n_classes))
    bags = 1 if rows.images else max(_N_BAGS * _N_TREES // (_n_trees(n_classes) * n_classes), 1)
    for _ in range(bags):
        bag = _bag(codes, weights, rng)
        model = fitted(_classifier(rows, n_classes, int(rng.integers(2**31))), rows.X[bag], codes[bag])
        chances[:, model.classes_] += model.predict_proba(rows.X[len(codes) :]) / bags
    return chances


def _n_trees(n_classes: int) -> int:
    """Return the trees of each class in a bag."""
    return max(_N_TREES // n_classes, _LEAST_TREES)


def _classifier(rows: StackedRows, n_classes: int, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    if rows.images:
        return learner("classification", rows, seed)
    return HistGradientBoostingClassifier(
        max_iter=_n_trees(n_classes),
        early_stopping=False,
        categorical_features=rows.is_category,
        random_state=seed,
    )


def _bag(codes: NDArray[np.int64], weights: Weights | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return positions of rows drawn with replacement, as many of each class as it has, at most `_MAX_BAG`."""
    parts = []
    for k in np.unique(codes):
        own = np.flatnonzero(codes == k)
        share = None if weights is None else weights[own] / weights[own].sum()
        parts.append(rng.choice(own, min(len(own), _MAX_BAG), p=share))
    return np.concatenate(parts)
