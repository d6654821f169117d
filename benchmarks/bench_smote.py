"""SMOTE as a generator of whole tables: rows between training rows of one class, a peer that keeps near them.

Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling Technique" (arXiv:1106.1813); for whole tables as in
Kotelnikov et al. 2023, "TabDDPM" (arXiv:2209.15421), where each class gets as many new rows as it has, and numbers to
predict are two classes, below and above their median.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gensynth.metrics.learned import is_regression

_MISSING = "(missing)"


def sample_smote(train: pd.DataFrame, target: str, n: int, *, n_neighbors: int = 5, seed: int = 0) -> pd.DataFrame:
    """Return about as many rows of each class as it has among ``n`` real ones.

    Neighbours are looked for among standardised numbers. Missing numbers are medians, missing categories a category
    that comes back as missing. Rows without a target, and classes of fewer than two rows, are left out.
    """
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    train = train[train[target].notna()].reset_index(drop=True)
    numeric = [name for name in train.columns if _is_number(train[name])]
    labels = train[target] > train[target].median() if is_regression(train[target]) else train[target]
    kept = labels.map(labels.value_counts()).to_numpy() > 1
    train, y = train[kept].reset_index(drop=True), pd.factorize(labels[kept])[0]
    medians, deviations = train[numeric].median(), train[numeric].std().replace(0, 1).fillna(1)
    X = pd.DataFrame(index=train.index)
    for name in train.columns:
        if name in numeric:
            X[name] = ((train[name] - medians[name]) / deviations[name]).astype(float).fillna(0.0)
        else:
            X[name] = train[name].astype(object).where(train[name].notna(), _MISSING).map(str)
    counts = np.bincount(y)
    extra = np.maximum(np.rint(counts * n / len(y)).astype(int), 1)
    options = {
        "sampling_strategy": {k: int(counts[k] + extra[k]) for k in range(len(counts))},
        "k_neighbors": min(n_neighbors, int(counts.min()) - 1),
        "random_state": seed,
    }
    if not numeric:
        sampler = SMOTEN(**options)
    elif len(numeric) < train.shape[1]:
        sampler = SMOTENC(categorical_features=[name not in numeric for name in train.columns], **options)
    else:
        sampler = SMOTE(**options)
    rows = sampler.fit_resample(X, y)[0].iloc[len(train) :]
    rows = rows.sample(frac=1.0, random_state=seed).iloc[:n].reset_index(drop=True)
    return pd.DataFrame({name: _back(rows[name], train[name], medians, deviations) for name in train.columns})


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _back(
    drawn: pd.Series[Any], column: pd.Series[Any], medians: pd.Series[Any], deviations: pd.Series[Any]
) -> pd.Series[Any]:
    """Return drawn cells as the training column has them: whole numbers whole, categories themselves."""
    if column.name not in medians.index:
        known = {_MISSING: None, **{str(value): value for value in column.dropna().unique()}}
        return pd.Series(drawn.map(known).to_numpy(dtype=object), dtype=object).astype(column.dtype)
    name: Any = column.name
    numbers = drawn.astype(float) * deviations[name] + medians[name]
    out: pd.Series[Any] = (numbers.round() if pd.api.types.is_integer_dtype(column) else numbers).astype(column.dtype)
    return out
