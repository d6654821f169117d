from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import DataError
from gensynth.metrics import Fidelity, fidelity


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def mixed(rng: np.random.Generator, n: int) -> pd.DataFrame:
    age = rng.normal(40, 10, n).round()
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, age),
            "pay": np.exp(rng.normal(size=n)) * age,
            "city": pd.Categorical(rng.choice(["Rome", "Oslo", "Bonn"], n, p=[0.6, 0.3, 0.1])),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D"),
        }
    )


def test_a_table_against_itself_has_no_error(rng):
    table = mixed(rng, 500)
    result = fidelity(table, table.sample(frac=1, random_state=0))
    assert result.shape_error == pytest.approx(0, abs=1e-12)
    assert result.trend_error == pytest.approx(0, abs=1e-12)
    assert result.n_pairs == 10


def test_shape_error_is_the_kolmogorov_smirnov_distance(rng):
    scipy_stats = pytest.importorskip("scipy.stats")
    a, b = rng.normal(size=300), rng.normal(0.4, 1.3, size=200).round(1)
    found = fidelity(pd.DataFrame({"x": a}), pd.DataFrame({"x": b})).shape_error
    assert found == pytest.approx(scipy_stats.ks_2samp(a, b).statistic)


def test_shape_error_of_categories_counts_missing_and_unseen_values():
    real = pd.DataFrame({"c": ["a", "a", "b", None]})
    synthetic = pd.DataFrame({"c": ["a", "a", "c", "b"]})
    assert fidelity(real, synthetic).shape_error == pytest.approx(0.25)


def test_missing_numbers_count():
    real = pd.DataFrame({"x": [1.0, 2.0, np.nan, np.nan]})
    assert fidelity(real, pd.DataFrame({"x": [1.0, 2.0]})).shape_error == pytest.approx(0.5)
    assert fidelity(real, pd.DataFrame({"x": [np.nan, np.nan]})).shape_error == pytest.approx(0.5)
    assert fidelity(pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [np.nan]})).shape_error == 1.0


def test_both_tables_are_binned_with_the_edges_of_the_real_one(rng):
    """A numeric column that is shifted as a whole changes the contingency table; per-table edges would hide it."""
    g = rng.choice(["a", "b"], 2000)
    x = rng.normal(size=2000)
    real = pd.DataFrame({"g": g, "x": x})
    assert fidelity(real, pd.DataFrame({"g": g, "x": x + 100})).trend_error > 0.85
    assert fidelity(real, pd.DataFrame({"g": g, "x": x})).trend_error == 0


def test_trend_error_of_numbers_is_half_the_difference_of_correlations(rng):
    x = rng.normal(size=1000)
    real, synthetic = pd.DataFrame({"x": x, "y": x}), pd.DataFrame({"x": x, "y": -x})
    assert fidelity(real, synthetic).trend_error == pytest.approx(1)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_correlations_are_those_of_pandas_with_missing_values(rng, offset):
    def table(slope: float) -> pd.DataFrame:
        x = rng.normal(size=400)
        frame = pd.DataFrame({"x": x + offset, "y": slope * x + rng.normal(size=400), "z": rng.normal(size=400)})
        return frame.mask(rng.random(frame.shape) < 0.2)

    a, b = table(1.0), table(-0.3)
    i, j = np.triu_indices(3, 1)
    expected = (a.corr() - b.corr()).abs().to_numpy()[i, j].mean() / 2
    assert fidelity(a, b).trend_error == pytest.approx(expected, rel=1e-6)


def test_a_constant_column_has_correlation_zero():
    a = pd.DataFrame({"x": [0.1] * 50, "y": np.arange(50.0)})
    assert fidelity(a, a[::-1]).trend_error == 0


def test_weights_make_real_rows_count_more(rng):
    real = mixed(rng, 2000)
    rome = real["city"] == "Rome"
    alone = fidelity(real[rome], real[rome])
    weighted = fidelity(real, real[rome], weight=rome.to_numpy().astype(np.float64))
    assert weighted.shape_error == pytest.approx(alone.shape_error, abs=1e-9)
    assert weighted.trend_error == pytest.approx(alone.trend_error, abs=1e-9)
    assert fidelity(real, real[rome]).shape_error > 0.05


@pytest.mark.parametrize("weight", [np.ones(3), -np.ones(4), np.zeros(4), np.full(4, np.nan)])
def test_wrong_weights_are_refused(weight):
    frame = pd.DataFrame({"x": range(4)})
    with pytest.raises(DataError, match="4 finite numbers"):
        fidelity(frame, frame, weight=weight)


def test_summary_names_the_worst_column_and_pair(rng):
    real = mixed(rng, 800)
    synthetic = real.assign(pay=rng.permutation(real["pay"]), city=rng.permutation(real["city"].to_numpy()))
    result = fidelity(real, synthetic)
    assert isinstance(result, Fidelity)
    frame = result.to_frame()
    assert list(frame.index) == list(real.columns)
    assert frame["shape_error"].max() < 1e-9
    assert frame["trend_error"].idxmax() in {"pay", "city"}
    assert {result.worst_pairs[0].first, result.worst_pairs[0].second} & {"pay", "city"}
    assert result.trend_error == pytest.approx(frame["trend_error"].mean())


def test_a_wide_table_is_sampled(rng):
    frame = pd.DataFrame(rng.integers(0, 3, (50, 200)).astype(str), columns=[f"c{i}" for i in range(200)])
    assert fidelity(frame, frame, max_pairs=100).n_pairs == 100


def test_many_levels_cost_no_memory(rng):
    frame = pd.DataFrame({"a": np.arange(20_000).astype(str), "b": np.arange(20_000)[::-1].astype(str)})
    assert fidelity(frame, frame.sample(frac=1, random_state=0)).trend_error == 0


def test_dtypes_need_not_agree():
    real = pd.DataFrame({"i": [1, 2, 3], "s": pd.Categorical(["a", "b", "a"]), "b": [True, False, True]})
    synthetic = pd.DataFrame({"i": pd.array([1, 2, 3], dtype="Int64"), "s": ["a", "b", "a"], "b": [1, 0, 1]})
    assert fidelity(real, synthetic).shape_error == 0


@pytest.mark.parametrize(
    ("synthetic", "message"),
    [
        (pd.DataFrame({"y": [1.0]}), "lacks 1 column.*x"),
        (pd.DataFrame({"x": []}), "no rows"),
        (pd.DataFrame({"x": ["one"]}), "'x'.*cast it"),
    ],
)
def test_tables_that_cannot_be_compared(synthetic, message):
    with pytest.raises(DataError, match=message):
        fidelity(pd.DataFrame({"x": [1.0, 2.0]}), synthetic)
