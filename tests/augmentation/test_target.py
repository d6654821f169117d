from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gensynth.augmentation.target import Target, columns_of, is_continuous, labels_of
from gensynth.errors import DataError

polars = pytest.importorskip("polars")


@pytest.mark.parametrize(
    "y",
    [
        ["a", "b", "a"],
        np.array(["a", "b", "a"]),
        np.array([["a"], ["b"], ["a"]], dtype=object),
        pd.Series(["a", "b", "a"], index=[5, 6, 7]),
        pd.Series(["a", "b", "a"], dtype="category"),
        pd.DataFrame({"y": ["a", "b", "a"]}),
        pa.array(["a", "b", "a"]),
        polars.Series(["a", "b", "a"]),
    ],
    ids=lambda y: type(y).__name__,
)
def test_labels_of_any_container(y):
    labels = labels_of(y)
    assert labels.tolist() == ["a", "b", "a"]
    assert labels.index.equals(pd.RangeIndex(3))


def test_lists_of_mixed_types_are_not_turned_into_text():
    assert labels_of([1, "a", None]).tolist()[:2] == [1, "a"]
    assert labels_of([1, "a", None]).isna().tolist() == [False, False, True]


def test_one_hot_rows_are_positions():
    assert labels_of(np.array([[0, 1], [1, 0], [0, 1]])).tolist() == [1, 0, 1]


@pytest.mark.parametrize("y", [np.array([[1, 1], [0, 1]]), np.array([[2, 0], [0, 1]]), np.array([["a", "b"]])])
def test_multilabel_targets_are_refused(y):
    with pytest.raises(DataError, match="Multilabel and multioutput targets are not supported"):
        labels_of(y)


@pytest.mark.parametrize(
    ("values", "continuous"),
    [
        (pd.Series([0.5, 1.0]), True),
        (pd.Series([0.0, 1.0, np.nan]), False),
        (pd.Series([np.inf, 1.0]), True),
        (pd.Series([1, 2]), False),
        (pd.Series([1, None], dtype="Int64"), False),
        (pd.Series([True, False]), False),
        (pd.Series(["1.5"]), False),
        (pd.Series(pd.to_datetime(["2020-01-01"])), True),
        (pd.Series([1 + 2j]), True),
    ],
)
def test_continuous_is_what_cannot_be_a_class(values, continuous):
    assert is_continuous(values) is continuous


def test_a_continuous_target_says_what_to_do_instead():
    with pytest.raises(DataError, match=r"Unknown label type.*numbers such as 0.5,.*n_rows"):
        labels_of([0.5, 1.5])
    with pytest.raises(DataError, match=r"holds dates such as 2020-01-01 00:00:00, .*y\.astype\(str\)"):
        labels_of(pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])))
    with pytest.raises(DataError, match="holds durations such as 1 days"):
        labels_of(pd.Series(pd.to_timedelta([1, 2], unit="D")))


def test_no_target_is_an_error():
    with pytest.raises(DataError, match="y to be passed"):
        columns_of(None)


@pytest.mark.parametrize(
    "y",
    [
        ["no", "yes", "no", "no"],
        np.array([1.5, 2.5, 3.5, -1.0], dtype=np.float32),
        np.array([[1.5, 2.0], [2.5, 3.0], [0.0, 0.5], [1.0, 1.5]]),
        pd.Series([1.25, 2.5, 3.5, 4.5], name="price"),
        pd.Series([True, False, None, True], dtype="boolean"),
        pd.DataFrame({"a": [1, 2, 3, 4], "b": [0.5, 1.5, 2.5, 3.5]}),
    ],
    ids=lambda y: type(y).__name__,
)
def test_a_target_comes_back_as_it_went(y):
    frame = pd.DataFrame({"target0": [1, 2, 3, 4]}, index=[9, 8, 7, 6])
    target = Target(y, frame)
    assert list(target.joined["target0"]) == [1, 2, 3, 4]
    back = target.restore(target.joined)
    assert type(back) is type(y)
    if isinstance(y, pd.DataFrame):
        pd.testing.assert_frame_equal(back.reset_index(drop=True), y)
    elif isinstance(y, pd.Series):
        pd.testing.assert_series_equal(back.reset_index(drop=True), y, check_names=False)
    else:
        np.testing.assert_array_equal(back, y)


def test_rows_have_to_match():
    with pytest.raises(DataError, match="X has 2 rows and y has 3"):
        Target([1, 2, 3], pd.DataFrame({"x": [1, 2]}))
