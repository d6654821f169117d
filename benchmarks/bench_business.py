"""Made-up business tables: clean rows with rare categories and skewed amounts, and errors to plant among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.random import Generator

Clean = Callable[[int, Generator], pd.DataFrame]
Spoil = Callable[[pd.DataFrame, int, Generator], None]
"""From a table and the position of a row to the table with an error in that row."""

SUPPLIERS = [f"S{i}" for i in range(12)]
COUNTRY = dict(zip(SUPPLIERS, ["DE", "FR", "IT", "DE", "NL", "PL", "DE", "FR", "ES", "IT", "AT", "CH"], strict=True))
TAX = {"DE": 0.19, "FR": 0.2, "IT": 0.22, "NL": 0.21, "PL": 0.23, "ES": 0.21, "AT": 0.2, "CH": 0.08}
FEES = {"basic": 10, "plus": 20, "pro": 50, "public": 35, "trial": 0, "staff": 0}
SPEED = {"A": 1500, "B": 900, "C": 3000, "D": 300}


def sensors(n: int, rng: Generator) -> pd.DataFrame:
    """Return readings that follow the time of day, with gaps, a rare state and a rare device."""
    time = np.arange(n) / 144 * 2 * np.pi
    temperature = 20 + 5 * np.sin(time) + rng.normal(0, 0.4, n)
    state = rng.choice(["ok", "warm", "service"], n, p=[0.95, 0.04, 0.01])
    humidity = (60 - 1.5 * (temperature - 20) + rng.normal(0, 1.5, n)).round(1)
    return pd.DataFrame(
        {
            "temperature": temperature.round(2),
            "humidity": np.where(rng.random(n) < 0.03, np.nan, humidity),
            "pressure": (1013 + rng.normal(0, 3, n)).round(1),
            "vibration": (rng.lognormal(0, 0.4, n) * (1 + 2 * (state == "service"))).round(3),
            "state": state,
            "device": rng.choice(["d1", "d2", "d3", "d4"], n, p=[0.5, 0.3, 0.15, 0.05]),
        }
    )


def spoil_sensors(table: pd.DataFrame, row: int, rng: Generator) -> None:
    """Put in a temperature, a humidity or a vibration that does not occur."""
    name = rng.choice(["temperature", "humidity", "vibration"])
    if name == "vibration":
        table.loc[row, name] = rng.uniform(15, 40)
    else:
        size = rng.uniform(40, 90) if name == "temperature" else rng.uniform(35, 70)
        table.loc[row, name] = table[name].median() + size * rng.choice([-1, 1])


def invoices(n: int, rng: Generator) -> pd.DataFrame:
    """Return amounts that depend on the supplier, who decides country, account and tax rate."""
    share = [0.25, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.01]
    supplier = pd.Series(rng.choice(SUPPLIERS, n, p=share))
    country = supplier.map(COUNTRY)
    net = (supplier.str[1:].astype(int).rpow(1.5) * 100 * rng.lognormal(0, 0.35, n)).round(2)
    return pd.DataFrame(
        {
            "supplier": supplier,
            "country": country,
            "account": supplier.map(lambda name: f"XX{7919 * int(name[1:]):07d}"),
            "net": net,
            "tax": (net * country.map(TAX)).round(2),
            "days": rng.integers(5, 40, n),
        }
    )


def spoil_invoices(table: pd.DataFrame, row: int, rng: Generator) -> None:
    """Put in an amount that is far too large, a wrong tax or an unknown country."""
    kind = rng.integers(3)
    if kind == 0:
        table.loc[row, ["net", "tax"]] *= rng.uniform(20, 60)
    elif kind == 1:
        table.loc[[row], "tax"] *= 3
    else:
        table.loc[row, "country"] = "US"


def members(n: int, rng: Generator) -> pd.DataFrame:
    """Return members with rare plans and regions; the plan decides the fee, and many spend nothing."""
    plan = pd.Series(rng.choice(list(FEES), n, p=[0.6, 0.25, 0.1, 0.03, 0.015, 0.005]))
    spent = np.where(rng.random(n) < 0.4, 0, rng.lognormal(3, 1, n).round(2))
    return pd.DataFrame(
        {
            "plan": plan,
            "region": rng.choice([f"r{i}" for i in range(15)], n, p=[0.15] * 5 + [0.025] * 10),
            "age": rng.normal(45, 14, n).clip(18, 90).round(),
            "fee": plan.map(FEES),
            "visits": rng.poisson(3, n),
            "spent": spent,
            "blocked": rng.choice(["no", "yes"], n, p=[0.98, 0.02]),
        }
    )


def spoil_members(table: pd.DataFrame, row: int, rng: Generator) -> None:
    """Put in an impossible age, a huge amount, a wrong fee or far too many visits."""
    name = rng.choice(["age", "spent", "fee", "visits"])
    if name == "age":
        table.loc[row, name] = rng.choice([-1, 150, 230, 999])
    elif name == "spent":
        table.loc[row, name] = round(rng.uniform(2_000, 30_000), 2)
    elif name == "fee":
        table.loc[row, name] = rng.choice([fee for fee in FEES.values() if fee != table.loc[row, "fee"]])
    else:
        table.loc[row, name] = rng.integers(40, 200)


def machines(n: int, rng: Generator) -> pd.DataFrame:
    """Return machines whose kind and load decide speed and power; some stand still for maintenance."""
    kind = pd.Series(rng.choice(list(SPEED), n, p=[0.5, 0.3, 0.17, 0.03]))
    load, still = rng.beta(2, 3, n), rng.random(n) < 0.06
    speed = kind.map(SPEED) * (0.5 + load) * rng.normal(1, 0.02, n)
    power = speed * load * 0.02 * rng.normal(1, 0.05, n) + rng.normal(0, 0.3, n)
    return pd.DataFrame(
        {
            "kind": kind,
            "mode": np.where(still, "maintenance", "run"),
            "load": load.round(3),
            "speed": speed.where(~still, 0).round(),
            "power": np.where(still, rng.normal(1, 0.1, n), power).round(2),
            "temperature": (30 + 25 * load + rng.normal(0, 1.5, n)).round(1),
            "errors": np.where(rng.random(n) < 0.015, rng.integers(1, 5, n), 0),
        }
    )


def spoil_machines(table: pd.DataFrame, row: int, rng: Generator) -> None:
    """Put in a temperature, power, speed or load that is far too high."""
    name = rng.choice(["temperature", "power", "speed", "load"])
    if name == "power":
        table.loc[[row], name] = (table.loc[[row], name] * rng.uniform(3, 8) + 5).round(2)
    else:
        low, high = {"temperature": (90, 200), "speed": (5_000, 9_000), "load": (1.5, 5)}[name]
        table.loc[row, name] = round(rng.uniform(low, high), 1)


BUSINESS: dict[str, tuple[Clean, Spoil]] = {
    "sensors": (sensors, spoil_sensors),
    "invoices": (invoices, spoil_invoices),
    "members": (members, spoil_members),
    "machines": (machines, spoil_machines),
}
"""Clean rows, and how one of them is spoiled."""
