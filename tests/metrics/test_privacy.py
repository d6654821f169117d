from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import DataError
from gensynth.metrics import copies, dcr_share, memorisation, nearest_share, nndr_share


def test_copies_are_rows_that_agree_everywhere():
    real = pd.DataFrame({"x": [1.0, 2.0, np.nan], "c": ["a", "b", None]})
    synthetic = pd.DataFrame({"x": [1.0, 1.0, np.nan, 2.0, np.nan], "c": ["a", "b", None, "b", "a"]})
    assert copies(real, synthetic).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        (pd.Series([1, 2]), pd.Series([1.0, 2.0])),
        (pd.Series([1, None], dtype="Int64"), pd.Series([1.0, np.nan])),
        (pd.Series(["a", None]), pd.Series(["a", np.nan], dtype="category")),
        (pd.Series(["a", "b"], dtype="category"), pd.Series(["a", "b"], dtype="string")),
        (pd.Series([True, False]), pd.Series([True, False], dtype="boolean")),
        (pd.Series([True, None], dtype="boolean"), pd.Series([True, None], dtype=object)),
        (pd.to_datetime(pd.Series(["2020-01-01", None])), pd.Series(["2020-01-01", None], dtype="datetime64[ns]")),
        (
            pd.Series(pd.to_datetime(["2020-01-01 12:00"] * 2, utc=True)),
            pd.Series(pd.to_datetime(["2020-01-01 12:00"] * 2, utc=True)).dt.tz_convert("Asia/Tokyo"),
        ),
        (pd.Series([2**62 + 1, 3]), pd.Series([2**62 + 1, 3], dtype="Int64")),
        (pd.Series([[1], [2]]), pd.Series([[1], [2]])),
        (pd.Series([0.0, 1.0]), pd.Series([-0.0, 1.0])),
    ],
)
def test_values_are_compared_not_dtypes(real, synthetic):
    assert copies(pd.DataFrame({"x": real}), pd.DataFrame({"x": synthetic})).all()


def test_near_is_not_equal():
    real = pd.DataFrame({"x": [2**62], "y": [0.1 + 0.2]})
    assert not copies(real, pd.DataFrame({"x": [2**62 + 1], "y": [0.1 + 0.2]})).any()
    assert not copies(real, pd.DataFrame({"x": [2**62], "y": [0.3]})).any()


def test_further_columns_and_order_do_not_matter():
    real = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    synthetic = pd.DataFrame({"_synthetic": [True, True], "b": [3, 3], "a": [1, 2]})
    assert copies(real, synthetic).tolist() == [True, False]


def test_copies_agrees_with_a_set_of_tuples_over_many_columns():
    rng = np.random.default_rng(1)
    names = [f"c{i}" for i in range(12)]
    real = pd.DataFrame(rng.integers(0, 2, (600, 12)), columns=names)
    synthetic = pd.DataFrame(rng.integers(0, 2, (600, 12)), columns=names)
    known = set(real.itertuples(index=False, name=None))
    expected = [row in known for row in synthetic.itertuples(index=False, name=None)]
    assert 0 < sum(expected) < 600
    assert copies(real, synthetic).tolist() == expected


def test_copies_is_fast():
    rng = np.random.default_rng(0)
    n = 200_000
    real = pd.DataFrame({f"x{i}": rng.integers(0, 30, n) for i in range(6)})
    start = time.perf_counter()
    found = copies(real, real.sample(frac=1, random_state=0))
    assert found.all()
    assert time.perf_counter() - start < 5


def test_an_empty_table_is_refused():
    with pytest.raises(DataError, match="no rows"):
        copies(pd.DataFrame({"x": [1]}), pd.DataFrame({"x": []}))


def two_moons(rng: np.random.Generator, n: int) -> pd.DataFrame:
    x = rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": x**2 + rng.normal(size=n), "c": np.where(x > 0, "p", "n")})


def test_dcr_share_is_one_for_a_copy_and_a_half_for_fresh_rows():
    rng = np.random.default_rng(0)
    train, holdout, fresh = two_moons(rng, 800), two_moons(rng, 700), two_moons(rng, 900)
    assert dcr_share(train, train, fresh) == pytest.approx(0.5)
    assert abs(dcr_share(train, holdout, fresh) - 0.5) < 0.06
    memorised = train.sample(300, random_state=0).assign(x=lambda t: t["x"] + 1e-6)
    assert dcr_share(train, holdout, memorised) > 0.85


def test_dcr_share_takes_missing_values_and_is_reproducible():
    rng = np.random.default_rng(0)
    parts = [two_moons(rng, 300).mask(rng.random((300, 3)) < 0.2) for _ in range(3)]
    assert dcr_share(*parts, max_rows=100) == dcr_share(*parts, max_rows=100)
    with pytest.raises(DataError, match="max_rows"):
        dcr_share(*parts, max_rows=0)


def normal(seed: int, n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.normal(size=n) for name in "abcd"})


def beside(frame: pd.DataFrame) -> pd.DataFrame:
    return frame + np.random.default_rng(9).normal(0, 0.01, frame.shape)


def test_shares_are_a_half_for_fresh_rows_and_near_one_beside_training_rows():
    fresh, copied = (memorisation(normal(0), normal(1), rows) for rows in (normal(2), beside(normal(0))))
    assert abs(fresh.dcr_share - 0.5) < 3 * fresh.standard_error
    assert nndr_share(normal(0), normal(1), normal(2)) == pytest.approx(0.5, abs=0.08)
    assert copied.dcr_share > 0.95
    assert copied.nndr_share > 0.9
    assert nearest_share(normal(0), normal(2)) == pytest.approx(0.5, abs=0.06)
    assert nearest_share(normal(0), beside(normal(0))) > 0.95
    assert nearest_share(normal(0), 5 * normal(2)) < 0.2


def test_the_standard_error_is_that_of_exchanging_training_and_held_out_rows():
    pool, drawn = normal(0, n=200), normal(1, n=1000)
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(60):
        order = rng.permutation(200)
        shares.append(dcr_share(pool.iloc[order[:100]], pool.iloc[order[100:]], drawn))
    found = memorisation(pool.iloc[:100], pool.iloc[100:], drawn).standard_error
    assert found == pytest.approx(np.std(shares), rel=0.3)
    assert found > 1.2 * 0.5 / np.sqrt(1000), "the synthetic rows alone would make it look surer"


def one_column(seed: int, n: int, values: int | None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=n) if values is None else rng.integers(0, values, n)})


@pytest.mark.parametrize("values", [None, 300, 20, 2])
def test_fresh_rows_of_one_column_lean_to_neither_side(values):
    """By ranks of the training rows alone the share was .25 without ties: every training row was half a rank away."""
    found = [
        memorisation(*(one_column(10 * seed + k, n, values) for k, n in enumerate((400, 400, 600))))
        for seed in range(5)
    ]
    error = max(float(np.mean([f.standard_error for f in found])) / np.sqrt(5), 0.002)
    assert np.mean([f.dcr_share for f in found]) == pytest.approx(0.5, abs=3 * error)
    shares = [nearest_share(one_column(seed, 400, values), one_column(seed + 50, 400, values)) for seed in range(5)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_rows_beside_training_rows_of_one_column_lean_to_them():
    train, held = one_column(0, 400, None), one_column(1, 400, None)
    assert dcr_share(train, held, train + 1e-9) > 0.95
