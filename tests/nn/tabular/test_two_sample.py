from __future__ import annotations

import torch
from toy_layouts import mixed, mixed_rows

from gensynth.model import Batch, ColumnLayout, Layout, NumericSlot
from gensynth.nn.tabular.two_sample import TwoSample

VALUES = Layout(
    tuple(
        ColumnLayout(name, (0.0, 1.0), True, numeric=NumericSlot(i, range(1, 2), "continuous"))
        for i, name in enumerate(("a", "b"))
    ),
    1000,
)


def _shuffled(batch, column):
    codes = batch.codes.clone()
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(5))
    codes[:, column] = codes[order, column]
    return Batch(batch.numeric, codes)


def _normal(n, correlation=0.0, shift=0.0, seed=0):
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    z[:, 1] = correlation * z[:, 0] + (1 - correlation**2) ** 0.5 * z[:, 1]
    return Batch(z + shift, torch.ones(n, 2, dtype=torch.long))


def test_equal_samples_are_at_distance_zero_in_any_order():
    statistic, rows = TwoSample(mixed()), mixed_rows(500)
    assert statistic(rows, rows) == 0
    assert statistic(rows, rows[torch.randperm(500)]) == 0


def test_broken_dependence_and_wrong_marginals_both_show():
    statistic, rows = TwoSample(mixed()), mixed_rows(3000)
    same = statistic(rows, mixed_rows(3000, seed=1))
    assert statistic(rows, _shuffled(rows, 0)) > 2 * same  # marginals are unchanged
    skewed = rows[(rows.codes[:, 0] == 1).nonzero().squeeze(1)]
    assert statistic(rows, skewed) > 2 * same


def test_values_are_told_apart_by_shift_and_by_correlation():
    statistic, real = TwoSample(VALUES), _normal(3000, 0.8)
    same = statistic(real, _normal(3000, 0.8, seed=1))
    assert statistic(real, _normal(3000, 0.8, shift=0.3, seed=1)) > same + 0.1
    assert statistic(real, _normal(3000, 0.0, seed=1)) > same + 0.1


def test_kolmogorov_smirnov_part_is_exact():
    layout = Layout(VALUES.columns[:1], 10)
    codes = torch.ones(4, 1, dtype=torch.long)
    a = Batch(torch.tensor([[0.0], [0.0], [1.0], [2.0]]), codes)
    b = Batch(torch.tensor([[0.0], [3.0], [3.0], [3.0]]), codes)
    # distribution functions after 0, 1, 2, 3: .5 .75 1 1 against .25 .25 .25 1
    torch.testing.assert_close(TwoSample(layout)(a, b), torch.tensor(0.75))


def test_it_draws_nothing_and_takes_many_columns():
    layout = Layout(tuple(ColumnLayout(f"c{i}", (0.0, *[1 / 60] * 60), i % 2 == 0) for i in range(60)), 1000)
    rng = torch.Generator().manual_seed(0)
    a, b = (Batch(torch.zeros(300, 0), torch.randint(1, 61, (300, 60), generator=rng)) for _ in range(2))
    before = torch.get_rng_state()
    values = {float(TwoSample(layout, max_pairs=50)(a, b)) for _ in range(2)}
    assert len(values) == 1
    assert torch.equal(before, torch.get_rng_state())


def test_the_collapse_bound_lies_between_independent_columns_and_a_single_row():
    statistic, real = TwoSample(mixed()), mixed_rows(1000)
    bound = statistic.collapse_bound(real, torch.Generator().manual_seed(0))
    codes = real.codes.clone()
    for i in range(3):
        codes[:, i] = codes[torch.randperm(1000, generator=torch.Generator().manual_seed(i)), i]
    independent = Batch(real.numeric, codes)
    few = real[torch.arange(1000) % 3]
    assert statistic(real, independent) < bound < statistic(real, few)
    assert statistic(real, mixed_rows(1000, seed=5)) < bound
