from __future__ import annotations

import pytest
import torch
from toy_layouts import mixed, mixed_rows

from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.embeddings import CellEmbedding
from gensynth.nn.tabular.independent_decoder import GroupedDecoder, IndependentDecoder
from gensynth.nn.tabular.marginals import MAX_CHANGE, bias_change, n_marginal_rows


def _decoder(kind):
    layout = mixed()
    code_slots = CategoricalSlots(layout)
    decoder: IndependentDecoder | GroupedDecoder
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "independent":
            decoder = IndependentDecoder(layout, code_slots, (16,), 3, 0.0)
            bias = decoder.network.out.bias
        else:
            cells = CausalDecoder(
                layout, code_slots, CellEmbedding(layout, code_slots, 4), 16, 8, 0.0, 16, column_groups=2
            )
            decoder = GroupedDecoder(cells, (16,), 3, 0.0)
            bias = cells.code_heads.bias
        bias.data += torch.randn(len(bias)) * 0.4
    return decoder.eval()


@torch.no_grad()
@pytest.mark.parametrize("kind", ["independent", "in groups"])
def test_every_code_is_drawn_as_often_as_the_table_has_it(kind):
    decoder, rows, rng = _decoder(kind), mixed_rows(5000), torch.Generator().manual_seed(0)
    z = torch.randn(20_000, 3, generator=rng)

    def furthest():
        codes, off = decoder.draw(z, rng).codes, []
        for i, column in enumerate(mixed().columns):
            shares = torch.bincount(codes[:, i], minlength=column.cardinality) / len(z)
            target = torch.bincount(rows.codes[:, i], minlength=column.cardinality) / len(rows)
            off.append(float((shares - target).abs().max()))
        return max(off)

    assert furthest() > 0.05
    decoder.correct_marginals(rows, z, rng)
    assert furthest() < 0.015


def test_the_change_keeps_the_differences_between_rows_and_is_bounded():
    logits = torch.randn(500, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    change = bias_change(logits, torch.tensor([1, 1, 2, 2, 2, 3, 3, 3, 3, 3]))
    assert change[0] == 0.0
    mean = (logits + change)[:, 1:].softmax(-1).mean(0)
    torch.testing.assert_close(mean, torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64), atol=0.002, rtol=0)
    assert bias_change(logits, torch.tensor([1, 1])).abs().max() == MAX_CHANGE


def test_wide_tables_are_calibrated_on_fewer_rows():
    assert n_marginal_rows(10) == 10_000
    assert n_marginal_rows(200) == 5_000
    assert n_marginal_rows(5000) == 1000
