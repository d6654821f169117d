from __future__ import annotations

import pytest
import torch

from gensynth.layout import ColumnLayout, Layout
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.column_softmax import ColumnSoftmax

WIDTHS = (3, 9, 2, 40, 4)


@pytest.fixture
def slots():
    columns = tuple(ColumnLayout(f"c{i}", (0.0,) + (1.0 / (w - 1),) * (w - 1)) for i, w in enumerate(WIDTHS))
    return CategoricalSlots(Layout(columns, n_rows=100)).double()


def _given(slots, scale):
    torch.manual_seed(0)
    hidden = torch.randn(len(WIDTHS), 7, 3, dtype=torch.float64, requires_grad=True)
    weight = (scale * torch.randn(slots.n_slots, 3, dtype=torch.float64)).requires_grad_()
    bias = torch.randn(slots.n_slots, dtype=torch.float64, requires_grad=True)
    codes = torch.stack([torch.arange(7) % width for width in WIDTHS])
    return hidden, weight, bias, codes


@pytest.mark.parametrize("scale", [1.0, 1e4])  # the second is beyond what powers of two can hold
def test_heads_say_and_learn_what_plain_softmax_does(slots, scale):
    hidden, weight, bias, codes = _given(slots, scale)
    got = ColumnSoftmax.apply(hidden, weight, bias + slots.padding, codes, slots.groups)
    parts = []
    for h, own, first, width in zip(hidden, codes, slots.offsets.tolist(), WIDTHS, strict=True):
        logits = h @ weight[first : first + width].T + bias[first : first + width]
        parts.append(logits.log_softmax(-1).gather(1, own[:, None])[:, 0])
    wanted = torch.stack(parts)
    torch.testing.assert_close(got, wanted)
    factor = torch.linspace(-1.0, 1.0, got.numel(), dtype=torch.float64).view_as(got)
    for one, other in zip(
        torch.autograd.grad((got * factor).sum(), (hidden, weight, bias)),
        torch.autograd.grad((wanted * factor).sum(), (hidden, weight, bias)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_gradient_is_that_of_the_function(slots):
    hidden, weight, bias, codes = _given(slots, 1.0)

    def function(hidden, weight, bias):
        return ColumnSoftmax.apply(hidden, weight, bias + slots.padding, codes, slots.groups)

    assert torch.autograd.gradcheck(function, (hidden, weight, bias))
