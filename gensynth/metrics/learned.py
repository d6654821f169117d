"""Classifier metrics: detection of synthetic rows, and utility (train on synthetic, test on real)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, FewRowsError, counted
from gensynth.metrics.columns import common_codes, kind_of, numbers, pair_of_frames
from gensynth.metrics.learners import fitted, learner, stacked, trees

_MOST_CLASSES = 20  # values of a numeric target that is predicted as a class


@dataclass(frozen=True)
class Detection:
    """Result of the classifier test of real against synthetic rows.

    Parameters
    ----------
    auc : float
        Area under the ROC curve, in [0, 1]: 0.5 is best.
    low, high : float
        Ends of its 95 % confidence interval, of the rows that were scored and of the training of the classifiers.
    """

    auc: float
    low: float
    high: float


def detection(
    real: Any, synthetic: Any, *, n_splits: int = 3, max_rows: int = 20_000, random_state: int = 0
) -> Detection:
    """Return how well a classifier tells real from synthetic rows (two-sample test [1]_), and its interval [2]_, [3]_.

    Parameters
    ----------
    real, synthetic : table
        Compared with equally many rows of each.
    n_splits : int, default=3
        Folds of the cross-validation.
    max_rows : int, default=20000
        Most rows to take of each table.
    random_state : int, default=0
        Seed of the samples and folds.

    Returns
    -------
    Detection
        Cross-validated area under the ROC curve of gradient boosted trees: 0.5 is best, 1 means that every row is
        told apart. Clearly below 0.5 means copies: a synthetic row that repeats a real one is taken for real, and the
        real one for synthetic, where the two are in different folds.

    Raises
    ------
    DataError
        If a table has fewer rows than folds.

    References
    ----------
    .. [1] Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017, arXiv:1610.06545.
    .. [2] DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating
       Characteristic Curves: A Nonparametric Approach", Biometrics 44 (1988).
    .. [3] Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003), section 3: the
       variance of a cross-validated score is larger (`fold_inflation`), as the training rows of the folds overlap.
    """
    from sklearn.model_selection import StratifiedKFold

    left, right = pair_of_frames(real, synthetic)
    n = min(len(left), len(right), max_rows)
    if n < n_splits:
        raise DataError(f"{n} rows of each table cannot be split into {n_splits} folds; give more rows")
    a, b = (frame.sample(n, random_state=random_state) for frame in (left, right))
    rows = stacked(a, b)
    X = rows.X
    y = np.repeat([1, 0], n)
    scores = np.zeros(2 * n)
    for fold, held in StratifiedKFold(n_splits, shuffle=True, random_state=random_state).split(X, y):
        model = fitted(trees("classification", rows.is_category, random_state), X[fold], y[fold])
        scores[held] = model.predict_proba(X[held])[:, 1]
    return auc_with_interval(scores[:n], scores[n:], inflation=fold_inflation(n_splits))


def fold_inflation(n_splits: int) -> float:
    """Return the variance of a score over folds, in units of that over independent training rows: 1 + k / (k - 1).

    The corrected variance of Nadeau and Bengio (2003) is 1 / k + n_test / n_train of that of one fold, where 1 / k
    would be right for independent ones; n_test / n_train = 1 / (k - 1).
    """
    return 1 + n_splits / (n_splits - 1)


def detection_auc(
    real: Any, synthetic: Any, *, n_splits: int = 3, max_rows: int = 20_000, random_state: int = 0
) -> float:
    """Return the area under the ROC curve of `detection`: 0.5 is best. Parameters and errors are the same."""
    return detection(real, synthetic, n_splits=n_splits, max_rows=max_rows, random_state=random_state).auc


def auc_with_interval(
    positive: NDArray[np.float64], negative: NDArray[np.float64], level: float = 0.95, inflation: float = 1.0
) -> Detection:
    """Return the area under the ROC curve of scores (m,) and (n,), and its confidence interval.

    The variance is DeLong's times ``inflation``.
    """
    m, n = len(positive), len(negative)
    above = _shares_below(positive, negative)  # (m,): of each positive, the share of negatives below it
    below = 1 - _shares_below(negative, positive)
    auc = float(above.mean())
    deviation = float(np.sqrt(_variance(above) / m + _variance(below) / n) * np.sqrt(inflation))
    reach = NormalDist().inv_cdf(0.5 + level / 2) * deviation
    return Detection(auc, max(auc - reach, 0.0), min(auc + reach, 1.0))


def _shares_below(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each value the share of the others below it; ties count one half."""
    others = np.sort(others)
    places = np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
    return np.asarray(places / (2 * len(others)))


def _variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def utility(train: Any, test: Any, target: Any, *, regression: bool | None = None, random_state: int = 0) -> float:
    """Return the score on held-out real rows of a model trained on ``train`` (TSTR if that is synthetic).

    Gradient boosted trees, or a linear model (`gensynth.metrics.learners.linear`) where cells are images.

    Parameters
    ----------
    train : table
        Synthetic rows, or real ones for the ceiling (TRTR).
    test : table
        Real rows; its columns say which are used.
    target : hashable
        Name of the column to predict.
    regression : bool, optional
        Whether it is a number to predict. Default: where it `is_regression` in either table.
    random_state : int, default=0
        Seed of the trees.

    Returns
    -------
    float
        Area under the ROC curve (macro one-against-rest where there are more than two classes; 0.5 if the training
        rows hold one class only), or R2 for a regression.

    Raises
    ------
    DataError
        If the target is not a column of both.
    FewRowsError
        If the target is missing in every row, or the test rows hold one class or one number only.
    """
    from sklearn.metrics import r2_score

    held, taught = pair_of_frames(test, train)
    if target not in held.columns:
        raise DataError(f"target {target!r} is not a column; there are: {', '.join(map(str, held.columns[:20]))}")
    if held.shape[1] < 2:
        raise DataError(f"the table holds nothing but the target {target!r}; a model needs at least one more column")
    truth, learned = held[target], taught[target]
    known, given = truth.notna().to_numpy(), learned.notna().to_numpy()
    held, taught, truth, learned = held[known], taught[given], truth[known], learned[given]
    if len(held) == 0 or len(taught) == 0:
        raise FewRowsError(f"target {target!r} is missing in every row")
    rows = stacked(taught.drop(columns=target), held.drop(columns=target))
    X_train, X_test = rows.X[: len(taught)], rows.X[len(taught) :]
    if is_regression(truth) or is_regression(learned) if regression is None else regression:
        if truth.nunique() < 2:
            raise FewRowsError(
                f"the {counted(len(truth), 'test row')} with a target hold one number only; "
                "R2 needs two: give more rows"
            )
        model = fitted(learner("regression", rows, random_state), X_train, numbers(learned, like=truth))
        return float(r2_score(numbers(truth), model.predict(X_test)))
    y_train, y_test, n_codes = common_codes(learned, truth)
    return _auc(X_train, y_train, X_test, y_test, n_codes, learner("classification", rows, random_state))


def is_regression(target: pd.Series[Any]) -> bool:
    """Return whether a target is predicted as a number: numeric with more than 20 values."""
    return kind_of(target) == "numeric" and target.nunique() > _MOST_CLASSES


def _auc(
    X: NDArray[np.float64],
    y: NDArray[np.int64],
    X_test: NDArray[np.float64],
    y_test: NDArray[np.int64],
    n_codes: int,
    model: Any,
) -> float:
    from sklearn.metrics import roc_auc_score

    labels = np.unique(y_test)
    if len(labels) < 2:
        raise FewRowsError(
            f"the {counted(len(y_test), 'test row')} with a target hold one class only; "
            "a ROC curve needs two: give more rows"
        )
    of_interest = np.isin(y, labels)
    X, y = X[of_interest], y[of_interest]
    if len(np.unique(y)) < 2:
        return 0.5
    probability = np.zeros((len(y_test), n_codes))
    fitted(model, X, y)
    probability[:, model.classes_] = model.predict_proba(X_test)
    if len(labels) == 2:
        return float(roc_auc_score(y_test == labels[1], probability[:, labels[1]]))
    return float(np.mean([roc_auc_score(y_test == k, probability[:, k]) for k in labels]))
