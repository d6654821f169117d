"""A small detector, and rows to plant anomalies in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gensynth import AnomalyDetector, Trainer
from gensynth.models import VAE


def make_detector(n_members: int = 2, epochs: int = 40, **options: Any) -> AnomalyDetector:
    trainer = Trainer(max_epochs=epochs, batch_size=64, progress=False)
    return AnomalyDetector(VAE(n_members=n_members, hidden=(32, 32)), trainer=trainer, random_state=0, **options)


def make_rows(n: int, seed: int = 0) -> pd.DataFrame:
    """Amounts that follow from sizes, and regions; every kind of column, some cells missing."""
    rng = np.random.default_rng(seed)
    size = rng.normal(100, 10, n)
    frame = pd.DataFrame(
        {
            "size": size,
            "amount": (2 * size + rng.normal(0, 2, n)).round(1),
            "count": rng.poisson(20, n),
            "region": rng.choice(["north", "south", "west"], n),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 365, n), unit="D"),
        }
    )
    frame.loc[frame.index[:: max(n // 20, 1)], "count"] = np.nan
    return frame


def plant(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with one strange cell in each of the first four."""
    out = frame.copy()
    out.loc[0, "amount"] = 9300.0
    out.loc[1, "region"] = "atlantis"
    out.loc[2, "count"] = 400
    out.loc[3, "day"] = pd.Timestamp("2199-01-01")
    return out
