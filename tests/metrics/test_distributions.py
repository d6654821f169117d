"""Distributions of two columns over each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.metrics.distributions import histogram, is_binned, missing_shares, moment, value_shares


def test_shares_in_common_bins_sum_to_one_and_the_outer_bins_hold_the_rest():
    real = pd.Series(np.r_[np.arange(1000.0), 1e9])
    found = histogram(real, pd.Series([500.0, -1e9, np.nan]))
    assert found.edges[0] > -1e9
    assert found.real.sum() == pytest.approx(1.0)
    assert found.synthetic.sum() == pytest.approx(1.0)
    assert found.edges.shape == (31,)


def test_one_value_has_bins_too():
    found = histogram(pd.Series([3.0, 3.0]), pd.Series([3.0]))
    assert (found.edges[0], found.edges[-1]) == (2.5, 3.5)


def test_few_numbers_are_no_histogram():
    assert not is_binned(pd.Series([1, 2, 3] * 10))
    assert not is_binned(pd.Series([f"a{i}" for i in range(50)]))
    assert is_binned(pd.Series(range(50)))


def test_values_and_missing_cells_are_counted():
    shares = value_shares(pd.Series(["a", "a", None, "b"]), pd.Series(["a", "c", "c", "c"]))
    assert {share.name: (share.real, share.synthetic) for share in shares} == {
        "a": (0.5, 0.25), "b": (0.25, 0.0), "c": (0.0, 0.75),
    }  # fmt: skip
    assert missing_shares(pd.Series(["a", None]), pd.Series(["a"])) == (0.5, 0.0)


def test_moments_are_dates_or_days():
    assert moment(86_400e6, pd.Series(pd.to_datetime(["2020-01-01"]))) == "1970-01-02"
    assert moment(1.5 * 86_400e6, pd.Series(pd.to_timedelta([1], unit="D"))) == "1.5 d"
