"""What is peculiar to vq-vae and nvae; the rest is in the contract suite."""

from __future__ import annotations

import functools

import pytest
import torch
from toy_layouts import mixed, mixed_rows

from gensynth.training import Trainer
from gensynth_vae.recipes import NVAE, VQVAE

RECIPES = {"vq-vae": VQVAE(hidden=(64, 64), warmup=100), "nvae": NVAE(width=48, warmup=100)}


@functools.cache
def _trained(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = RECIPES[name].build(mixed())
    return model, Trainer(max_epochs=40, progress=False).run(model, mixed_rows(2000), 0).history


@pytest.fixture(params=list(RECIPES))
def trained(request):
    return _trained(request.param)[0]


@torch.no_grad()
def test_samples_follow_the_joint_distribution(trained):
    drawn = trained.generate(4000, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn.codes[:, 0], minlength=4) / 4000
    torch.testing.assert_close(share, torch.tensor([0.0, 0.5, 0.3, 0.2]), atol=0.06, rtol=0)
    known = drawn.codes[:, 1] > 1
    agree = ((drawn.codes[known, 1] > 10) == (drawn.codes[known, 2] == 2)).double().mean()
    assert agree > 0.85  # independent columns: about 0.5


def _built(recipe):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return recipe.build(mixed())


@torch.no_grad()
def test_rows_are_read_from_their_own_latents(trained):
    rows = mixed_rows(2000)
    latents = trained.encode(rows)
    assert latents.shape == (2000, trained.latent_dim)
    rng = torch.Generator().manual_seed(0)
    own = trained.decode(latents, rng).codes[:, 2] == rows.codes[:, 2]
    other = trained.decode(latents.roll(1, 0), rng).codes[:, 2] == rows.codes[:, 2]
    assert own.double().mean() > other.double().mean() + 0.2


@torch.no_grad()
def test_every_book_has_several_codes_in_use():
    model, _ = _trained("vq-vae")
    assert all(len(book.unique()) > 1 for book in model.codes(model.networks.inputs(mixed_rows(2000))).t())


@torch.no_grad()
def test_likelihood_is_reconstruction_less_the_divergence_of_the_codes():
    model = _built(VQVAE(hidden=(16, 16), groups=1, n_codes=5)).eval()
    rows = mixed_rows(10)
    vectors = model.encoder(model.networks.inputs(rows))[0]
    q = (-0.5 * model.quantizer.log_precision.exp()[0] * torch.cdist(vectors, model.quantizer.book[0]) ** 2).softmax(-1)
    log_p = torch.stack([model.log_prior(torch.tensor([[code]]))[0, 0] for code in range(5)])
    divergence = (q * (q.log() - log_p)).sum(-1)
    likelihood, reconstruction = (model.score(rows, m).rows[0] for m in ("likelihood", "reconstruction"))
    torch.testing.assert_close(likelihood, reconstruction - divergence)


def test_every_level_carries_nats():
    _, history = _trained("nvae")
    last = [row for row in history if row["stage"] == "elbo"][-1]
    assert all(last[f"kl_{level}"] > 0.1 for level in range(3))
    assert last["kl"] == pytest.approx(sum(last[f"kl_{level}"] for level in range(3)))


@torch.no_grad()
def test_lower_levels_see_the_ones_above():
    model = _built(NVAE(width=16)).eval()
    for level in model.levels:
        torch.nn.init.normal_(level.prior.out.weight)
    state = model.top.expand(1, 2, -1)
    below = model.levels[0].next_state(state, torch.tensor([[[-3.0] * model.level_dim, [3.0] * model.level_dim]]))
    mean, _ = model.levels[1].prior_parameters(below)
    assert not torch.allclose(mean[0, 0], mean[0, 1])


def test_levels_that_carry_much_pay_more_while_warming_up():
    model = _built(NVAE(width=16, levels=2, warmup=100, beta=1.0, spectral=0.0)).train()
    rows, rng = mixed_rows(64), torch.Generator().manual_seed(0)
    leaf = torch.tensor([3.0, 1.0], requires_grad=True)
    model.terms = lambda inputs, n, rng: (torch.zeros(1, n), leaf.expand(1, n, -1))
    model.step.fill_(49)
    (early,) = torch.autograd.grad(model._loss(rows, rng).mean(), leaf)
    model.step.fill_(200)
    (late,) = torch.autograd.grad(model._loss(rows, rng).mean(), leaf)
    assert float(early[0]) == pytest.approx(3.0 * float(early[1]), rel=0.02)
    assert float(early.sum()) == pytest.approx(0.5 * 2.0, rel=0.02)  # half of the weight, half of the way
    torch.testing.assert_close(late, torch.ones(2))
