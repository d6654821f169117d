from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.metrics import validity

REAL = pd.DataFrame(
    {
        "n": [1, 2, 3, 4],
        "price": [1.25, 2.5, np.nan, 3.75],
        "city": ["Rome", "Oslo", "Rome", "Bonn"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-03", "2024-01-02"]),
    }
)


def test_a_table_is_valid_beside_itself():
    found = validity(REAL, REAL)
    assert (found.category_coverage, found.range_validity, found.type_validity) == (1, 1, 1)
    assert found.missingness_error == 0


def test_each_cell_that_cannot_be_is_counted():
    other = REAL.assign(
        n=[1.5, 2, 3, 9],  # one of no whole number, one out of range
        price=[1.255, 2, 3, np.nan],  # one with too many decimals
        city=pd.Series(["Rome", "Paris", None, "Rome"]),  # unknown, missing where none is
        day=pd.to_datetime(["2024-01-01", "2025-01-01", "2024-01-03", "2024-01-04"]),  # out of range
    )
    found = validity(REAL, other)
    assert found.type_validity == pytest.approx(1 - 4 / 16)
    assert found.range_validity == pytest.approx(1 - 2 / 11)
    assert found.category_coverage == pytest.approx(1 / 3)
    assert found.missingness_error == pytest.approx(0.25 / 4)


def test_numbers_without_fixed_decimals_are_of_any():
    rng = np.random.default_rng(0)
    found = validity(pd.DataFrame({"x": rng.normal(size=50)}), pd.DataFrame({"x": [0.1234567891, 0.5]}))
    assert found.type_validity == 1
    assert np.isnan(found.category_coverage)


def test_nothing_numeric_has_no_range():
    frame = pd.DataFrame({"c": ["a", "b"]})
    assert np.isnan(validity(frame, frame).range_validity)
