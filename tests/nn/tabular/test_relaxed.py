from __future__ import annotations

import pytest
import torch
from toy_layouts import categories, mixed, mixed_rows

from gensynth.model import Batch, ColumnLayout, Layout, NumericSlot
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.relaxed import MAX_ONE_HOT, RelaxedRows
from gensynth.nn.tabular.straight_through import straight_through


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_codes_are_one_hot_and_drawn_from_the_softmax():
    code_slots = CategoricalSlots(categories(3, 5))
    logits = torch.randn(code_slots.n_slots, generator=_rng(1))
    codes = straight_through(code_slots, logits.expand(40_000, -1), _rng())
    assert codes[:, code_slots.never == -torch.inf].eq(0).all()
    expected = code_slots.softmax(logits)
    for group in code_slots.groups:
        assert group.view(codes).eq(1).sum(-1).eq(1).all()
        shares = group.view(codes).double().mean(0)
        torch.testing.assert_close(shares, group.view(expected).double(), atol=0.01, rtol=0)


@pytest.mark.parametrize("power", [1, 2])
def test_the_gradient_of_linear_and_quadratic_functions_of_the_codes_is_right_in_the_mean(power):
    # Liu et al. 2023, theorem 3.1: second-order accurate, where the plain straight-through estimator is first-order
    code_slots = CategoricalSlots(categories(4))
    values = torch.randn(code_slots.n_slots, generator=_rng(1), dtype=torch.float64)
    logits = torch.randn(code_slots.n_slots, generator=_rng(2), dtype=torch.float64).requires_grad_(True)
    (exact,) = torch.autograd.grad(code_slots.softmax(logits) @ values**power, logits)
    codes = straight_through(code_slots, logits.expand(100_000, -1), _rng())
    (estimate,) = torch.autograd.grad((codes @ values).pow(power).mean(), logits)
    torch.testing.assert_close(estimate, exact, atol=0.005, rtol=0)
    assert exact.abs().max() > 0.02


def _fitted(rows, layout=None):
    relaxed = RelaxedRows(layout or mixed()).double()
    relaxed.fit(rows)
    return relaxed


def test_rows_come_back():
    rows = mixed_rows(3000).to("cpu", torch.float64)
    relaxed = _fitted(rows)
    back = relaxed.decode(relaxed.encode(rows), _rng())
    assert (back.codes == rows.codes).double().mean() > 0.999  # a value at the edge of a bin may cross it
    same = (back.codes == rows.codes).all(1)
    assert (back.numeric - rows.numeric)[same].abs().max() < 0.1  # of a bin


def test_scores_are_standard_normal_whatever_the_column_looks_like():
    rows = mixed_rows(4000).to("cpu", torch.float64)
    rows = Batch(rows.numeric.square() * 0.3, rows.codes)  # positions far from uniform
    relaxed = _fitted(rows)
    vectors = relaxed.encode(rows, _rng())
    present = rows.codes[:, 1] != 1
    scores = vectors[present, 0]
    levels = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    torch.testing.assert_close(scores.quantile(levels), torch.special.ndtri(levels), atol=0.05, rtol=0)
    assert vectors[~present, 0].eq(0).all()


def test_repeated_values_are_spread_and_come_back_as_one():
    columns = (ColumnLayout("x", (0.0, *[0.05] * 20), True, numeric=NumericSlot(0, range(1, 21), "within_bin")),)
    spike = torch.rand(4000, generator=_rng()) < 0.7
    codes = torch.where(spike, 10, torch.randint(1, 21, (4000,), generator=_rng(1))).unsqueeze(1)
    numeric = torch.where(spike, 0.5, torch.rand(4000, generator=_rng(2))).unsqueeze(1).double()
    rows = Batch(numeric, codes)
    relaxed = _fitted(rows, Layout(columns, 4000))
    scores = relaxed.encode(rows, _rng())[spike, 0]
    assert scores.std() > 0.3
    assert relaxed.encode(rows)[spike, 0].std() < 1e-6
    back = relaxed.decode(relaxed.encode(rows, _rng()), _rng())
    at_spike = (back.codes[spike, 0] == 10) & ((back.numeric[spike, 0] - 0.5).abs() < 1e-6)
    assert at_spike.double().mean() > 0.98
    drawn = relaxed.decode(torch.randn(20_000, 1, generator=_rng(5), dtype=torch.float64), _rng())
    share = ((drawn.codes[:, 0] == 10) & ((drawn.numeric[:, 0] - 0.5).abs() < 1e-6)).double().mean()
    assert abs(share - spike.double().mean()) < 0.02


def test_scores_that_a_generator_draws_are_brought_to_the_distribution_of_the_table():
    rows = mixed_rows(4000).to("cpu", torch.float64)
    relaxed = _fitted(rows)
    vectors = torch.zeros(5000, relaxed.width, dtype=torch.float64)
    vectors[:, 0] = 3.0 + 0.1 * torch.randn(5000, generator=_rng(), dtype=torch.float64).exp()
    relaxed.fit_drawn(vectors)
    codes = relaxed.decode(vectors, _rng()).codes[:, 1]
    present = rows.codes[rows.codes[:, 1] != 1, 1]
    counts = [torch.bincount(c, minlength=22).double() / len(c) for c in (codes, present)]
    torch.testing.assert_close(*counts, atol=0.02, rtol=0)


def test_values_beyond_the_range_lie_beyond_all_others_and_in_their_order():
    rows = mixed_rows(2000).to("cpu", torch.float64)
    relaxed = _fitted(rows)
    far = Batch(torch.tensor([[0.99], [2.0], [50.0]], dtype=torch.float64), torch.tensor([[1, 21, 1]] * 3))
    scores = relaxed.encode(far)[:, 0]
    assert scores.diff().gt(0).all()
    assert scores[1] > relaxed.encode(rows)[:, 0].max()


def test_missing_cells_have_a_code_and_no_score():
    relaxed = RelaxedRows(mixed())
    missing = int(relaxed.code_slots.offsets[-1]) + relaxed.n_scores + 2
    outputs = torch.zeros(2000, relaxed.width).requires_grad_(True)
    vectors = relaxed.sample_relaxed(outputs + 1.0, _rng())
    gone = vectors[:, missing] == 1
    assert 0.4 < gone.double().mean() < 0.6
    assert vectors[gone, 0].eq(0).all()
    assert vectors[~gone, 0].eq(1).all()
    assert (relaxed.decode(vectors, _rng()).codes[:, 1] == 1).equal(gone)
    vectors[:, 0].sum().backward()
    assert outputs.grad is not None
    assert outputs.grad[:, missing].abs().sum() > 0  # the code learns by the score that it takes away


def test_few_ordered_codes_are_one_hot():
    def layout(n):
        return Layout((ColumnLayout("x", (0.0, *[1 / n] * n), True),), 100)

    assert RelaxedRows(layout(MAX_ONE_HOT)).n_scores == 0
    assert RelaxedRows(layout(MAX_ONE_HOT + 1)).n_scores == 1


def test_every_entry_belongs_to_one_column():
    relaxed = RelaxedRows(mixed())
    masks = torch.stack([relaxed.entries_of((i,)) for i in range(3)])
    assert masks.sum(0).eq(1).all()
    assert masks.sum(1).tolist() == [4, 1 + 3, 3]  # the middle one has a score, and codes that tell missing cells
    rows, other = mixed_rows(50), mixed_rows(50)
    other.codes[:, 0] = 1 + other.codes[:, 0] % 3
    changed = (relaxed.encode(rows) != relaxed.encode(other)).any(0)
    assert not (changed & ~masks[0]).any()


def test_numbers_that_are_no_places_in_bins_are_refused():
    columns = (ColumnLayout("v", (0.0, 1.0), True, numeric=NumericSlot(0, range(1, 2), "continuous")),)
    with pytest.raises(ValueError, match="bins"):
        RelaxedRows(Layout(columns, 100))


def test_what_lies_out_is_told_by_cell():
    rows = mixed_rows(400).to("cpu", torch.float64)
    relaxed = _fitted(rows)

    def outlyingness(batch):
        return relaxed.outlyingness(batch, relaxed.encode(batch))

    usual = outlyingness(rows)
    assert usual.shape == rows.codes.shape
    assert (usual >= 0.0).all()
    for j, column in enumerate(mixed().columns):
        strange = rows[:1].codes.clone()
        strange[0, j] = 0  # unknown
        out = outlyingness(Batch(rows[:1].numeric, strange))
        assert out[0, j] > usual[:, j].median() + 1.0
        if column.numeric is not None:
            far = rows.numeric[:2].clone()
            far[:, column.numeric.index] = torch.tensor([1e3, 1e9], dtype=torch.float64)
            codes = rows[:2].codes.clone()
            codes[:, j] = column.numeric.codes.stop - 1
            near, farther = outlyingness(Batch(far, codes))[:, j]
            assert usual[:, j].max() < near < farther
