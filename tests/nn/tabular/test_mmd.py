from __future__ import annotations

import torch
from toy_layouts import mixed, mixed_rows

from gensynth.model import Batch, ColumnLayout, Layout
from gensynth.nn.tabular.mmd import MMDLoss
from gensynth.nn.tabular.one_hot import OneHotRows


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def _matching(layout):
    rows = OneHotRows(layout)
    return MMDLoss(layout, rows), rows


def _shuffled(batch):
    codes = batch.codes.clone()
    for i in range(codes.shape[1]):
        codes[:, i] = codes[torch.randperm(len(codes), generator=_rng(i)), i]
    return Batch(batch.numeric, codes)


def test_it_is_the_squared_distance_of_contingency_tables():
    layout = Layout((ColumnLayout("a", (0.0, 0.5, 0.5)), ColumnLayout("b", (0.0, 0.5, 0.5))), 100)
    matching, rows = _matching(layout)
    dependent = torch.tensor([[1, 1], [2, 2]]).repeat(500, 1)
    independent = torch.tensor([[1, 1], [1, 2], [2, 1], [2, 2]]).repeat(250, 1)
    real, fake = (Batch(torch.zeros(1000, 0), codes) for codes in (dependent, independent))
    # shares differ by 1/4 in each of the four cells, each of which stands twice (a, b and b, a), over 2^2 columns
    expected = 2 * 4 * (1 / 4) ** 2 / 4
    torch.testing.assert_close(matching(real, rows.flatten(fake)), torch.tensor(expected), atol=2e-3, rtol=0)


def test_it_is_0_in_the_mean_for_samples_of_one_distribution_and_not_for_independent_columns():
    matching, rows = _matching(mixed())
    pairs = [(mixed_rows(200, seed=2 * i), mixed_rows(200, seed=2 * i + 1)) for i in range(20)]
    alike = torch.stack([matching(a, rows.flatten(b)) for a, b in pairs])
    apart = torch.stack([matching(a, rows.flatten(_shuffled(b))) for a, b in pairs])
    assert alike.mean().abs() < 3 * alike.std() / 20**0.5 + 1e-6  # the unbiased estimate: of either sign
    assert alike.min() < 0 < alike.max()
    assert apart.min() > alike.max()


def test_values_enter_with_their_products():
    columns = tuple(
        ColumnLayout(n, (0.0, 1.0), True, numeric=i, active=(1, 2), role="value") for i, n in enumerate("ab")
    )
    matching, rows = _matching(Layout(columns, 100))
    z = torch.randn(500, 1, generator=_rng())
    codes = torch.ones(500, 2, dtype=torch.long)
    tied, loose = Batch(z.expand(-1, 2), codes), Batch(torch.randn(500, 2, generator=_rng(1)), codes)
    assert matching(tied, rows.flatten(loose)) > 5 * matching(tied, rows.flatten(tied)).abs()


def test_its_gradient_reaches_the_codes():
    matching, rows = _matching(mixed())
    fake = rows.flatten(_shuffled(mixed_rows(100))).requires_grad_(True)
    matching(mixed_rows(100, seed=1), fake).backward()
    assert fake.grad.abs().sum() > 0
