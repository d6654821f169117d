"""A series per entity is said to be one; ordinary tables are not."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import ColumnWarning, IdentifierWarning
from gensynth.schema import TableSchema
from gensynth.schema.series import find_series, warn_of_series

R = np.random.default_rng(5)
N = 1000
START = pd.Timestamp("2024-01-01")
PANEL = pd.DataFrame({
    "device": np.repeat([f"d{i}" for i in range(20)], 50),
    "t": np.tile(pd.date_range(START, periods=50, freq="h"), 20),
    "load": R.normal(size=N).round(3),
})  # fmt: skip


def found(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        schema = TableSchema.infer(data)
    return find_series(schema.align(data), schema.columns)


def moments(n, unit):
    return START + pd.to_timedelta(R.integers(0, 10**6, n), unit=unit)


@pytest.mark.parametrize(
    ("data", "pair"),
    [
        (PANEL, ("device", "t")),
        (PANEL.sample(frac=1, random_state=0), ("device", "t")),
        (PANEL.sort_values(["t", "device"]), ("device", "t")),
        (PANEL.assign(t=np.tile(np.arange(50), 20)).rename(columns={"t": "k"}), ("device", "k")),
        (pd.DataFrame({"unit": np.repeat(np.arange(30), 40), "cycle": np.tile(np.arange(40), 30)}), ("unit", "cycle")),
        (pd.DataFrame({"land": np.repeat([f"c{i}" for i in range(40)], 12), "year": np.tile(range(1952, 2012, 5), 40)}),
         ("land", "year")),
        (pd.DataFrame({"who": np.repeat([f"a{i}@x.org" for i in range(40)], 10),
                       "at": np.concatenate([np.sort(moments(10, "s")) for _ in range(40)])}), ("who", "at")),
    ],
)  # fmt: skip
def test_series(data, pair):
    assert found(data) == pair


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"shop": R.choice(list("abcdefgh"), N), "at": moments(N, "m").sort_values()}),
        pd.DataFrame({"shop": R.choice(list("abcdefgh"), N), "at": moments(N, "s")}),
        pd.DataFrame({"shop": R.choice(list("abcdefgh"), N), "day": moments(N, "s").floor("D"),
                      "year": R.integers(1990, 2020, N), "age": R.integers(0, 99, N)}),
        pd.DataFrame({"c": R.choice(list("abc"), N), "v": R.choice(10**6, N, replace=False)}).sort_values(["c", "v"]),
        pd.DataFrame({"id": np.arange(N), "day": pd.date_range(START, periods=N), "c": R.choice(list("abc"), N)}),
        pd.concat([PANEL, PANEL.iloc[[7]]]),
        PANEL.iloc[:39],
    ],
)  # fmt: skip
def test_ordinary_tables(data):
    assert found(data) is None


def test_it_is_said_with_the_names_of_both_columns():
    schema = TableSchema.infer(PANEL)
    with pytest.warns(ColumnWarning, match=r"time series per 'device', ordered by 't'.*modelled as independent"):
        warn_of_series(schema.align(PANEL), schema.columns)
    warn_of_series(schema.align(PANEL.iloc[:30]), schema.columns)
