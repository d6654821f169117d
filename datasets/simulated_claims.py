"""Simulated motor insurance claims: a mixed table whose joint distribution is known.

    python simulated_claims.py claims.csv

Every column is drawn from the ones before it, as written in `make`; `fraud_probability` is the exact probability of
the label given the other columns of a row, so that its ROC AUC is the best that any classifier can reach.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from numpy.typing import NDArray

REGIONS = np.array(["north", "south", "east", "west"])
VEHICLES = np.array(["car", "van", "motorcycle"])
VEHICLE_GIVEN_REGION = np.array([[0.70, 0.20, 0.10], [0.60, 0.10, 0.30], [0.80, 0.15, 0.05], [0.50, 0.40, 0.10]])
DEDUCTIBLES = np.array([0, 150, 300, 500, 1000])
OPENED, CLOSED = np.datetime64("2023-01-01T00:00:00"), np.datetime64("2025-01-01T00:00:00")


def make(n: int = 4000, seed: int = 20250101) -> pd.DataFrame:
    """Draw ``n`` independent claims."""
    rng = np.random.default_rng(seed)
    age = np.clip(np.rint(rng.normal(46, 15, n)), 18, 90).astype(np.int64)
    region = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    vehicle = (rng.random((n, 1)) > VEHICLE_GIVEN_REGION.cumsum(1)[region][:, :2]).sum(1)
    # heavy tail: lognormal, with a median that rises with age
    income = np.round(np.exp(10.2 + 0.01 * (age - 46) + 0.6 * rng.standard_normal(n)), 2)
    garage = rng.random(n) < _sigmoid(1.5 * (np.log(income) - 10.2))
    deductible = DEDUCTIBLES[np.minimum(rng.binomial(4, 0.35, n) + garage, 4)]
    # zero-inflated: 70 % of the claims are paid nothing, the others a lognormal amount that depends on the vehicle
    paid = np.where(rng.random(n) < 0.7, 0.0, np.round(np.exp(6.5 + 0.5 * vehicle + 0.9 * rng.standard_normal(n)), 2))
    seconds = int((CLOSED - OPENED) / np.timedelta64(1, "s"))
    opened = OPENED + rng.integers(0, seconds, n).astype("timedelta64[s]")
    table = pd.DataFrame(
        {
            "opened": pd.Series(opened).astype("datetime64[us]"),
            "age": age,
            "region": REGIONS[region],
            "vehicle": VEHICLES[vehicle],
            # missing at random: the old leave their income out more often
            "income": np.where(rng.random(n) < 0.02 + 0.002 * (age - 18), np.nan, income),
            "garage": garage,
            "deductible": deductible,
            "paid": paid,
        }
    )
    table["fraud"] = np.where(rng.random(n) < fraud_probability(table), "yes", "no")
    return table


def fraud_probability(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return (n,) the probability that ``fraud`` is "yes" given the other columns."""
    logit = (
        -3.6
        + 0.9 * np.log10(1.0 + table["paid"].to_numpy(dtype=np.float64))
        + 1.2 * table["income"].isna().to_numpy(dtype=np.float64)
        + 0.8 * ((table["region"] == "west") & (table["vehicle"] == "van")).to_numpy(dtype=np.float64)
        - 0.7 * table["garage"].to_numpy(dtype=np.float64)
        + 0.5 * (table["opened"].dt.day_of_week >= 5).to_numpy(dtype=np.float64)
    )
    return _sigmoid(logit)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float64)


if __name__ == "__main__":
    make().to_csv(sys.argv[1], index=False)
