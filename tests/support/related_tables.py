"""Small tables with relations in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

CITIES = {"Paris": "FR", "Lyon": "FR", "Nice": "FR", "Rome": "IT", "Milan": "IT", "Bonn": "DE", "Ulm": "DE"}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def money(n: int = 600, seed: int = 0) -> pd.DataFrame:
    net = np.round(rng(seed).exponential(80, n), 2)
    vat = np.round(net * 0.21, 2)
    return pd.DataFrame({"net": net, "vat": vat, "total": np.round(net + vat, 2)})
