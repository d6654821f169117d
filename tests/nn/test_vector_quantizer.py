from __future__ import annotations

import torch

from gensynth.nn.vector_quantizer import NearestQuantizer, StochasticQuantizer


def _stochastic(groups=2, n_codes=8, dim=3):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StochasticQuantizer(groups, n_codes, dim)


@torch.no_grad()
def test_entries_are_drawn_the_likelier_the_nearer():
    quantizer = _stochastic(groups=1, n_codes=3, dim=2)
    vectors = torch.randn(1, 1, 2).expand(20_000, -1, -1)
    log_q = quantizer.log_probability(vectors)
    distance = torch.cdist(vectors[0], quantizer.book[0]).square()
    expected = (-0.5 * quantizer.log_precision.exp()[0] * distance).softmax(-1)[0]
    torch.testing.assert_close(log_q[0, 0].exp(), expected)
    entries = quantizer(vectors, torch.Generator().manual_seed(0)).entries[:, 0]
    drawn = torch.cdist(entries, quantizer.book[0]).argmin(-1)
    torch.testing.assert_close(torch.bincount(drawn, minlength=3) / 20_000, expected, atol=0.02, rtol=0)


@torch.no_grad()
def test_with_great_precision_the_nearest_entry_is_drawn():
    quantizer = _stochastic()
    quantizer.log_precision.fill_(12.0)
    vectors = torch.randn(50, 2, 3)
    entries = quantizer(vectors, torch.Generator().manual_seed(0)).entries
    torch.testing.assert_close(entries, quantizer.look_up(quantizer.nearest(vectors)), atol=1e-5, rtol=0)


def test_draws_pull_vectors_and_books():
    quantizer = _stochastic()
    vectors = torch.randn(5, 2, 3, requires_grad=True)
    quantizer(vectors, torch.Generator().manual_seed(0)).entries.square().sum().backward()
    for part in (vectors, quantizer.book, quantizer.log_precision):
        assert part.grad is not None
        assert part.grad.abs().sum() > 0


@torch.no_grad()
def test_entries_that_nobody_is_drawn_to_start_again_at_rows():
    quantizer, rng = _stochastic(groups=2, n_codes=4, dim=3), torch.Generator().manual_seed(0)
    quantizer.book[1, 2] = 100.0  # out of reach
    vectors = quantizer.book[:, :2].transpose(0, 1).repeat(8, 1, 1)
    before, steps = quantizer.book.clone(), 0
    while not quantizer.restart(vectors, quantizer.log_probability(vectors), rng):
        steps += 1
        assert steps < 1000
    assert steps > 50  # not for being missed by one batch
    assert (vectors[:, 1] == quantizer.book[1, 2]).all(1).any()
    moved = (quantizer.book != before).any(-1)
    assert (quantizer.usage[moved] == 0.25).all()
    assert not moved[:, :2].any()


def test_the_nearest_entry_is_taken_and_gradients_pass_to_the_vector_as_if_it_were_the_entry():
    torch.manual_seed(0)
    quantizer = NearestQuantizer(4, 6, 3)
    vectors = torch.randn(5, 4, 3, requires_grad=True)
    entries, log_q, cost = quantizer(vectors, torch.Generator())
    by_distance = torch.cdist(vectors.detach().flatten(0, 1), quantizer.book[0]).argmin(-1).view(5, 4)
    assert torch.equal(quantizer.nearest(vectors), by_distance)
    assert torch.equal(log_q.exp().argmax(-1).t(), by_distance)
    torch.testing.assert_close(entries, quantizer.book[0][by_distance])
    weights = torch.randn(5, 4, 3)
    (gradient,) = torch.autograd.grad((entries * weights).sum(), vectors, retain_graph=True)
    torch.testing.assert_close(gradient, weights)
    cost.sum().backward()
    assert quantizer.book.grad is not None
    pulled = quantizer.book[0] - 0.1 * quantizer.book.grad[0]
    used = by_distance.unique()
    points = vectors.detach().flatten(0, 1)
    before, after = (torch.cdist(points, book).min(-1).values.sum() for book in (quantizer.book[0], pulled))
    assert after < before
    assert (quantizer.book.grad[0].abs().sum(-1) > 0).nonzero().flatten().tolist() == used.tolist()


@torch.no_grad()
def test_places_that_share_a_book_start_its_unused_entries_again_at_any_of_them():
    torch.manual_seed(0)
    quantizer, rng = NearestQuantizer(3, 4, 2), torch.Generator().manual_seed(0)
    quantizer.book[0, 1:] = 100.0
    vectors = torch.randn(20, 3, 2)
    while not quantizer.restart(vectors, quantizer.log_probability(vectors), rng):
        pass
    known = vectors.flatten(0, 1)
    assert all((known == entry).all(1).any() for entry in quantizer.book[0, 1:])
