"""Cells drawn observed others: against the exact conditional, by enumeration of all rows."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from toy_layouts import all_rows, categories, mixed, mixed_rows

from gensynth.model import UNKNOWN, Batch, ColumnLayout, Layout, Observed
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.embeddings import CellEmbedding
from gensynth.nn.tabular.imputation import Particles, fill
from gensynth.nn.tabular.independent_decoder import IndependentDecoder


def _decoder(layout, kind="autoregressive", strength=0.8):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        code_slots = CategoricalSlots(layout)
        decoder: Any
        if kind == "autoregressive":
            decoder = CausalDecoder(layout, code_slots, CellEmbedding(layout, code_slots, 8), 16, 8, 0.0, 1)
        else:
            decoder = IndependentDecoder(layout, code_slots, (16,), 1, 0.0)
            decoder.network.out.weight.data.mul_(12.0)
        for parameter in decoder.parameters():
            parameter.data.add_(0.5 * strength * torch.randn_like(parameter))
    if kind == "autoregressive":  # as after training: unknown codes have no probability
        unknown = code_slots.offsets + UNKNOWN
        decoder.code_heads.weight.data[unknown], decoder.code_heads.bias.data[unknown] = 0.0, -30.0
    return decoder.eval()


def _prior(rows, n, c, rng):
    return torch.randn(n * c, 1, generator=rng), torch.zeros(n * c)


def _row_probabilities(decoder, layout):
    """Return all rows without unknown codes, and their probabilities: z integrated out on a grid."""
    rows = all_rows(layout)
    rows = rows[(rows != UNKNOWN).all(1)]
    grid = torch.linspace(-5, 5, 201)
    weight = torch.exp(-0.5 * grid**2)
    total = torch.zeros(len(rows))
    for z, w in zip(grid, weight / weight.sum(), strict=True):
        batch = Batch(torch.zeros(len(rows), layout.n_numeric), rows)
        total += w * decoder.log_likelihood(batch, z.expand(len(rows), 1)).sum(1).exp()
    return rows, total / total.sum()


def _distance(drawn, rows, probability):
    """Return the total variation between drawn rows and probabilities of rows."""
    share = torch.stack([(drawn == row).all(1).float().mean() for row in rows])
    assert share.sum() == pytest.approx(1.0, abs=1e-5)
    return 0.5 * float((share - probability).abs().sum())


@torch.no_grad()
@pytest.mark.parametrize("kind", ["autoregressive", "independent"])
@pytest.mark.parametrize("columns", [(0,), (3,), (0, 3), (1, 2), (0, 1, 3), (1, 2, 3)])
def test_the_rest_follows_the_exact_conditional(kind, columns):
    layout = categories(3, 3, 3, 3)
    decoder = _decoder(layout, kind)
    rows, probability = _row_probabilities(decoder, layout)
    n = 6000
    rng = torch.Generator().manual_seed(0)
    pattern = rows[int(torch.multinomial(probability, 1, generator=rng))]
    mask = torch.zeros(n, 4, dtype=torch.bool)
    mask[:, list(columns)] = True
    observed = Observed(Batch(torch.zeros(n, 0), torch.where(mask, pattern, UNKNOWN)), mask)
    drawn = fill(decoder, _prior, observed, rng).codes
    assert (drawn == pattern)[:, list(columns)].all()
    fits = probability * (rows == pattern)[:, list(columns)].all(1)
    assert _distance(drawn, rows, fits / fits.sum()) < 0.035


@torch.no_grad()
@pytest.mark.parametrize("kind", ["autoregressive", "independent"])
def test_each_row_has_its_own_observed_cells_and_missing_is_never_drawn(kind):
    columns = (
        ColumnLayout("a", (0.0, 0.4, 0.3, 0.3), missing=1),
        ColumnLayout("b", (0.0, 0.5, 0.5)),
        ColumnLayout("c", (0.0, 0.4, 0.3, 0.3), missing=1),
    )
    layout = Layout(columns, 1000)
    decoder = _decoder(layout, kind)
    rows, probability = _row_probabilities(decoder, layout)
    masks = torch.tensor([[True, True, False], [False, True, False], [False, False, True]])
    pattern = torch.tensor([[2, 1, 0], [0, 2, 0], [0, 0, 3]])
    n = 6000
    which = torch.arange(3 * n) % 3
    observed = Observed(Batch(torch.zeros(3 * n, 0), pattern[which]), masks[which], impute=True)
    drawn = fill(decoder, _prior, observed, torch.Generator().manual_seed(0)).codes
    for i in range(3):
        own = drawn[which == i]
        fits = ((rows == pattern[i]) | ~masks[i]).all(1)
        for j, column in enumerate(columns):
            if column.missing is not None and not masks[i, j]:
                fits &= rows[:, j] != column.missing
        expected = probability * fits
        assert _distance(own, rows, expected / expected.sum()) < 0.035


RARE = 0.005


@torch.no_grad()
def test_a_rare_value_in_the_last_column_is_met_by_the_right_rows():
    """One row of 200 has the value, and the first column decides: a handful of candidates would miss it."""
    layout = categories(8, 4, 2)
    decoder = _decoder(layout)
    first = decoder.code_heads.first[2]
    decoder.code_heads.weight.data[first : first + 2 + 1] *= 2.0
    for _ in range(20):  # move the bias until the value is as rare as it is meant to be
        rows, probability = _row_probabilities(decoder, layout)
        rare = rows[:, 2] == 2
        decoder.code_heads.bias.data[first + 2] += math.log(RARE / probability[rare].sum())
    assert probability[rare].sum() == pytest.approx(RARE, rel=0.05)
    n = 2500
    mask = torch.tensor([False, False, True]).expand(n, 3)
    observed = Observed(Batch(torch.zeros(n, 0), torch.full((n, 3), 2)), mask)
    drawn = fill(decoder, _prior, observed, torch.Generator().manual_seed(0)).codes
    expected = probability * rare
    assert _distance(drawn, rows, expected / expected.sum()) < 0.06
    assert _distance(drawn, rows, expected / expected.sum()) < 0.5 * _distance_without(probability, rows, expected)


def _distance_without(probability, rows, expected):
    """Return how far the rest is from what it would be if the condition were ignored."""
    rest = torch.stack([(probability * (rows[:, :2] == row[:2]).all(1)).sum() for row in rows]) * (rows[:, 2] == 2)
    return 0.5 * float((rest - expected / expected.sum()).abs().sum())


@torch.no_grad()
@pytest.mark.parametrize("kind", ["autoregressive", "independent"])
def test_observed_cells_come_back_to_the_last_bit_and_rows_are_valid(kind):
    layout = mixed()
    decoder = _decoder(layout, kind, 0.4)
    rows = mixed_rows(300)
    rng = torch.Generator().manual_seed(0)
    mask = torch.rand(300, 3, generator=rng) < 0.5
    hidden = Batch(torch.where(mask[:, 1:2], rows.numeric, 0.0), torch.where(mask, rows.codes, UNKNOWN))
    drawn = fill(decoder, _prior, Observed(hidden, mask, impute=True), rng)
    assert torch.equal(drawn.codes[mask], rows.codes[mask])
    assert torch.equal(drawn.numeric[mask[:, 1]], rows.numeric[mask[:, 1]])
    assert (drawn.codes[~mask] > UNKNOWN).all()
    missing = layout.columns[1].missing
    assert missing is not None
    assert (drawn.codes[~mask[:, 1], 1] != missing).all()
    active = drawn.codes[:, 1] >= 2
    assert (drawn.numeric[~active] == 0).all()
    assert drawn.numeric[active & ~mask[:, 1]].std() > 0.2


@torch.no_grad()
def test_easy_rows_take_one_round_and_hard_ones_take_all():
    layout = categories(3, 3)
    decoder = _decoder(layout)
    calls = []

    def propose(rows, n, c, rng):
        calls.append((n, c))
        return _prior(rows, n, c, rng)

    nothing = Observed(Batch(torch.zeros(500, 0), torch.zeros(500, 2, dtype=torch.long)), torch.zeros(500, 2).bool())
    fill(decoder, propose, nothing, torch.Generator().manual_seed(0))
    assert calls == [(500, decoder.candidates)]
    calls.clear()
    decoder.latent.data.mul_(40.0)  # a latent that says all, met by few of the prior's draws
    observed = Observed(Batch(torch.zeros(4, 0), torch.full((4, 2), 2)), torch.ones(4, 2).bool())
    fill(decoder, propose, observed, torch.Generator().manual_seed(0))
    assert len(calls) > 1 or calls[0][1] == decoder.most_candidates
    assert sum(c for _, c in calls) <= decoder.most_candidates


@torch.no_grad()
def test_particles_keep_the_evidence_and_replace_the_weak():
    rng = torch.Generator().manual_seed(0)
    particles = Particles(torch.zeros(2000 * 4), 2000)
    gain = torch.tensor([0.0, -30.0, -30.0, -30.0]).repeat(1000)
    particles.weigh(torch.cat([gain, torch.zeros(4000)]))
    moved = particles.resample(rng)
    assert moved is not None
    moved = moved.view(2000, 4)
    first = torch.arange(2000).unsqueeze(1) * 4
    assert (moved[:1000] == first[:1000]).all()  # the one that counts takes all places
    assert (moved[1000:] == first[1000:] + torch.arange(4)).all()  # the others' rows stay
    particles.choose(rng)
    torch.testing.assert_close(particles.log_evidence[:1000].exp(), torch.full((1000,), 0.25))
    torch.testing.assert_close(particles.log_evidence[1000:], torch.zeros(1000))
    assert (particles.effective[:1000] < 1.0).all()
    assert (particles.effective[1000:] == 4.0).all()


@torch.no_grad()
def test_an_impossible_cell_does_not_make_nan():
    layout = categories(3, 3)
    decoder = _decoder(layout)
    observed = Observed(
        Batch(torch.zeros(5, 0), torch.zeros(5, 2, dtype=torch.long)), torch.tensor([[True, False]] * 5)
    )
    drawn = fill(decoder, _prior, observed, torch.Generator().manual_seed(0)).codes
    assert (drawn[:, 1] > UNKNOWN).all()
