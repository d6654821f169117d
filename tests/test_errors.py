"""The words of messages: values as they are written, counts with their nouns, hints for who reads them."""

from __future__ import annotations

import datetime as dt
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import (
    DriftWarning,
    UnseenValuesWarning,
    command_line_hints,
    counted,
    declare_hint,
    hint,
    shown,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.int64(0), "0"), (np.float64("nan"), "nan"), (np.float32(0.5), "0.5"), (np.bool_(True), "True"),
        (None, "None"), (np.str_("a"), "'a'"), ("it's", '"it\'s"'), (True, "True"), (1.5, "1.5"),
        (np.float64(1e300), "1e+300"),
        (np.datetime64("2020-01-02T03:04:05"), "2020-01-02 03:04:05"),
        (pd.Timestamp("2020-01-02"), "2020-01-02 00:00:00"),
        (dt.date(2020, 1, 2), "2020-01-02"), (Decimal("1.50"), "1.50"), (pd.NaT, "NaT"), (pd.NA, "<NA>"),
        ([np.int64(1), "a"], "[1, 'a']"), ((np.float64(1),), "(1.0)"), ({np.int64(3)}, "{3}"), (b"ab", "b'ab'"),
    ],
)  # fmt: skip
def test_values_are_shown_plainly(value, text):
    assert shown(value) == text


def test_counts():
    assert [counted(n, "row") for n in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
    assert [counted(n, "anomaly", "anomalies") for n in (1, 2)] == ["1 anomaly", "2 anomalies"]


def test_hints_fit_the_face():
    assert hint("df.dropna()", "--drop") == "df.dropna()"
    assert declare_hint("zip", "categorical") == "schema={'zip': 'categorical'}"
    with command_line_hints():
        assert hint("df.dropna()", "--drop") == "--drop"
        assert hint("df.dropna()") == ""
        assert declare_hint("zip", "categorical") == "--schema zip=categorical"
        assert declare_hint("Customer No.", "categorical") == "--schema 'Customer No.=categorical'"


@pytest.mark.parametrize(
    ("warning", "name", "value"),
    [(UnseenValuesWarning("new", "x"), "column", "x"), (DriftWarning("moved", ("x", 1)), "columns", ("x", 1))],
)
def test_warnings_are_pickled_with_their_columns(warning, name, value):
    again = pickle.loads(pickle.dumps(warning))
    assert (type(again), str(again), getattr(again, name)) == (type(warning), str(warning), value)
