"""One column's conditional: the same probabilities whether drawn from, weighed, or asked for a density."""

from __future__ import annotations

import pytest
import torch

from gensynth.layout import ColumnLayout, Layout, NumericSlot, Predictor
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.column_conditional import ColumnConditional
from gensynth.nn.tabular.heads import WithinBinHeads
from gensynth.nn.tabular.rank_heads import RankHeads

WIDTH, N = 4, 3


def conditional(with_predictor):
    shares = (0.0, *([1 / 20] * 20))
    after = Predictor(0, increasing=True, spread=0.1) if with_predictor else None
    layout = Layout(
        (
            ColumnLayout("a", shares, numeric=NumericSlot(0, range(1, 21), "within_bin")),
            ColumnLayout("b", shares, numeric=NumericSlot(1, range(1, 21), "within_bin"), predictor=after),
        ),
        500,
    )
    rng = torch.Generator().manual_seed(0)
    slots = CategoricalSlots(layout)
    logits = torch.randn(N, 21, generator=rng)
    logits[:, 0] = -torch.inf
    return ColumnConditional(
        1,
        torch.randn(N, WIDTH, generator=rng),
        logits,
        WithinBinHeads(layout, slots, WIDTH),
        RankHeads(layout, slots, WIDTH, layout.predictors) if with_predictor else None,
        torch.tensor([-2.2, 0.0, 1.4]) if with_predictor else None,
    )


@torch.no_grad()
@pytest.mark.parametrize("with_predictor", [False, True])
def test_densities_add_up_to_the_weights_of_codes(with_predictor):
    own = conditional(with_predictor)
    probability = own.log_weights().softmax(1)
    assert (probability[:, 0] == 0).all()
    steps = 64
    number = ((torch.arange(steps) + 0.5) / steps).repeat_interleave(N)
    own.hidden, own.logits = own.hidden.repeat(steps, 1), own.logits.repeat(steps, 1)
    own.source = None if own.source is None else own.source.repeat(steps)
    for code in (1, 7, 20):
        density = own.log_density(torch.full((N * steps,), code), number).exp().view(steps, N).mean(0)
        torch.testing.assert_close(density, probability[:, code], rtol=2e-2, atol=1e-4)


@torch.no_grad()
def test_a_predictor_makes_codes_near_its_rank_likelier():
    own = conditional(with_predictor=True)
    likelier = (own.log_weights().log_softmax(1) - own.logits.log_softmax(1))[:, 1:]
    assert likelier.argmax(1).tolist() == [pytest.approx(rank, abs=1) for rank in (2, 10, 16)]


@torch.no_grad()
def test_columns_of_codes_have_no_numbers():
    own = conditional(with_predictor=False)
    assert own.draw_number(torch.ones(N, dtype=torch.long), torch.Generator().manual_seed(0)) is not None
    own.within_bin_heads.where = {}
    assert own.draw_number(torch.ones(N, dtype=torch.long), torch.Generator().manual_seed(0)) is None
