from __future__ import annotations

import math

import pytest
import torch
from toy_layouts import all_rows, categories, mixed, mixed_rows

from gensynth.model import Batch, Observed
from gensynth.nn.categorical import draw
from gensynth.nn.tabular import causal_network
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.embeddings import CellEmbedding
from gensynth.nn.tabular.heads import N_CELLS


def _decoder(layout, latent_dim=1, seed=0, column_groups=None):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        code_slots = CategoricalSlots(layout)
        cells = CellEmbedding(layout, code_slots, 8)
        decoder = CausalDecoder(layout, code_slots, cells, 16, 8, 0.0, latent_dim, column_groups)
        for parameter in decoder.parameters():
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    return decoder.double().eval()


def _z(n):
    return torch.zeros(n, 1, dtype=torch.float64)


def _codes(codes):
    return Batch(torch.zeros(len(codes), 0, dtype=torch.float64), codes)


@torch.no_grad()
@pytest.mark.parametrize("column_groups", [None, 1, 2])
def test_probabilities_of_all_rows_sum_to_one(column_groups):
    layout = categories(2, 4, 3)
    log_likelihood = (
        _decoder(layout, column_groups=column_groups).log_likelihood(_codes(all_rows(layout)), _z(60)).sum(1)
    )
    assert log_likelihood.exp().sum() == pytest.approx(1.0, abs=1e-6)


@torch.no_grad()
def test_a_column_sees_only_the_columns_before_it():
    layout = categories(4, 4, 4, 4)
    decoder = _decoder(layout)
    rows = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 1], [1, 2, 1, 4], [1, 1, 3, 4]])
    cells = decoder.log_likelihood(_codes(rows), _z(len(rows)))
    torch.testing.assert_close(cells[1, :3], cells[0, :3])
    torch.testing.assert_close(cells[2, :2], cells[0, :2])
    assert not torch.isclose(cells[3, 2], cells[0, 2])  # and it does see those


@torch.no_grad()
def test_columns_of_a_pass_do_not_see_each_other():
    layout = categories(4, 4, 4, 4)  # column_groups: columns 0 and 2, then 1 and 3
    decoder = _decoder(layout, column_groups=2)
    rows = torch.tensor([[1, 2, 3, 4], [1, 2, 1, 4], [1, 1, 3, 4], [2, 2, 3, 4]])
    cells = decoder.log_likelihood(_codes(rows), _z(len(rows)))
    torch.testing.assert_close(cells[1, 0], cells[0, 0])
    torch.testing.assert_close(cells[2, [0, 2, 3]], cells[0, [0, 2, 3]])
    torch.testing.assert_close(cells[3, 2], cells[0, 2])
    for changed, other in ((1, 1), (1, 3), (3, 1), (3, 3)):  # the second pass sees all of the first
        assert not torch.isclose(cells[changed, other], cells[0, other])


@torch.no_grad()
@pytest.mark.parametrize("column_groups", [None, 1, 3])
def test_wide_tables_sum_by_a_scan_as_narrow_ones_by_a_triangle(monkeypatch, column_groups):
    layout = mixed()
    narrow = _decoder(layout, column_groups=column_groups)
    monkeypatch.setattr(causal_network, "MAX_TRIANGLE", 0)
    wide = _decoder(layout, column_groups=column_groups)
    rows = mixed_rows(20).to("cpu", torch.float64)
    torch.testing.assert_close(wide.log_likelihood(rows, _z(20)), narrow.log_likelihood(rows, _z(20)))


@torch.no_grad()
def test_density_inside_a_code_integrates_to_one_and_decays_outside():
    decoder = _decoder(mixed())
    position = (torch.arange(N_CELLS, dtype=torch.float64) + 0.5) / N_CELLS
    codes = torch.tensor([[1, 5, 1]]).expand(N_CELLS, -1)
    with_position = decoder.log_likelihood(Batch(position.unsqueeze(1), codes), _z(N_CELLS))[:, 1]
    code_alone = decoder.code_heads.log_likelihood(
        decoder.hidden(Batch(position.unsqueeze(1), codes), _z(N_CELLS)), codes
    )[:, 1]
    assert (with_position - code_alone).exp().mean() == pytest.approx(1.0, abs=1e-6)
    outside = Batch(torch.tensor([[1.0], [2.0], [5.0]], dtype=torch.float64), codes[:3])
    far = decoder.log_likelihood(outside, _z(3))[:, 1]
    assert far[0] > far[1] > far[2]


@torch.no_grad()
@pytest.mark.parametrize("column_groups", [None, 1])
def test_samples_follow_the_density(column_groups):
    layout = categories(2, 3)
    decoder = _decoder(layout, column_groups=column_groups)
    rows = all_rows(layout)
    drawn = decoder.draw(_z(40_000), torch.Generator().manual_seed(0)).codes
    frequency = torch.stack([(drawn == row).all(1).double().mean() for row in rows])
    known = (rows > 0).all(1)
    probability = decoder.log_likelihood(_codes(rows), _z(len(rows))).sum(1).exp() * known
    # UNKNOWN is never drawn: each conditional is renormalised without it
    first = decoder.code_heads.logits(0, decoder.hidden(_codes(rows), _z(len(rows)))[0]).log_softmax(-1)
    second = decoder.code_heads.logits(1, decoder.hidden(_codes(rows), _z(len(rows)))[1]).log_softmax(-1)
    expected = (first.gather(1, rows[:, :1]) + second.gather(1, rows[:, 1:])).squeeze(1).exp()
    torch.testing.assert_close(frequency, expected, atol=0.01, rtol=0)
    assert (frequency[~known] == 0).all()
    assert probability.sum() <= 1.0


@torch.no_grad()
@pytest.mark.parametrize("column_groups", [None, 2])
@pytest.mark.parametrize("given", [0, 2])
def test_given_cells_come_back_and_the_others_follow_their_posterior(given, column_groups):
    layout = categories(3, 3, 3)
    decoder = _decoder(layout, column_groups=column_groups)
    value = 2
    rng = torch.Generator().manual_seed(1)
    everything = decoder.draw(_z(200_000), rng).codes
    expected = everything[everything[:, given] == value]
    n = 20_000
    wanted = torch.zeros(n, 3, dtype=torch.long)
    wanted[:, given] = value
    z = _z(n * decoder.candidates)
    drawn = decoder.fill(Observed.of_columns((given,), _codes(wanted)), z, z.new_zeros(len(z)), rng).rows.codes
    assert (drawn[:, given] == value).all()
    for column in {0, 1, 2} - {given}:
        share = torch.bincount(drawn[:, column], minlength=4) / n
        truth = torch.bincount(expected[:, column], minlength=4) / len(expected)
        torch.testing.assert_close(share, truth, atol=0.02, rtol=0)


@torch.no_grad()
def test_given_numbers_come_back_to_the_last_bit():
    decoder = _decoder(mixed(), latent_dim=2)
    rows = mixed_rows(50).to("cpu", torch.float64)
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(50 * decoder.candidates, 2, generator=rng, dtype=torch.float64)
    drawn = decoder.fill(Observed.of_columns((1,), rows), z, z.new_zeros(len(z)), rng).rows
    assert torch.equal(drawn.codes[:, 1], rows.codes[:, 1])
    assert torch.equal(drawn.numeric, rows.numeric)


def test_draw_never_takes_what_is_impossible():
    logits = torch.tensor([[-math.inf, 0.0, -math.inf, 0.0]]).expand(10_000, -1)
    drawn = draw(logits, torch.Generator().manual_seed(0))
    assert torch.bincount(drawn, minlength=4).tolist()[::2] == [0, 0]
    assert 4_700 < int((drawn == 1).sum()) < 5_300
