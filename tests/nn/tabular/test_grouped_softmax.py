from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

from gensynth.layout import UNKNOWN, ColumnLayout, Layout
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.grouped_softmax import GroupedSoftmax

WIDTHS = (3, 9, 2, 40, 4, 10, 44)


@pytest.fixture
def layout():
    columns = tuple(ColumnLayout(f"c{i}", (0.0,) + (1.0 / (w - 1),) * (w - 1)) for i, w in enumerate(WIDTHS))
    return Layout(columns, n_rows=100)


def _heads(code_slots, width, scale=1.0):
    torch.manual_seed(0)
    heads = nn.Linear(width, code_slots.n_slots).double()
    heads.weight.data.mul_(scale)
    return heads


def _codes(layout, n):
    return torch.stack([torch.arange(n) % c for c in layout.cardinalities], 1)


@pytest.mark.parametrize("scale", [1.0, 1e4])  # the second is beyond what powers of two can hold
def test_packed_heads_say_what_plain_softmax_says(layout, scale):
    code_slots = CategoricalSlots(layout)
    packing, heads = GroupedSoftmax(layout, code_slots).double(), _heads(code_slots, 5, scale)
    hidden, codes = torch.randn(11, 5, dtype=torch.float64), _codes(layout, 11)
    got = packing.log_likelihood(hidden, heads, codes)
    torch.testing.assert_close(got, code_slots.double().log_likelihood(heads(hidden), codes))


def test_packed_heads_hold_less_padding(layout):
    code_slots = CategoricalSlots(layout)
    assert sum(WIDTHS) <= len(GroupedSoftmax(layout, code_slots).slots) < code_slots.n_slots


def test_gradient_is_that_of_the_function(layout):
    code_slots = CategoricalSlots(layout)
    packing, heads = GroupedSoftmax(layout, code_slots).double(), _heads(code_slots, 3)
    hidden = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def function(hidden, weight, bias):
        made = nn.Linear(3, code_slots.n_slots).double()
        del made.weight, made.bias
        made.weight, made.bias = weight, bias
        return packing.log_likelihood(hidden, made, _codes(layout, 4))

    assert torch.autograd.gradcheck(function, (hidden, heads.weight, heads.bias))


def test_gradient_is_right_where_powers_overflow(layout):
    code_slots = CategoricalSlots(layout)
    packing, heads = GroupedSoftmax(layout, code_slots).double(), _heads(code_slots, 5, 1e4)
    hidden, codes = torch.randn(6, 5, dtype=torch.float64, requires_grad=True), _codes(layout, 6)
    (got,) = torch.autograd.grad(packing.log_likelihood(hidden, heads, codes).sum(), hidden)
    (expected,) = torch.autograd.grad(code_slots.double().log_likelihood(heads(hidden), codes).sum(), hidden)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_draws_follow_the_heads_and_are_never_unknown(layout, scale):
    code_slots = CategoricalSlots(layout)
    packing, heads = GroupedSoftmax(layout, code_slots), _heads(code_slots, 2, scale).float()
    hidden = torch.randn(1, 2)
    codes = packing.sample(hidden.expand(20_000, -1), heads, Generator().manual_seed(0))
    expected = code_slots.softmax(heads(hidden))[0]
    assert (codes != UNKNOWN).all()
    for i, width in enumerate(WIDTHS):
        shares = torch.bincount(codes[:, i], minlength=width)[:width] / len(codes)
        own = expected[code_slots.offsets[i] : code_slots.offsets[i] + width]
        torch.testing.assert_close(shares, own, atol=0.02, rtol=0.0)


def test_rows_that_are_drawn_in_slices_are_those_drawn_at_once(layout, monkeypatch):
    code_slots = CategoricalSlots(layout)
    packing, heads = GroupedSoftmax(layout, code_slots), _heads(code_slots, 4).float()
    hidden = torch.randn(1_000, 4, generator=Generator().manual_seed(1))
    whole = packing.sample(hidden, heads, Generator().manual_seed(0))
    monkeypatch.setattr("gensynth.nn.categorical.SLICE_ELEMENTS", 64 * max(WIDTHS))
    sliced = packing.sample(hidden, heads, Generator().manual_seed(0))
    assert (sliced != whole).float().mean() < 1e-3  # rounding may decide where a draw lies on an edge
