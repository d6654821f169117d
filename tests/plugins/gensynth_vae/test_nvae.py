"""What is peculiar to `nvae`; the rest is in the contract suite."""

from __future__ import annotations

import pytest
import torch
from latent_checks import built, check_joint_distribution, check_rows_come_from_their_own_latents, trained
from toy_layouts import mixed_rows

from gensynth_vae.recipes import NVAE


@pytest.fixture(scope="module")
def model_and_history():
    return trained(NVAE(width=48, warmup=100))


@pytest.fixture(scope="module")
def model(model_and_history):
    return model_and_history[0]


def test_samples_follow_the_joint_distribution(model):
    check_joint_distribution(model)


def test_rows_are_read_from_their_own_latents(model):
    check_rows_come_from_their_own_latents(model)


def test_every_level_carries_nats(model_and_history):
    _, history = model_and_history
    last = [row for row in history if row["stage"] == "elbo"][-1]
    assert all(last[f"kl_{level}"] > 0.1 for level in range(3))
    assert last["kl"] == pytest.approx(sum(last[f"kl_{level}"] for level in range(3)))


@torch.no_grad()
def test_lower_levels_see_the_ones_above():
    model = built(NVAE(width=16)).eval()
    for level in model.levels:
        torch.nn.init.normal_(level.prior.out.weight)
    state = model.top.expand(1, 2, -1)
    below = model.levels[0].next_state(state, torch.tensor([[[-3.0] * model.level_dim, [3.0] * model.level_dim]]))
    mean, _ = model.levels[1].prior_parameters(below)
    assert not torch.allclose(mean[0, 0], mean[0, 1])


def test_levels_that_carry_much_pay_more_while_warming_up():
    model = built(NVAE(width=16, levels=2, warmup=100, beta=1.0, spectral=0.0)).train()
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
