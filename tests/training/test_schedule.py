from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gensynth.training.schedule import Batching, Budget, auto_batch_size, auto_epochs, split_rows, tail_factor


@given(st.integers(2, 5000), st.integers(1, 600))
def test_batches_cut_the_rows_without_gap_and_without_a_single_row(n_rows, size):
    batching = Batching(n_rows, size)
    bounds = [batching.bounds(i) for i in range(batching.steps)]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == n_rows
    assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))
    lengths = [last - first for first, last in bounds]
    assert min(lengths) >= min(2, size)
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= max(size, 3)


@given(st.integers(2, 3000), st.floats(0, 0.99), st.integers(0, 2**32))
def test_split_is_a_partition(n_rows, fraction, seed):
    train, held = split_rows(n_rows, fraction, seed)
    if n_rows < 20 or fraction == 0:
        assert torch.equal(train, torch.arange(n_rows))
        assert len(held) == n_rows
    else:
        assert torch.equal(torch.cat([train, held]).sort().values, torch.arange(n_rows))
        assert 2 <= len(held) < n_rows


@pytest.mark.parametrize(("n_rows", "size"), [(20, 32), (700, 32), (32_000, 256), (1_000_000, 1024), (10**8, 1024)])
def test_batches_grow_with_the_table(n_rows, size):
    assert auto_batch_size(n_rows, 100) == size


def test_wide_rows_get_small_batches():
    assert auto_batch_size(10**6, 128_000) == 128


def test_few_passes_go_in_smaller_batches():
    assert auto_batch_size(270, 100, epochs=3) == 4
    assert auto_batch_size(1350, 100, epochs=3) == 16
    assert auto_batch_size(10, 100, epochs=1) == 4
    assert auto_batch_size(270, 100, epochs=300) == auto_batch_size(270, 100)


def test_epochs_follow_from_steps():
    assert auto_epochs(100, 3) == 1334
    assert auto_epochs(10**6, 1000) == 20
    assert auto_epochs(10**8, 10**5) == 10


def test_budget_counts_what_runs_out_first():
    budget = Budget(100, begin=5.0, seconds=10.0)
    assert budget.used(10, 5.0) == 0.1
    assert budget.used(10, 10.0) == 0.5
    assert budget.used(10, 99.0) == 1.0
    assert not budget.late(14.0, 0.5)
    assert budget.late(14.0, 1.0)
    assert not Budget(100, 0.0, None).late(1e9, 0.0)


def test_tail_is_monotone_from_1_to_nearly_0():
    factors = [tail_factor(i / 100) for i in range(101)]
    assert factors[:66] == [1.0] * 66
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] == pytest.approx(0.02)
