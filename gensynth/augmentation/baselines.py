"""Baselines for augmentation: random oversampling, and SMOTE if imbalanced-learn is installed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_SMOTE_ROWS = 20_000
"""Maximal number of training rows for SMOTE, whose run time is quadratic in them."""
_NEIGHBOURS = 5


class SkippedError(Exception):
    """The reason, in one line, why a baseline was not tried."""


Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Features (n, d) and classes (n,)."""


def oversampled(X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Rows:
    """Return the rows and random duplicates, so that every class has as many rows as the largest.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Features.
    y : ndarray of shape (n,)
        Classes.
    seed : int
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(y, return_counts=True)
    own = [np.flatnonzero(y == label) for label in classes]
    parts = [rng.choice(rows, counts.max() - len(rows)) for rows in own]
    order = np.concatenate([np.arange(len(y)), *parts])
    return X[order], y[order]


def smote(X: NDArray[np.float64], y: NDArray[np.int64], is_category: NDArray[np.bool_], seed: int) -> Rows | None:
    """Return the rows and interpolated neighbours (SMOTE), so that every class has as many rows as the largest.

    Neighbours are looked for among standardised numbers; missing ones are medians there. Chawla et al. 2002, "SMOTE:
    Synthetic Minority Over-sampling Technique" (arXiv:1106.1813), section 6.1 for categories (SMOTE-NC), 6.2 where
    there are no others (SMOTE-N).

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Features, categories as codes.
    y : ndarray of shape (n,)
        Classes.
    is_category : ndarray of shape (d,), bool
        Which features are codes.
    seed : int
        Seed of the draws.

    Returns
    -------
    tuple or None
        None without imbalanced-learn, beyond `MAX_SMOTE_ROWS`, or where a class has a single row.

    Raises
    ------
    SkippedError
        imbalanced-learn refuses the rows.
    """
    try:
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
    except ImportError:
        return None
    least = int(np.unique(y, return_counts=True)[1].min())
    if len(y) > MAX_SMOTE_ROWS or least < 2:
        return None
    options = {"random_state": seed, "k_neighbors": min(_NEIGHBOURS, least - 1)}
    if is_category.all():
        sampler = SMOTEN(**options)
    elif is_category.any():
        sampler = SMOTENC(categorical_features=np.flatnonzero(is_category).tolist(), **options)
    else:
        sampler = SMOTE(**options)
    filled = np.where(np.isnan(X), _medians(X), X)
    centre = np.where(is_category, 0.0, filled.mean(axis=0))
    deviation = np.where(is_category, 1.0, filled.std(axis=0))
    deviation[deviation == 0] = 1.0
    try:
        rows, classes = sampler.fit_resample((filled - centre) / deviation, y)
    except Exception as error:  # of any kind: it is but one of the ways that new rows are compared with
        raise SkippedError(f"SMOTE failed: {' '.join(str(error).split()) or type(error).__name__}") from error
    new = rows[len(X) :] * deviation + centre
    # the real rows keep their gaps
    return np.concatenate([X, new]), np.concatenate([y, classes[len(y) :]])


def _medians(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each feature (d,); 0 for one that is missing in every row."""
    there = ~np.isnan(X).all(axis=0)
    out = np.zeros(X.shape[1])
    out[there] = np.nanmedian(X[:, there], axis=0)
    return out
