"""Small tables with relations in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

CITIES = {"Paris": "FR", "Lyon": "FR", "Nice": "FR", "Rome": "IT", "Milan": "IT", "Bonn": "DE", "Ulm": "DE"}


def rng(seed=0):
    return np.random.default_rng(seed)


def money(n=600, seed=0):
    net = np.round(rng(seed).exponential(80, n), 2)
    vat = np.round(net * 0.21, 2)
    return pd.DataFrame({"net": net, "vat": vat, "total": np.round(net + vat, 2)})
