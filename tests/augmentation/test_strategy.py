from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from gensynth.augmentation.strategy import classes_of, rows_to_add
from gensynth.errors import DataError, GensynthError

imblearn_utils = pytest.importorskip("imblearn.utils")

BINARY = np.repeat([0, 1], [30, 12])
THREE = np.repeat(["a", "b", "c"], [7, 30, 12])
TIES = np.repeat(["a", "b", "c", "d"], [7, 30, 30, 7])
EVEN = np.repeat([0, 1], [10, 10])


def counted(y: np.ndarray) -> dict[object, int]:
    classes, codes = classes_of(pd.Series(y))
    return dict(zip(classes, np.bincount(codes).tolist(), strict=True))


@pytest.mark.parametrize("y", [BINARY, THREE, TIES, EVEN], ids=["binary", "three", "ties", "even"])
@pytest.mark.parametrize(
    "strategy",
    [
        "auto",
        "minority",
        "not minority",
        "not majority",
        "all",
        "majority",
        "most",
        0.5,
        0.9,
        1,
        0.2,
        0.0,
        1.5,
        {0: 40, 1: 30},
        {1: 12},
        {"a": 10, "c": 12},
        {"a": 3},
        {"a": -1},
        {"z": 10},
        {},
        lambda y: {c: n + 5 for c, n in Counter(y.tolist()).items()},
        lambda y: {"z": 1},
    ],
)
def test_every_value_means_what_it_means_in_imbalanced_learn(y, strategy):
    try:
        expected = imblearn_utils.check_sampling_strategy(strategy, y, "over-sampling")
    except ValueError:
        with pytest.raises(ValueError, match="sampling_strategy") as caught:
            rows_to_add(strategy, counted(y), y)
        assert isinstance(caught.value, GensynthError)
    else:
        found = rows_to_add(strategy, counted(y), y)
        assert found == {(k.item() if isinstance(k, np.generic) else k): n for k, n in expected.items()}
        assert list(found) == sorted(found)


@pytest.mark.parametrize("strategy", [None, ["a"], True, {"a": 8.5}, {"a": None}, lambda y: 3, float("nan")])
def test_values_of_a_wrong_type_are_refused(strategy):
    with pytest.raises(ValueError, match="sampling_strategy"):
        rows_to_add(strategy, counted(THREE), THREE)


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        (pd.Series(["b", "a", "b"]), ["a", "b"], [1, 0, 1]),
        (pd.Series([True, False]), [False, True], [1, 0]),
        (pd.Series([2, 1], dtype="Int64"), [1, 2], [1, 0]),
        (pd.Series([2.0, 1.0]), [1.0, 2.0], [1, 0]),
        (pd.Series(["x", "y"], dtype=pd.CategoricalDtype(["unused", "y", "x"])), ["y", "x"], [1, 0]),
        (pd.Series([1, "a", 1], dtype=object), None, None),
    ],
)
def test_classes_of_any_type(y, classes, codes):
    found, positions = classes_of(y)
    if classes is not None:
        assert found == classes
        assert positions.tolist() == codes
    assert [found[k] for k in positions] == y.tolist()


def test_missing_classes_are_counted():
    y = pd.Series(["a", None, "b", None], name="income")
    with pytest.raises(DataError, match="'income' is missing in 2 of 4 rows; drop"):
        classes_of(y)


def test_one_class_cannot_be_balanced():
    with pytest.raises(DataError, match="1 class only, 'a'"):
        classes_of(pd.Series(["a", "a"]))


def test_in_part_no_class_gets_more_than_four_times_its_rows_nor_more_than_the_largest():
    y = np.repeat(["a", "b", "c"], [100, 30, 4])
    assert rows_to_add("partial", counted(y), y) == {"b": 70, "c": 16}
