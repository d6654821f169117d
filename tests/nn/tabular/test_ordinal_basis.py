from __future__ import annotations

import pytest
import torch

from gensynth.layout import ColumnLayout, Layout, NumericSlot
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.ordinal_basis import DAMPING, MIN_CODES, OrdinalBasis

DIM = 6


def _layout():
    """Bins after atoms, an ordered category with a code for missing, a plain category, and a few bins."""
    return Layout(
        (
            ColumnLayout("bins", (0.0,) + (1 / 43,) * 43, numeric=NumericSlot(0, range(4, 44), "within_bin")),
            ColumnLayout("grades", (0.0,) + (1 / 20,) * 20, ordered=True, missing=1),
            ColumnLayout("colours", (0.0,) + (1 / 30,) * 30),
            ColumnLayout("few", (0.0,) + (1 / 8,) * 8, ordered=True),
        ),
        1000,
    )


def _curves(layout, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        code_slots = CategoricalSlots(layout)
        return code_slots, OrdinalBasis(layout, code_slots, DIM, 0.3), torch.randn(code_slots.n_slots, DIM)


def test_the_table_of_a_column_is_its_part_of_the_whole():
    layout = _layout()
    code_slots, curves, rest = _curves(layout)
    table = curves(rest)
    for i, column in enumerate(layout.columns):
        own = slice(int(code_slots.offsets[i]), int(code_slots.offsets[i]) + column.cardinality)
        torch.testing.assert_close(curves.column(i, rest[own], own.start), table[own])


def test_only_long_orders_have_curves_and_all_else_is_the_rest():
    layout = _layout()
    code_slots, curves, rest = _curves(layout)
    table = curves(rest)
    smooth = torch.zeros(len(rest), dtype=torch.bool)
    for i in (0, 1):
        codes = layout.columns[i].codes_in_order
        assert len(codes) > MIN_CODES
        smooth[code_slots.offsets[i] + codes.start : code_slots.offsets[i] + codes.stop] = True
    assert torch.equal(table[~smooth], rest[~smooth])
    assert not torch.isclose(table[smooth], rest[smooth]).any(1).all()


def test_neighbours_start_alike_with_the_spread_asked_for():
    layout = Layout(
        (ColumnLayout("bins", (0.0,) + (1 / 128,) * 128, numeric=NumericSlot(0, range(1, 129), "within_bin")),), 1000
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        code_slots = CategoricalSlots(layout)
        curves = OrdinalBasis(layout, code_slots, 200, 0.3)
        rest = torch.randn(code_slots.n_slots, 200)
    curves.start(rest)
    table = curves(rest)[1:129]
    assert table.std().item() == pytest.approx(0.3, rel=0.1)
    assert (table[1:] - table[:-1]).std() < 0.15 * table.std()


def test_the_rest_learns_slowly():
    _, curves, rest = _curves(_layout())
    rest.requires_grad_(True)
    (gradient,) = torch.autograd.grad(curves(rest).sum(), rest)
    assert gradient.unique().tolist() == [pytest.approx(DAMPING), 1.0]


def test_without_an_order_there_is_nothing_to_learn():
    layout = Layout(_layout().columns[2:], 1000)
    _, curves, rest = _curves(layout)
    assert not list(curves.parameters())
    assert curves(rest) is rest
