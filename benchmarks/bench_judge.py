"""How good a sample is: the measures of gensynth.metrics, and a classifier that tells real from synthetic."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from bench_sets import DataSet

from gensynth.metrics import copies, dcr_share, detection_auc, fidelity, utility
from gensynth.metrics.columns import common_codes, kind_of, numbers

COMMON_LEVEL = 0.01
"""Categories of at least this share of the rows must appear in a sample, ..."""
LEVEL_TOLERANCE = 0.2
"""... with a frequency that is off by at most this part of theirs."""
LEVEL_ROWS = 20_000
"""Rows of the sample that this is looked at in."""


def detector_name() -> str:
    """Return which classifier `detect` uses here."""
    return "XGBoost" if find_spec("xgboost") else "HistGradientBoosting"


def judge(data: DataSet, synthetic: pd.DataFrame, ceiling: float, threads: int = 1) -> dict[str, Any]:
    """Return all measures of a sample; ``ceiling`` is the utility of the real rows.

    ``synthetic`` may hold more rows than the set: the first as many are compared, all of them are looked at for rare
    levels.
    """
    sample = synthetic.iloc[: len(data.train)]
    found = fidelity(data.train, sample)
    tstr = utility(sample, data.test, data.target)
    wrong, of = common_levels_off(data.train, synthetic.iloc[:LEVEL_ROWS])
    return {
        "shape": found.shape_error,
        "trend": found.trend_error,
        "TSTR": tstr,
        "gap": ceiling - tstr,
        "detection": detect(data.train, sample, threads),
        "DCR share": dcr_share(data.train, data.test, sample),
        "copies": float(copies(data.train, sample).mean()),
        "levels off": f"{wrong}/{of}",
    }


def ceiling_of(data: DataSet) -> float:
    """Return the utility of the real rows: what TSTR is compared with."""
    return utility(data.train, data.test, data.target)


def common_levels_off(real: pd.DataFrame, synthetic: pd.DataFrame) -> tuple[int, int]:
    """Return how many categories of at least 1 % are not within 20 % of their frequency, and how many there are."""
    wrong = of = 0
    for name in real.columns:
        if kind_of(real[name]) != "categorical":
            continue
        a, b, n_codes = common_codes(real[name], synthetic[name])
        p, q = (np.bincount(codes, minlength=n_codes) / len(codes) for codes in (a, b))
        common = p >= COMMON_LEVEL
        of += int(common.sum())
        wrong += int((np.abs(q - p) > LEVEL_TOLERANCE * p)[common].sum())
    return wrong, of


def detect(real: pd.DataFrame, synthetic: pd.DataFrame, threads: int = 1, max_rows: int = 20_000) -> float:
    """Return the area under the ROC curve of telling real from synthetic rows, 3-fold; 0.5 is best."""
    if not find_spec("xgboost"):
        return detection_auc(real, synthetic, max_rows=max_rows)
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier

    n = min(len(real), len(synthetic), max_rows)
    X = _trees_input(real.sample(n, random_state=0), synthetic.sample(n, random_state=0))
    y = np.repeat([1, 0], n)
    scores = np.zeros(2 * n)
    for fold, held in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        model = XGBClassifier(
            n_estimators=200,
            max_depth=6,
            learning_rate=0.1,
            tree_method="hist",
            enable_categorical=True,
            n_jobs=threads,
        )
        scores[held] = model.fit(X.iloc[fold], y[fold]).predict_proba(X.iloc[held])[:, 1]
    return float(roc_auc_score(y, scores))


def _trees_input(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for j, name in enumerate(real.columns):
        a, b = real[name], synthetic[name]
        if kind_of(a) == "numeric":
            columns[f"x{j}"] = np.concatenate([numbers(a), numbers(b, like=a)])
        else:
            codes_a, codes_b, n_codes = common_codes(a, b)
            columns[f"x{j}"] = pd.Categorical(np.concatenate([codes_a, codes_b]), categories=range(n_codes))
    return pd.DataFrame(columns)
