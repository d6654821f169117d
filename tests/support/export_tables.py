"""Tables with every kind of column, and with every kind of relation."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
from related_tables import CITIES, money

N = 400


def days(values: Any, unit: str = "us") -> Any:
    return pd.to_datetime(values, unit="D").astype(f"datetime64[{unit}]")


def zoo(rng: np.random.Generator) -> dict[str, tuple[Any, Any]]:
    """Return columns by name: what is fitted, and what is encoded then."""
    normal = rng.standard_normal(N)
    count = rng.integers(0, 30, N)
    holes = rng.random(N) < 0.2
    labels = rng.choice(["red", "green", "blue"], N)
    day = rng.integers(10_000, 12_000, N)
    monday = 4 + 7 * rng.integers(1400, 1700, N) + rng.choice([0, 2], N)
    months = pd.Series([pd.Timestamp(2001 + i // 12 % 9, i % 12 + 1, 1) for i in rng.integers(0, 100, N)])
    ends = months + pd.offsets.MonthEnd(0)
    new_floats = np.concatenate([[np.nan, 1e308, -1e308, 1e6, -5.0, 0.0, -0.0], normal])[:N]
    new_counts = np.concatenate([[-7, 10**17, 31, -(10**17), 12], count])[:N]
    return {
        "float": (normal, new_floats),
        "float32": (normal.astype(np.float32), normal.astype(np.float32)[::-1]),
        "holes": (np.where(holes, np.nan, normal), new_floats),
        "cents": (
            np.round(normal * 50, 2),
            np.concatenate([[1e300, 0.005, 2.675, np.nan], np.round(normal * 60, 3)])[:N],
        ),
        "tail": (rng.lognormal(0, 3, N), np.concatenate([[1e300, 1e-300, np.nan], rng.lognormal(0, 5, N)])[:N]),
        "spike": (np.where(rng.random(N) < 0.6, 0.0, normal), new_floats),
        "count": (count, new_counts),
        "wide integers": (
            rng.integers(10**17, 9 * 10**17, N),
            np.concatenate([[-(10**18), 3], rng.integers(10**17, 9 * 10**17, N)])[:N],
        ),
        "nullable": (pd.Series(count).astype("Int64").mask(holes), pd.array(new_counts, dtype="Int64")),
        "whole floats": (np.where(holes, np.nan, count), np.concatenate([[2.4, np.nan, 1e19], count])[:N]),
        "flag": (rng.random(N) < 0.4, rng.random(N) < 0.4),
        "maybe": (
            pd.Series(rng.random(N) < 0.5).astype("boolean").mask(holes),
            pd.Series(np.full(N, True)).astype("boolean").mask(rng.random(N) < 0.5),
        ),
        "label": (labels, np.concatenate([["violet", "<missing>", None], labels])[:N]),
        "gaps": (pd.Series(labels).mask(holes), np.concatenate([["violet", ""], labels])[:N]),
        "many": (rng.zipf(1.5, N).clip(max=300).astype(str), rng.zipf(1.3, N).clip(max=500).astype(str)),
        "numbered": (
            pd.Categorical(rng.choice([3, 1, 2, 70], N)),
            np.concatenate([[5, 70, 0], rng.choice([3, 1, 2], N)])[:N],
        ),
        "fractions": (
            pd.Categorical(rng.choice([0.5, 1.0, 2.25], N)),
            np.concatenate([[0.75, np.nan], rng.choice([0.5, 1.0], N)])[:N],
        ),
        "date": (days(day), days(np.concatenate([[0, 200, 30_000], day])[:N])),
        "nanoseconds": (days(day, "ns") + pd.to_timedelta(rng.integers(0, 10**9, N), "ns"), days(day, "ns")),
        "seconds": (days(day, "s"), days(day + 1, "s")),
        "sparse dates": (pd.Series(days(day)).where(~holes), pd.Series(days(day)).where(holes)),
        "weekdays": (days(monday), days(np.concatenate([monday[:100], day])[:N])),
        "first of month": (months, pd.concat([months[:100], pd.Series(days(day))])[:N].reset_index(drop=True)),
        "end of month": (ends, pd.concat([ends[:100], pd.Series(days(day - 20_000))])[:N].reset_index(drop=True)),
        "zoned": (
            pd.Series(days(day)).dt.tz_localize("Europe/Berlin"),
            pd.Series(days(day + 3)).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
        ),
        "span": (pd.to_timedelta(day, "h"), pd.to_timedelta(day * 2, "h")),
        "written dates": (
            pd.Series(days(day)).dt.strftime("%d/%m/%Y"),
            pd.Series(days(day + 40)).dt.strftime("%d/%m/%Y"),
        ),
        "numbered dates": (
            pd.Series(days(day)).dt.strftime("%Y%m%d").astype(int),
            pd.Series(days(day + 9)).dt.strftime("%Y%m%d").astype(int),
        ),
        "times": ([dt.time(h % 24, h % 60) for h in day], [dt.time(h % 23, h % 59) for h in day]),
        "decimal": (
            [decimal.Decimal(c).scaleb(-2) for c in count.tolist()],
            [decimal.Decimal(c).scaleb(-1) for c in count.tolist()],
        ),
        "euros": (
            [f"{v:,.2f} €" for v in np.round(normal * 5000, 2)],
            [f"{v:,.2f} €" for v in np.round(normal * 9000, 2)],
        ),
        "with words": (
            [("unknown" if h else str(c)) for h, c in zip(holes, count, strict=True)],
            [("unknown" if h else str(c + 5)) for h, c in zip(~holes, count, strict=True)],
        ),
    }


def related(seed: int = 0) -> pd.DataFrame:
    """Return a table in which every kind of relation holds."""
    rng = np.random.default_rng(seed)
    city = rng.choice(list(CITIES), N)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N), unit="D")
    quantity, price = rng.integers(1, 40, N), np.round(rng.lognormal(2, 1, N), 2)
    high = rng.normal(size=N)
    absent = rng.random(N) < 0.2
    return money(N, seed).assign(
        city=city,
        country=[CITIES[c] for c in city],
        start=start,
        end=start + pd.to_timedelta(rng.integers(0, 30, N), unit="D"),
        quantity=quantity,
        price=price,
        amount=np.round(quantity * price, 2),
        low=high - rng.exponential(0.1, N),
        high=high,
        one=np.where(absent, np.nan, rng.normal(size=N)),
        two=pd.Series(rng.choice(["a", "b"], N)).mask(absent),
    )
