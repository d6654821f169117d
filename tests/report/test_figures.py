"""What the pages draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.report.figures import overlay, plane, ticks


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.2, 1e6), (1e-9, 3e-9), (17.0, 17.5)])
def test_ticks_are_few_round_and_inside(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low <= tick <= high for tick in found)


def test_numbers_are_bars_and_an_outline():
    rng = np.random.default_rng(0)
    found = overlay(pd.Series(rng.normal(size=500)), pd.Series(rng.normal(3, 1, 500)))
    bins = found["bins"]
    outline = [float(point.split(",")[1]) for point in bins["outline"].split()]
    assert max(*(bar["height"] for bar in bins["bars"]), *(100 - height for height in outline)) == 100
    assert min(outline[:20]) > 90  # the synthetic numbers lie on the right
    assert found["missing"] is None
    assert sum(bar["height"] for bar in bins["bars"][:15]) > sum(bar["height"] for bar in bins["bars"][15:])


def test_dates_have_dates_on_their_axis():
    days = pd.Series(pd.date_range("2024-01-01", periods=200))
    found = overlay(days, days)
    assert [tick["text"][:4] for tick in found["bins"]["ticks"]] == ["2024"] * 3


def test_few_numbers_stand_in_their_order_and_many_categories_are_cut():
    found = overlay(pd.Series([3, 1, 2, 2]), pd.Series([1, 1, 5, 2]))
    assert [value["name"] for value in found["values"]] == ["1", "2", "3", "5"]
    assert [value["real"] for value in found["values"]] == ["25.0", "50.0", "25.0", "0.0"]
    names = pd.Series([f"v{i}" for i in range(40)])
    rows = overlay(names, names)["values"]
    assert rows[-1]["name"] == "32 others"
    assert rows[-1]["real"] == "80.0"


def test_missing_cells_are_counted():
    found = overlay(pd.Series(["a", None]), pd.Series(["a", "a"]))
    assert found["missing"] == ["50.0", "0.0"]


def test_an_empty_column_is_drawn():
    assert overlay(pd.Series([np.nan] * 5), pd.Series([1.0] * 5))["bins"] is None


def test_rows_of_two_sources_lie_apart_in_the_plane():
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100)})
    found = plane(real, real + 10, 0)
    a, b = np.array(found["real"]), np.array(found["synthetic"])
    assert a.shape == b.shape == (100, 2)
    assert a.min() >= 0
    assert b.max() <= 100
    assert np.linalg.norm(a.mean(0) - b.mean(0)) > 20
