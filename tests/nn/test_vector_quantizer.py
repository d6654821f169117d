from __future__ import annotations

import torch

from gensynth.nn.vector_quantizer import VectorQuantizer


def _quantiser(groups=2, n_codes=8, dim=3):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VectorQuantizer(groups, n_codes, dim)


def test_every_vector_becomes_its_nearest_entry():
    quantizer = _quantiser()
    vectors = torch.randn(20, 2, 3)
    entries, codes, commitment = quantizer(vectors)
    for group in range(2):
        distance = torch.cdist(vectors[:, group], quantizer.book[group])
        assert torch.equal(codes[:, group], distance.argmin(1))
        torch.testing.assert_close(entries[:, group], quantizer.book[group][distance.argmin(1)])
    torch.testing.assert_close(commitment, (vectors - entries).square().mean((1, 2)))


def test_the_gradient_passes_straight_through():
    vectors = torch.randn(5, 2, 3, requires_grad=True)
    entries, _, _ = _quantiser()(vectors)
    weight = torch.randn(5, 2, 3)
    (entries * weight).sum().backward()
    torch.testing.assert_close(vectors.grad, weight)


def test_code_books_move_to_the_means_of_what_they_are_given():
    quantizer = _quantiser(groups=1, n_codes=4, dim=1)
    rng = torch.Generator().manual_seed(0)
    for _ in range(800):
        quantizer.follow(torch.rand(64, 1, 1, generator=rng), rng)
    vectors = torch.rand(20_000, 1, 1, generator=rng)
    codes = quantizer.nearest(vectors).flatten()
    means = torch.stack([vectors.flatten()[codes == i].mean() for i in range(4)])
    torch.testing.assert_close(quantizer.book.flatten(), means, atol=0.03, rtol=0)


def test_dead_entries_start_again():
    quantizer = _quantiser(groups=1, n_codes=4, dim=1)
    rng = torch.Generator().manual_seed(0)
    quantizer.started.fill_(value=True)
    quantizer.book.copy_(torch.tensor([0.0, 1.0, 50.0, 60.0]).view(1, 4, 1))
    quantizer.total.copy_(quantizer.book)
    for _ in range(600):
        quantizer.follow(torch.rand(64, 1, 1, generator=rng), rng)
    assert quantizer.book.max() < 2.0
    codes = quantizer.nearest(torch.rand(2000, 1, 1, generator=rng))
    assert len(codes.unique()) == 4
