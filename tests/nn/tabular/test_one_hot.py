from __future__ import annotations

import pytest
import torch
from toy_layouts import categories, mixed, mixed_rows

from gensynth.model import Batch, ColumnLayout, Layout
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.one_hot import OneHotRows, straight_through

WITH_VALUE = Layout(
    (
        ColumnLayout("c", (0.0, 0.5, 0.5)),
        ColumnLayout("v", (0.0, 0.2, 0.8), True, missing=1, numeric=0, active=(2, 3), role="value"),
        ColumnLayout("p", (0.0, 0.5, 0.5), True, numeric=1, active=(1, 3), role="position"),
    ),
    1000,
)


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
        frequencies = group.view(codes).double().mean(0)
        torch.testing.assert_close(frequencies, group.view(expected).double(), atol=0.01, rtol=0)


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


def test_products_are_looked_up():
    rows = OneHotRows(WITH_VALUE)
    batch = Batch(torch.tensor([[1.5, 0.25], [0.0, 0.75]]), torch.tensor([[1, 2, 1], [2, 1, 2]]))
    weight = torch.randn(rows.width, 4, generator=_rng())
    torch.testing.assert_close(rows.project(batch, weight), rows.flatten(batch) @ weight)


def test_flat_rows_hold_one_slot_a_cell_and_the_values():
    rows = OneHotRows(WITH_VALUE)
    batch = Batch(torch.tensor([[1.5, 0.25], [0.0, 0.75]]), torch.tensor([[1, 2, 1], [2, 1, 2]]))
    flat = rows.flatten(batch)
    assert flat.shape == (2, rows.width)
    assert flat[:, 0].tolist() == [1.5, 0.0]  # positions are no part of it
    assert flat[:, 1:].sum(1).tolist() == [3.0, 3.0]
    chosen = 1 + batch.codes + rows.code_slots.offsets
    assert flat.gather(1, chosen).eq(1).all()


def test_a_written_value_is_there_only_where_the_code_says_so():
    rows = OneHotRows(WITH_VALUE)
    outputs = torch.zeros(2, rows.width)
    outputs[:, 0] = 3.0
    first = rows.n_numbers + int(rows.code_slots.offsets[1])
    outputs[0, first + 2], outputs[1, first + 1] = 1e3, 1e3  # surely a value, surely missing
    torch.testing.assert_close(rows.sample_relaxed(outputs, _rng())[:, 0], torch.tensor([3.0, 0.0]))


def test_drawn_rows_have_numbers_where_their_codes_say_so():
    rows = OneHotRows(WITH_VALUE)
    outputs = torch.zeros(5000, rows.width)
    outputs[:, 0] = 3.0
    drawn = rows.draw(outputs, _rng())
    missing = drawn.codes[:, 1] == 1
    assert 0.4 < missing.double().mean() < 0.6
    assert drawn.numeric[missing, 0].eq(0).all()
    assert drawn.numeric[~missing, 0].eq(3).all()
    assert abs(drawn.numeric[:, 1].mean() - 0.5) < 0.02
    assert ((drawn.numeric[:, 1] >= 0) & (drawn.numeric[:, 1] < 1)).all()
    assert drawn.codes.gt(0).all()


def test_a_layout_of_positions_only_has_no_numbers():
    rows = OneHotRows(mixed())
    batch = mixed_rows(10)
    assert rows.n_numbers == 0
    assert rows.numbers(batch).shape == (10, 0)
    assert rows.flatten(batch).shape == (10, rows.n_slots)


def test_log_likelihood_is_a_softmax_for_codes_and_a_normal_density_for_values():
    rows = OneHotRows(WITH_VALUE)
    batch = Batch(torch.tensor([[1.5, 0.25], [0.0, 0.75]]), torch.tensor([[1, 2, 1], [2, 1, 2]]))
    outputs, spread = torch.randn(2, rows.width, generator=_rng()), torch.tensor([0.3])
    expected = torch.distributions.Normal(outputs[0, 0], spread.exp()).log_prob(torch.tensor(1.5))
    expected = torch.stack([expected.squeeze(), torch.zeros(())])  # the second row's value is missing
    expected = expected + rows.code_slots.log_likelihood(outputs[:, 1:], batch.codes).sum(1)
    torch.testing.assert_close(rows.log_likelihood(batch, outputs, spread), expected)


def test_numbers_stand_beside_the_codes_that_have_them():
    rows = OneHotRows(WITH_VALUE)
    batch = Batch(torch.tensor([[1.5, 0.25]]), torch.tensor([[1, 2, 1]]))
    beside = rows.numbers_of_slots(rows.flatten(batch), batch, _rng())
    offsets = rows.code_slots.offsets.tolist()
    assert beside[0, offsets[0] : offsets[0] + 3].eq(0).all()
    assert beside[0, offsets[1] : offsets[1] + 3].tolist() == [0.0, 0.0, 1.5]
    assert beside[0, offsets[2] : offsets[2] + 3].tolist() == [0.0, -0.25, -0.25]
