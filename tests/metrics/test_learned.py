from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import DataError
from gensynth.metrics import detection, detection_auc, utility
from gensynth.metrics.learned import auc_with_interval
from gensynth.metrics.learners import trees


def table(seed: int, n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    kind = np.where(rng.random(n) < 1 / (1 + np.exp(-3 * x)), "yes", "no")
    level = rng.choice([f"l{i}" for i in range(5)], n)
    return pd.DataFrame({"x": np.where(rng.random(n) < 0.05, np.nan, x), "level": level, "y": kind})


def test_detection_is_chance_for_rows_of_the_same_source():
    assert abs(detection_auc(table(0), table(1)) - 0.5) < 0.06


def test_detection_finds_broken_dependence():
    other = table(1, n=1500)
    shuffled = other.assign(y=np.random.default_rng(0).permutation(other["y"]))
    assert detection_auc(table(0, n=1500), shuffled) > 0.6


def test_detection_leaves_the_global_state_alone():
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    first = detection_auc(table(0), table(1), max_rows=200)
    assert first == detection_auc(table(0), table(1), max_rows=200)
    assert (np.random.get_state(legacy=False)["state"]["key"] == before).all()  # noqa: NPY002


def test_detection_needs_rows():
    with pytest.raises(DataError, match="folds"):
        detection_auc(table(0), table(1, n=2))


def test_detection_takes_many_levels():
    a, b = (pd.DataFrame({"id": np.arange(k, k + 600).astype(str), "x": np.zeros(600)}) for k in (0, 300))
    assert 0.5 < detection_auc(a, b) <= 1


def test_utility_of_binary_classes_is_an_area_under_the_curve():
    good = utility(table(0), table(1), "y")
    noise = table(0).assign(y=np.random.default_rng(0).permutation(table(0)["y"]))
    assert good > 0.85
    assert abs(utility(noise, table(1), "y") - 0.5) < 0.15


def test_utility_of_several_classes_and_one_that_is_absent():
    def three(seed: int) -> pd.DataFrame:
        frame = table(seed)
        return frame.assign(y=pd.cut(frame["x"].fillna(0), [-np.inf, -0.5, 0.5, np.inf], labels=["lo", "mid", "hi"]))

    assert utility(three(0), three(1), "y") > 0.95
    without = three(0)[lambda t: t["y"] != "hi"]
    assert 0.5 < utility(without, three(1), "y") < 0.95
    assert utility(without[without["y"] == "lo"], three(1), "y") == 0.5


def test_utility_of_numbers_is_r2():
    def regression(seed: int) -> pd.DataFrame:
        frame = table(seed)
        noise = np.random.default_rng(seed).normal(size=len(frame)) / 10
        return frame.assign(target=2 * frame["x"].fillna(0) + noise)

    assert utility(regression(0), regression(1), "target") > 0.9


@pytest.mark.parametrize(
    ("test", "target", "message"),
    [
        (table(1), "z", "'z' is not a column"),
        (table(1)[["y"]], "y", "nothing but the target"),
        (table(1).assign(y=None), "y", "missing in every row"),
        (table(1).assign(y="yes"), "y", "one class only"),
    ],
)
def test_utility_that_cannot_be_measured(test, target, message):
    with pytest.raises(DataError, match=message):
        utility(table(0), test, target)


def test_the_interval_of_an_area_is_delongs():
    positive, negative = np.array([0.9, 0.8, 0.55, 0.4]), np.array([0.5, 0.4, 0.3, 0.2, 0.1])
    found = auc_with_interval(positive, negative)
    above = np.array([1, 1, 1, 0.7])  # by hand: of each positive, the share of negatives below it
    below = np.array([3, 3.5, 4, 4, 4]) / 4
    assert found.auc == pytest.approx(above.mean())
    error = np.sqrt(above.var(ddof=1) / 4 + below.var(ddof=1) / 5)
    assert found.low == pytest.approx(found.auc - 1.959964 * error)
    assert found.high == 1


def test_the_interval_holds_chance_for_rows_of_the_same_source():
    found = detection(table(0), table(1))
    assert found.low < 0.5 < found.high or abs(found.auc - 0.5) < 0.06
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(2.5 * 2 / 12 / 600), rel=0.15)


def test_the_interval_covers_chance_as_often_as_it_says(monkeypatch):
    """With cheap trees, rows of one source; DeLong's variance alone covers 85 to 90 %."""
    monkeypatch.setattr("gensynth.metrics.learned.trees", lambda *args: trees(*args).set_params(max_iter=5))
    rng = np.random.default_rng(0)
    found = [detection(*(pd.DataFrame(rng.normal(size=(60, 3))) for _ in range(2))) for _ in range(60)]
    assert np.mean([d.low <= 0.5 <= d.high for d in found]) >= 0.93


def test_copies_are_detected_below_chance():
    assert detection(table(0), table(0)).high < 0.45


@pytest.mark.parametrize("gone", [np.nan, None, pd.NaT])
def test_a_column_that_is_missing_in_every_row_tells_nothing(gone):
    a, b = (table(seed, n=90) for seed in (0, 1))
    empty_a, empty_b = (frame.assign(gone=pd.Series([gone] * 90)) for frame in (a, b))
    assert detection_auc(empty_a, empty_b) == pytest.approx(detection_auc(a, b), abs=1e-9)
    assert utility(empty_a, empty_b, "y") == pytest.approx(utility(a, b, "y"), abs=1e-9)
    assert detection_auc(empty_a[["gone"]], empty_b[["gone"]]) == 0.5


def test_a_column_that_is_missing_in_one_table_only_gives_it_away():
    assert detection_auc(table(0), table(1).assign(x=np.nan)) > 0.9


def test_a_column_known_in_one_row_is_missing_in_the_training_rows_of_one_fold():
    a, b = (table(seed, n=90).assign(rare=[1.0] + [np.nan] * 89) for seed in (0, 1))
    assert 0 <= detection_auc(a, b.assign(rare=np.nan)) <= 1


@pytest.mark.parametrize("n", [20, 25])
def test_few_rows_are_told_apart_too(n):
    """By trees whose leaves hold 20 rows, as is usual, nothing is told apart by so few."""
    rng = np.random.default_rng(0)
    real, same, other = (pd.DataFrame(rng.normal(size=(n, 3)) + shift) for shift in (0, 0, 3))
    assert detection(real, other).low > 0.65
    assert detection(real, same).low < 0.5
