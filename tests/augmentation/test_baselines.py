"""Rows that simpler ways add."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gensynth.augmentation import baselines
from gensynth.augmentation.baselines import SkippedError, oversampled, smote

pytest.importorskip("imblearn")


def rows(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 5 == 0).astype(np.int64)
    X = np.column_stack([rng.normal(size=n) + 3 * y, rng.integers(0, 3, n), rng.integers(0, 2, n)]).astype(float)
    return X, y


def test_copies_fill_up_the_classes():
    X, y = rows()
    more, classes = oversampled(X, y, 0)
    assert np.bincount(classes).tolist() == [48, 48]
    np.testing.assert_array_equal(more[:60], X)
    assert {tuple(row) for row in more[60:]} <= {tuple(row) for row in X[y == 1]}
    np.testing.assert_array_equal(more, oversampled(X, y, 0)[0])


@pytest.mark.parametrize("categories", [(False, True, True), (False, False, False), (True, True, True)])
def test_smote_takes_any_columns(categories):
    X, y = rows()
    if all(categories):
        X = np.rint(X)
    found = smote(X, y, np.array(categories), 0)
    assert found is not None
    more, classes = found
    assert np.bincount(classes).tolist() == [48, 48]
    np.testing.assert_array_equal(more[:60], X)
    if categories[1]:
        assert set(more[60:, 1]) <= {0.0, 1.0, 2.0}
    if not categories[0]:
        assert more[60:, 0].min() >= X[y == 1, 0].min()


def test_gaps_of_real_rows_stay_and_new_rows_have_none():
    X, y = rows()
    X[::7, 0] = np.nan
    X = np.column_stack([X, np.full(60, np.nan)])
    found = smote(X, y, np.array([False, True, True, False]), 0)
    assert found is not None
    np.testing.assert_array_equal(found[0][:60], X)
    assert not np.isnan(found[0][60:]).any()


def test_few_rows_of_a_class():
    X, y = rows(12)
    y[:] = 0
    y[:2] = 1
    found = smote(X, y, np.zeros(3, dtype=bool), 0)
    assert found is not None
    assert np.bincount(found[1]).tolist() == [10, 10]
    y[1] = 0
    assert smote(X, y, np.zeros(3, dtype=bool), 0) is None


def test_none_of_very_many_rows_and_without_the_package(monkeypatch):
    X, y = rows()
    monkeypatch.setattr(baselines, "MAX_SMOTE_ROWS", 59)
    assert smote(X, y, np.zeros(3, dtype=bool), 0) is None
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    assert smote(X, y, np.zeros(3, dtype=bool), 0) is None


def test_the_unit_of_a_number_decides_no_neighbour():
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=(60, 2)), rng.integers(0, 3, 60)])
    y = rows()[1]
    units = np.array([1024.0, 1.0, 1.0])
    for category in (True, False):
        is_category = np.array([False, False, category])
        one, other = smote(X, y, is_category, 0), smote(X * units, y, is_category, 0)
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(other[0], one[0] * units, rtol=1e-9, atol=1e-9)


def test_what_smote_refuses_is_told(monkeypatch):
    def refuse(self, X, y):
        raise ValueError("no\nneighbours")

    monkeypatch.setattr("imblearn.over_sampling.SMOTE.fit_resample", refuse)
    X, y = rows()
    with pytest.raises(SkippedError, match="SMOTE failed: no neighbours"):
        smote(X, y, np.zeros(3, dtype=bool), 0)
