"""A small mixed table with missing cells that tests of weighted rows share."""

from __future__ import annotations

import numpy as np
import pandas as pd

N = 400


def table(n: int = N, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "c": rng.choice(list("abc"), n, p=[0.5, 0.3, 0.2]), "x": rng.normal(size=n).round(2),
        "k": rng.integers(0, 5, n), "z": rng.lognormal(size=n), "flag": rng.random(n) < 0.3,
    })  # fmt: skip
    frame["x"] += (frame["c"] == "a") * 3
    frame.loc[::7, "z"] = np.nan
    frame.loc[::11, "c"] = None
    return frame
