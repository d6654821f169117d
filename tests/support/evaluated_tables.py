"""Tables of known quality, and their evaluations, each made once."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
import pandas as pd

from gensynth.evaluation import Evaluation, evaluate

Kind = Literal["real", "copies", "leaning", "independent", "poor"]


def bills(n: int, seed: int) -> pd.DataFrame:
    """Return rows of one source: dependent columns, a sum, a dependency, a date, gaps, keys."""
    rng = np.random.default_rng(seed)
    net = np.round(np.exp(rng.normal(4, 0.6, n)), 2)
    vat = np.round(net * rng.choice([0.07, 0.19], n), 2)
    city = rng.choice(["Rome", "Oslo", "Bonn", "Kiel"], n, p=[0.4, 0.3, 0.2, 0.1])
    late = rng.random(n) < 1 / (1 + np.exp(4 - net / 20))
    return pd.DataFrame(
        {
            "key": [f"B-{seed:03}-{i:05}" for i in rng.permutation(n)],
            "net": net,
            "vat": vat,
            "total": np.round(net + vat, 2),
            "city": city,
            "country": pd.Series(city).map({"Rome": "IT", "Oslo": "NO", "Bonn": "DE", "Kiel": "DE"}),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta((net + rng.normal(0, 10, n)).round(), unit="D"),
            "rating": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 6, n) + 2.0 * late),
            "late": np.where(late, "yes", "no"),
        }
    )


def synthetic(kind: Kind, n: int = 500) -> pd.DataFrame:
    """Return rows of a known quality beside ``bills(n, 0)``."""
    real = bills(n, 0)
    rng = np.random.default_rng(9)
    if kind == "real":
        return bills(n, 3)
    if kind == "copies":
        return real.sample(n, replace=True, random_state=0).reset_index(drop=True)
    if kind == "leaning":  # as a sequence of trees with small leaves does: next to a training row in all columns
        return real.assign(net=np.round(real["net"] * rng.uniform(0.995, 1.005, n), 2)).assign(
            total=lambda f: np.round(f["net"] + f["vat"], 2)
        )
    if kind == "independent":
        return pd.DataFrame({c: real[c].iloc[rng.permutation(n)].reset_index(drop=True) for c in real})
    return real.assign(net=real["net"] * 3 + 50, rating=1.0, city="Rome")


@functools.cache
def evaluation(kind: Kind) -> Evaluation:
    """Return the evaluation of a kind with held-out rows."""
    target = "late" if kind == "real" else None
    return evaluate(bills(500, 0), synthetic(kind), bills(500, 2), target=target, metrics={"rows": _rows})


def _rows(real: pd.DataFrame, other: pd.DataFrame) -> float:
    """Stand in for the metric of a plugin."""
    return len(other) / len(real)
