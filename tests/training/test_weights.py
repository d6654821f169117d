"""Weights as rows: validated, cut into parts, and drawn as often as they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_models import ToyModel, toy_batch, toy_layout

from gensynth.errors import DataError, OptionError
from gensynth.nn.randomness import seeded
from gensynth.training import Trainer
from gensynth.training.weights import Parts, TrainingRows, check_weights

QUICK: dict[str, Any] = {"max_epochs": 5, "progress": False, "device": "cpu"}


def test_whole_weights_count_rows_and_others_are_relative():
    assert check_weights(None, 3) is None
    for same in ([1, 1, 1], 1, [2.5, 2.5, 2.5], 0.1):
        assert check_weights(same, 3) is None
    for weights, dtype, expected in (
        ([2.0, 0.0, 3.0], np.int64, [2, 0, 3]),
        (pd.Series([0.5, 0.0, 1.5]), np.float64, [0.5, 0, 1.5]),
        ([200_000, 100_000, 0], np.float64, [4 / 3, 2 / 3, 0]),
        ([2, 2], np.int64, [2, 2]),
    ):
        checked = check_weights(weights, len(expected))
        assert checked is not None
        assert checked.dtype == dtype
        np.testing.assert_allclose(checked, np.array(expected, dtype=float), rtol=1e-7)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -1, 1], "Negative"),
        ([1, np.nan, 1], "NaN"),
        ([1, np.inf, 1], "infinity"),
        ([0, 0, 0], "non-zero"),
        ([1, 1], "shape"),
        ([[1, 1, 1]], "1D"),
        (["a", "b", "c"], "sample_weight"),
        ([None, 1, 1], "sample_weight"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        check_weights(weights, 3)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.001, 50), min_size=1, max_size=60), st.floats(0, 0.999))
def test_rows_are_drawn_as_often_as_their_weight_says(weights, start):
    parts = Parts.of(np.array(weights), len(weights))
    assert parts.weights is not None
    assert (parts.weights <= 1 + 1e-6).all()
    np.testing.assert_allclose(parts.row_weights(len(weights)), weights)
    drawn = parts.draw(start)
    assert len(drawn) == parts.n_rows
    expected = np.array(weights) * parts.n_rows / sum(weights)
    times = np.bincount(drawn, minlength=len(weights))
    assert (np.abs(times - expected) < 1 + 1e-6).all()


def test_whole_weights_are_repeated_rows():
    parts = Parts.of(np.array([2, 0, 3]), 3)
    np.testing.assert_array_equal(parts.rows, [0, 0, 2, 2, 2])
    np.testing.assert_array_equal(parts.draw(), parts.rows)
    np.testing.assert_array_equal(parts[np.array([1, 2])].row_weights(3), [1, 0, 1])
    assert (parts.n_rows, len(parts), parts.weights) == (5, 5, None)


def test_epochs_differ_and_come_to_the_weights():
    weights = np.array([0.1, 0.4, 1.2, 2.3])
    rows = TrainingRows(Parts.of(weights, 4), torch.device("cpu"))
    rng = torch.Generator().manual_seed(0)
    drawn = torch.cat([rows.shuffle(rng) for _ in range(3000)])
    np.testing.assert_allclose(np.bincount(drawn) / 3000, weights, atol=0.03)
    once = rows.draw(rng).tolist()
    assert once == sorted(once)


def trained(batch, weights=None, **options):
    with seeded(0):
        model = ToyModel(toy_layout())
    Trainer(**QUICK, **options).run(model, batch, 0, weights=weights)
    return model.state_dict()


def test_a_run_with_whole_weights_is_that_of_repeated_rows():
    weights = np.random.default_rng(0).integers(0, 4, 100)
    batch = toy_batch(100)
    repeated = batch[torch.arange(100).repeat_interleave(torch.as_tensor(weights))]
    kept = np.flatnonzero(weights)
    one, other = trained(batch[torch.as_tensor(kept)], weights[kept]), trained(repeated)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_belongs_to_its_weights(tmp_path):
    weights = np.linspace(0.5, 1.5, 100)
    options = {"checkpoint": tmp_path / "c.pt"}
    first = trained(toy_batch(100), weights, **options)
    model = ToyModel(toy_layout())
    Trainer(**QUICK, **options).run(model, toy_batch(100), 0, resume=True, weights=weights)
    assert all(torch.equal(first[name], value) for name, value in model.state_dict().items())
    with pytest.raises(OptionError, match="sample_weight"):
        Trainer(**QUICK, **options).run(model, toy_batch(100), 0, resume=True, weights=weights[::-1].copy())
    with pytest.raises(OptionError, match="the sample_weight is another"):
        Trainer(**QUICK, **options).run(model, toy_batch(100), 0, resume=True)
