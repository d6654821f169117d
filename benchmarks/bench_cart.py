"""Sequential classification and regression trees, synthpop's method: a peer that copies rows.

Nowok, Raab and Dibben, "synthpop: Bespoke Creation of Synthetic Data in R", Journal of Statistical Software 74 (2016).
The first column is drawn with replacement; each later one from the leaf, of a tree over the columns before it, that the
row falls into. A drawn cell is therefore a cell of a training row that is alike in the columns before.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def sample_cart(train: pd.DataFrame, n: int, *, min_samples_leaf: int = 5, seed: int = 0) -> pd.DataFrame:
    """Fit a sequence of trees to ``train`` and return ``n`` rows drawn from it."""
    rng = np.random.default_rng(seed)
    names = list(train.columns)
    codes = {name: pd.factorize(train[name], use_na_sentinel=False)[0] for name in names}
    drawn = {names[0]: rng.integers(0, len(train), n)}  # which training row each cell comes from
    for j, name in enumerate(names[1:], 1):
        X = np.column_stack([_numbers(train[c], codes[c]) for c in names[:j]])
        X_new = np.column_stack([_numbers(train[c], codes[c])[drawn[c]] for c in names[:j]])
        numeric = pd.api.types.is_numeric_dtype(train[name]) and train[name].nunique() > 20
        kind = DecisionTreeRegressor if numeric else DecisionTreeClassifier
        y = np.nan_to_num(train[name].to_numpy(float)) if numeric else codes[name]
        tree = kind(min_samples_leaf=min_samples_leaf, random_state=seed).fit(X, y)
        drawn[name] = _donors(tree.apply(X), tree.apply(X_new), rng)
    return pd.DataFrame({name: train[name].iloc[drawn[name]].reset_index(drop=True) for name in names})


def _numbers(column: pd.Series, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return numbers as they are, categories in the order of their frequency; missing far below."""
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isnan(numbers), -1e6, numbers)
    order = np.argsort(np.argsort(-np.bincount(codes), kind="stable"), kind="stable")
    return order[codes].astype(np.float64)


def _donors(leaves: NDArray[np.int64], wanted: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return for each wanted leaf one of the training rows in it."""
    order = np.argsort(leaves, kind="stable")
    ordered = leaves[order]
    first, last = np.searchsorted(ordered, wanted, "left"), np.searchsorted(ordered, wanted, "right")
    return order[first + (rng.random(len(wanted)) * (last - first)).astype(np.int64)]
