"""The measures that papers on synthetic tables print, under one name each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bench_judge import detect
from bench_sets import DataSet

from gensynth.metrics import copies, dcr_share, fidelity, neighbours, utility
from gensynth.metrics.learned import is_regression
from gensynth.metrics.learners import stacked

N_FOLDS = 3
MAX_ROWS = 20_000


def protocol(data: DataSet, sample: pd.DataFrame, threads: int = 1) -> dict[str, Any]:
    """Return all measures of a sample of as many rows as the set has.

    ``shape %`` and ``trend %``
        Kolmogorov-Smirnov or total variation distance of the columns; half the difference of correlations, or the
        total variation distance of contingency tables, of the pairs; means in percent (0 is best).
    ``alpha precision``, ``beta recall``
        `gensynth.metrics.neighbours`; 1 is best, and a second real sample has a recall of about 0.5.
    ``C2ST linear``, ``C2ST trees``
        `two_sample_score` of what a logistic regression and boosted trees make of real and synthetic rows.
    ``AUC trees``
        The area under the curve that the last is made of: what is below 0.5 tells of copies, and the score hides it.
    ``MLE``
        What boosted trees that learned from the sample reach on real held-out rows: the area under the ROC curve, or
        the root mean squared error in standard deviations of the target.
    ``DCR share``, ``copies``
        Share of rows nearer to a training than to a held-out row (0.5 is best), and of rows that equal a training row.
    """
    found, near = fidelity(data.train, sample), neighbours(data.train, sample)
    auc = detect(data.train, sample, threads)
    return {
        "shape %": 100 * found.shape_error,
        "trend %": 100 * found.trend_error,
        "alpha precision": near.alpha_precision,
        "beta recall": near.beta_recall,
        "C2ST linear": linear_score(data.train, sample),
        "C2ST trees": two_sample_score(auc),
        "AUC trees": auc,
        "MLE": efficiency(data, sample),
        "DCR share": dcr_share(data.train, data.test, sample),
        "copies": float(copies(data.train, sample).mean()),
    }


def two_sample_score(auc: float) -> float:
    """Return 2 - 2 AUC, 1 where the area is below .5: 1 means that nothing tells synthetic rows, 0 that all is told."""
    return min(2 - 2 * auc, 1.0)


def linear_score(real: pd.DataFrame, synthetic: pd.DataFrame, max_rows: int = MAX_ROWS) -> float:
    """Return `two_sample_score` of a logistic regression, the mean over three folds.

    Numbers are standardised, missing ones 0 with a column that says so; categories are one-hot.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    n = min(len(real), len(synthetic), max_rows)
    rows = stacked(real.sample(n, random_state=0), synthetic.sample(n, random_state=0))
    X, is_category = rows.X, rows.is_category
    numeric = make_pipeline(StandardScaler(), SimpleImputer(strategy="constant", fill_value=0.0, add_indicator=True))
    y, scores = np.repeat([1, 0], n), []
    for fold, held in StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(X, y):
        model = make_pipeline(
            make_column_transformer(
                (numeric, np.flatnonzero(~is_category)),
                (OneHotEncoder(handle_unknown="ignore"), np.flatnonzero(is_category)),
            ),
            LogisticRegression(max_iter=2000),
        )
        model.fit(X[fold], y[fold])
        scores.append(two_sample_score(float(roc_auc_score(y[held], model.predict_proba(X[held])[:, 1]))))
    return float(np.mean(scores))


def efficiency(data: DataSet, taught: pd.DataFrame) -> float:
    """Return the utility of rows for trees that predict the target of the held-out ones; see `protocol`."""
    found = utility(taught, data.test, data.target)
    if not is_regression(data.test[data.target]):
        return found
    return float(np.sqrt(1 - found))  # R2 is one less the squared error over the variance
