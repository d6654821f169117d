"""The mixture of a softmax and logistic densities over ranks: it is a density, and is drawn from as it says."""

from __future__ import annotations

import pytest
import torch

from gensynth.layout import ColumnLayout, Layout, NumericSlot, Predictor
from gensynth.model import Batch, Observed
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.embeddings import CellEmbedding
from gensynth.nn.tabular.rank_heads import N_LOGISTICS, RankHeads, usable_predictors

WIDTH, N = 5, 400


def bins(name, index, missing=True, **options):
    """20 bins of unequal shares, and a code for missing."""
    shares = torch.linspace(1.0, 3.0, 20)
    shares = (0.9 if missing else 1.0) * shares / shares.sum()
    codes = (0.0, 0.1, *shares.tolist()) if missing else (0.0, *shares.tolist())
    first = 2 if missing else 1
    slot = NumericSlot(index, range(first, first + 20), "within_bin")
    return ColumnLayout(name, codes, missing=1 if missing else None, numeric=slot, **options)


def grades(name, **options):
    return ColumnLayout(name, (0.0, *([1 / 18] * 18)), ordered=True, **options)


def layout(increasing=True, spread=0.04):
    after = Predictor(0, increasing, spread)
    return Layout((bins("a", 0), grades("b", predictor=after), bins("c", 1, predictor=after)), 1000)


def heads(own=None):
    own = own or layout()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        out = RankHeads(own, CategoricalSlots(own), WIDTH, own.predictors)
        for parameter in out.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    return out.double()


def decoder(own=None, noise=0.1):
    own = own or layout()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        slots = CategoricalSlots(own)
        out = CausalDecoder(own, slots, CellEmbedding(own, slots, 4), 8, WIDTH, 0.0, 1)
        for parameter in out.parameters():
            parameter.data.add_(noise * torch.randn_like(parameter))
    return out.double().eval()


def row(codes, numbers):
    return Batch(torch.tensor(numbers, dtype=torch.float64), torch.tensor(codes))


@torch.no_grad()
def test_codes_and_numbers_have_a_density_of_one():
    model, n = decoder(), 200
    inside = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    codes = torch.stack(
        [torch.full((20 * n,), 7), torch.full((20 * n,), 4), torch.arange(2, 22).repeat_interleave(n)], 1
    )
    rows = Batch(torch.stack([torch.full((20 * n,), 0.3).double(), inside.repeat(20)], 1), codes)
    cells = model.log_likelihood(rows, torch.zeros(20 * n, 1).double())
    one = row([[7, 4, 1], [7, 4, 0]], [[0.3, 0.0]] * 2)  # missing, and unknown
    others = model.log_likelihood(one, torch.zeros(2, 1).double())[:, 2].exp().sum()
    assert cells[:, 2].exp().sum() / n + others == pytest.approx(1.0, abs=1e-3)
    grade = row([[7, g, 5] for g in range(19)], [[0.3, 0.1]] * 19)
    assert model.log_likelihood(grade, torch.zeros(19, 1).double())[:, 1].exp().sum() == pytest.approx(1.0, abs=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("increasing", [True, False])
def test_draws_follow_the_predictor_and_the_density(increasing):
    own = layout(increasing)
    model, rng = decoder(own, noise=0.0), torch.Generator().manual_seed(1)
    for j in range(2):
        model.rank_heads.bias.data[j, 0, 0] = -8.0  # the softmax has no say
    rows = model.draw(torch.zeros(20_000, 1).double(), rng)
    known = (rows.codes[:, 0] > 1) & (rows.codes[:, 2] > 1)
    ranks = [
        model.rank_heads.place_of(0, rows.codes[:, 0], rows.numeric[:, 0])[known],
        model.rank_heads.place_of(0, rows.codes[:, 2], rows.numeric[:, 1])[known],  # the same shares
    ]
    distance = ranks[1] - (ranks[0] if increasing else -ranks[0])
    assert distance.abs().median() < 0.05
    entropy = -model.log_likelihood(rows, torch.zeros(20_000, 1).double())[known, 2].mean()
    shifted = Batch(torch.stack([rows.numeric[:, 0], 1.0 - rows.numeric[:, 1]], 1), rows.codes)
    assert -model.log_likelihood(shifted, torch.zeros(20_000, 1).double())[known, 2].mean() > entropy


@torch.no_grad()
def test_one_column_has_the_density_that_all_have_at_once():
    own, model = layout(), heads()
    rng = torch.Generator().manual_seed(2)
    codes = torch.stack([torch.randint(1, c.cardinality, (N,), generator=rng) for c in own.columns], 1)
    rows = Batch(torch.rand(N, 2, generator=rng).double(), codes)
    cells, hidden = -torch.rand(N, 3, generator=rng).double(), torch.randn(3, N, WIDTH, generator=rng).double()
    mixed = model.mix(cells, hidden, rows)
    torch.testing.assert_close(mixed[:, 0], cells[:, 0])
    source = model.place_of(0, codes[:, 0], rows.numeric[:, 0])
    for i, number in ((1, None), (2, rows.numeric[:, 1])):
        alone = model.joint(i, hidden[i], source, cells[:, i], codes[:, i], number)
        torch.testing.assert_close(alone, mixed[:, i])
    weight, rest = model.masses(2, hidden[2], source).shares(own.columns[2].cardinality)
    torch.testing.assert_close(weight.squeeze(1) + rest.sum(1), torch.ones(N).double())
    assert (rest[:, :2] == 0).all()  # neither unknown nor missing


@torch.no_grad()
def test_numbers_beside_given_codes_stay_in_their_bins():
    model, own, rng = heads(), layout(), torch.Generator().manual_seed(3)
    codes = torch.randint(1, 22, (N,), generator=rng)
    hidden, source = torch.randn(N, WIDTH, generator=rng).double(), torch.randn(N, generator=rng).double()
    logits = torch.zeros(N, own.columns[2].cardinality).double()
    before = torch.full((N,), 0.25).double()
    number = model.number(2, model.masses(2, hidden, source), (codes, before, logits), rng)
    assert ((number >= 0) & (number <= 1)).all()
    assert (number[codes == 1] == 0.25).all()  # a missing cell has no rank
    assert (number[codes > 1] != 0.25).any()


@torch.no_grad()
def test_values_beyond_the_fitted_range_are_less_likely_the_farther_they_are():
    model = decoder()
    for j in range(2):
        model.rank_heads.bias.data[j, 0, 0] = -8.0  # what the softmax says does not hide it
    far = row([[21, 18, 21]] * 4, [[0.9, beyond] for beyond in (1.0, 2.0, 10.0, 1000.0)])
    density = model.log_likelihood(far, torch.zeros(4, 1).double())[:, 2]
    torch.testing.assert_close(density[0] - density, torch.tensor([0.0, 1.0, 9.0, 999.0]).double())


def test_predictors_of_the_same_group_are_not_used():
    assert usable_predictors(layout(), 3) == layout().predictors
    assert usable_predictors(layout(), 2).keys() == {1}  # columns 0 and 2 are drawn at once
    assert usable_predictors(layout(), 1) == {}


def test_tables_without_predictors_have_no_such_heads():
    model = decoder(Layout((bins("a", 0), bins("c", 1)), 1000))
    assert model.rank_heads is None
    assert not [name for name in model.state_dict() if "rank_heads" in name]


def test_gradients_reach_all_components_and_are_finite_far_off():
    model = heads(layout(spread=0.4))
    near, far = [[12, 10, 12], [5, 4, 5]], [[2, 18, 21], [21, 1, 2], [1, 5, 5]]
    hidden = torch.randn(3, 2, WIDTH, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    model.mix(torch.full((2, 3), -5.0).double(), 0.1 * hidden, row(near, [[0.5, 0.6]] * 2)).sum().backward()
    for parameter in (*model.parameters(), hidden):
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    assert model.bias.shape == (2, 1, 1 + 3 * N_LOGISTICS)
    assert (model.bias.grad.abs() > 1e-6).all()
    model.zero_grad()
    model.mix(
        torch.full((3, 3), -5.0).double(), torch.randn(3, 3, WIDTH).double(), row(far, [[0.0, 1.0]] * 3)
    ).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@torch.no_grad()
def test_observed_cells_weigh_as_the_density_says():
    """Given b and c, a is drawn from p(a | b, c), which enumeration gives."""
    own = Layout((grades("a"), grades("b", predictor=Predictor(0, increasing=True, spread=0.2))), 1000)
    model, rng = decoder(own), torch.Generator().manual_seed(4)
    pairs = row([[a, 9] for a in range(1, 19)], [[]] * 18)
    exact = model.log_likelihood(pairs, torch.zeros(18, 1).double()).sum(1).softmax(0)
    n, c = 400, 64
    given = Batch(torch.zeros(n, 0).double(), torch.tensor([[0, 9]] * n))
    observed = Observed(given, torch.tensor([[False, True]] * n))
    filled = model.fill(observed, torch.zeros(n * c, 1).double(), torch.zeros(n * c).double(), rng)
    share = torch.bincount(filled.rows.codes[:, 0], minlength=19)[1:] / n
    assert (share - exact).abs().sum() / 2 < 0.12
    assert (filled.rows.codes[:, 1] == 9).all()
