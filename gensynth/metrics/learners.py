"""Estimators of the metrics: gradient boosted trees, and a linear model for images or features."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.metrics.columns import common_codes, kind_of, numbers
from gensynth.metrics.vectors import is_vector, vectors

Task = Literal["classification", "regression"]

_MAX_CODES = 254  # what histogram gradient boosting can treat as categories
_LEAVES = 4  # that few rows are enough for
_MAX_STEPS = 200  # of the linear model: it need not converge to tell one set of rows from another


@dataclass(frozen=True)
class StackedRows:
    """Rows of two tables, one under the other, as numbers.

    Parameters
    ----------
    X : ndarray of shape (n + m, d), float64
        NaN for missing numbers.
    is_category : ndarray of shape (d,), bool
        Which columns are codes of categories.
    images : bool
        Whether some are pixels of images, or features of them.
    """

    X: NDArray[np.float64]
    is_category: NDArray[np.bool_]
    images: bool = False


def stacked(a: pd.DataFrame, b: pd.DataFrame) -> StackedRows:
    """Stack two tables; cells that are arrays become a column for each of their numbers."""
    columns: list[NDArray[Any]] = []
    is_category: list[bool] = []
    images = False
    for j in range(a.shape[1]):
        left, right = a.iloc[:, j], b.iloc[:, j]
        if is_vector(left):
            block = np.concatenate([vectors(left), vectors(right, like=left)])
            columns.append(block)
            is_category += [False] * block.shape[1]
            images = True
            continue
        numeric = kind_of(left) == "numeric"
        if numeric:
            columns.append(np.concatenate([numbers(left), numbers(right, like=left)]))
        else:
            codes = np.concatenate(common_codes(left, right)[:2])
            if len(np.unique(codes)) > _MAX_CODES:  # too many for the trees: the commonest first, as a number
                order = np.argsort(np.argsort(-np.bincount(codes), kind="stable"), kind="stable")
                codes, numeric = order[codes], True
            columns.append(codes.astype(np.float64))
        is_category.append(not numeric)
    X = np.column_stack(columns).astype(np.float64, copy=False)
    return StackedRows(np.where(np.isinf(X), np.nan, X), np.asarray(is_category), images)


def trees(task: Task, is_category: NDArray[np.bool_], random_state: int, **options: Any) -> Any:
    """Return the gradient boosted trees of all metrics, not yet fitted; ``options`` are further parameters."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    family = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return family(
        max_iter=200,
        learning_rate=0.1,
        max_depth=6,
        early_stopping=False,
        categorical_features=is_category,
        random_state=random_state,
        **options,
    )


def linear(task: Task, is_category: NDArray[np.bool_], **options: Any) -> Any:
    """Return a logistic or a ridge regression on scaled numbers and one-hot categories, not yet fitted.

    It is what images are predicted from: trees of ten classes on hundreds of pixels take minutes where this takes
    seconds, and see no more.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    parts = [("numbers", scaled, ~is_category), ("codes", OneHotEncoder(handle_unknown="ignore"), is_category)]
    entering = ColumnTransformer([part for part in parts if part[2].any()], sparse_threshold=0)
    if task == "regression":
        return make_pipeline(entering, Ridge(alpha=10.0, **options))
    return make_pipeline(entering, LogisticRegression(C=0.1, max_iter=_MAX_STEPS, **options))


def learner(task: Task, rows: StackedRows, random_state: int, **options: Any) -> Any:
    """Return what learns from rows: the trees, or the linear model where they are images."""
    if rows.images:
        return linear(task, rows.is_category, **options)
    return trees(task, rows.is_category, random_state, **options)


def fitted(model: Any, X: NDArray[np.float64], y: NDArray[Any]) -> Any:
    """Fit a model; a column that is missing in every row, which trees cannot bin, is a constant, and tells nothing."""
    from sklearn.exceptions import ConvergenceWarning

    if hasattr(model, "min_samples_leaf"):  # trees of fewer rows than two leaves hold would all be one leaf
        model.set_params(min_samples_leaf=min(model.min_samples_leaf, max(len(X) // _LEAVES, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(np.where(np.isnan(X).all(axis=0), 0.0, X), y)
