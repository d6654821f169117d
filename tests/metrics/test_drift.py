"""Two-sample tests: right under the null hypothesis, and they name what moved."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gensynth.errors import DataError
from gensynth.metrics.drift import ColumnDrift, column_drift, corrected, counts_drift, drift


def table(n: int = 600, seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a = rng.normal(shift, 1, n)
    return pd.DataFrame({
        "a": a, "b": a + rng.normal(size=n) - shift, "c": rng.choice(["x", "y", "z"], n),
        "d": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
    })  # fmt: skip


def test_the_columns_that_moved_are_named():
    found = drift(table(), table(seed=1, shift=1.0))
    assert found.moved == ["a"]
    assert found.auc > 0.6
    assert found.p_value < 1e-6
    state = json.loads(json.dumps(found.to_json()))
    assert [c["moved"] for c in state["columns"]] == [True, False, False, False]


def test_equal_distributions_are_not_told_apart():
    found = drift(table(), table(seed=2))
    assert found.moved == []
    assert found.p_value > 0.001
    assert all(c.adjusted >= c.p_value for c in found.columns)


def test_rows_are_told_apart_where_no_column_is():
    new = table(seed=3)
    new["a"] = np.random.default_rng(0).permutation(new["a"])  # no longer tied to b
    found = drift(table(), new)
    assert found.moved == []
    assert found.p_value < 1e-3


@pytest.mark.parametrize("kind", ["numbers", "categories", "ordered"])
def test_p_values_are_uniform_under_the_null(kind):
    rng = np.random.default_rng(0)
    p = []
    for _ in range(300):
        if kind == "numbers":
            p.append(column_drift(pd.Series(rng.normal(size=200)), pd.Series(rng.normal(size=150)), "a").p_value)
        else:
            counts = [rng.multinomial(n, [0.4, 0.3, 0.2, 0.1]) for n in (400, 300)]
            p.append(counts_drift("a", *counts, ordered=kind == "ordered").p_value)
    low = np.mean(np.array(p) < 0.05)
    assert low < 0.1
    if kind != "ordered":  # few values make it conservative
        assert stats.kstest(p, "uniform").pvalue > 0.001


def test_statistics_are_those_of_scipy():
    counts = np.array([50, 30, 20]), np.array([30, 30, 40])
    found = counts_drift("a", *counts)
    wanted = stats.chi2_contingency(np.stack(counts), correction=False)
    assert (found.statistic, found.p_value) == pytest.approx((wanted.statistic, wanted.pvalue))


def test_missing_cells_count():
    a = pd.Series(np.random.default_rng(0).normal(size=500))
    found = column_drift(a, a.where(np.arange(500) % 2 == 0), "a")
    assert found.test == "chi-squared"
    assert found.p_value < 1e-6


def test_holm_correction():
    tests = [ColumnDrift(i, "chi-squared", 0, 0, p) for i, p in enumerate((0.01, 0.04, 0.03))]
    assert [t.adjusted for t in corrected(tests)] == pytest.approx([0.03, 0.06, 0.06])


def test_other_columns_are_an_error():
    with pytest.raises(DataError, match="lacks 1 column"):
        drift(table(), table().drop(columns="a"))


def test_a_notebook_shows_what_moved_first():
    old, new = (frame.rename(columns={"a": "<b>a</b>"}) for frame in (table(), table(seed=1, shift=1.0)))
    shown = drift(old, new)._repr_html_()
    assert "1 of 4 columns moved" in shown
    assert "<b>a</b>" not in shown
    assert shown.index("&lt;b&gt;a") < shown.index(">b</td>")
    assert "No column moved" in drift(old, old)._repr_html_()
