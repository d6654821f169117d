"""The table of the golden files."""

from __future__ import annotations

import numpy as np
import pandas as pd

KINDS = ("synthesizer", "detector")


def golden_table() -> pd.DataFrame:
    """Every kind of column that the format stores; made without a random generator, so that it never changes."""
    n = 60
    i = np.arange(n)
    start = pd.Timestamp("2024-02-29", tz="Europe/Berlin") + pd.to_timedelta(i * 37 % 500, unit="D")
    net = np.round(np.exp(np.sin(i * 1.7) * 2), 2)
    vat = np.round(net * (i % 3) / 10, 2)
    return pd.DataFrame(
        {
            "net": net,
            "vat": vat,
            "total": np.round(net + vat, 2),
            "real": np.sin(i * 0.37) * np.pi,
            "sex": [["F", "M", None][k] for k in i * 7 % 3],
            "size": pd.Categorical([["S", "M", "L"][k] for k in i * i % 3], ["S", "M", "L"], ordered=True),
            "visits": pd.array([None if k % 5 == 0 else int(k * 13 % 40) for k in i], dtype="Int64"),
            "flag": i % 4 == 0,
            "day": start,
            "until": start + pd.to_timedelta(i * 11 % 20, unit="D"),
            "price": [f"{k * 31 % 900 + 100:,} EUR" for k in i],
            "key": [f"K-{k * 7919 % 100_000:05d}" for k in i],
            "constant": "x",
        }
    )
