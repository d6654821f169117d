from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_models import toy_batch

from gensynth.model import Batch
from gensynth.training.data import TrainingData
from gensynth.training.weights import Parts


def split(n: int, fraction: float = 0.1, weights=None, n_slots: int = 10) -> TrainingData:
    return TrainingData.split(toy_batch(n), Parts.of(weights, n), fraction, 0, n_slots)


def test_rows_are_learned_from_or_held_out():
    data = split(200)
    learned = data.train_rows.draw(torch.Generator())
    assert len(data.held_out) == data.n_validation == 20
    assert sorted([*learned.tolist(), *data.held_out.rows.tolist()]) == list(range(200))
    assert isinstance(data.table, Batch)
    assert torch.equal(Batch.cat(list(data.validation)).numeric, data.table.numeric[data.held_out.rows])


@pytest.mark.parametrize(("n", "fraction"), [(15, 0.1), (50, 0.0)])
def test_where_none_are_held_out_monitors_see_training_rows(n, fraction):
    data = split(n, fraction)
    assert len(data.held_out) == 0
    assert data.n_validation == len(data.train_rows) == n


def test_held_out_rows_are_evaluated_in_chunks_that_are_smaller_for_wide_rows():
    narrow, wide = split(20_000), split(20_000, n_slots=10**6)
    assert [len(chunk) for chunk in narrow.validation] == [2000]
    assert [len(chunk) for chunk in wide.validation] == [250] * 8
    assert torch.equal(Batch.cat(list(wide.validation)).codes, narrow.validation[0].codes)


def test_parts_of_one_row_may_be_on_both_sides():
    weights = np.full(30, 10)
    data = split(30, weights=weights)
    assert len(data.held_out) == 30
    assert len(data.train_rows) == 270
    assert (data.held_out.row_weights(30) + data.train_rows.parts.row_weights(30) == weights).all()
