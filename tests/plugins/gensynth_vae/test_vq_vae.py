"""What is peculiar to `vq-vae`; the rest is in the contract suite."""

from __future__ import annotations

import pytest
import torch
from latent_checks import built, check_joint_distribution, check_rows_come_from_their_own_latents, trained
from toy_layouts import mixed_rows

from gensynth_vae.recipes import VQVAE


@pytest.fixture(scope="module")
def model():
    return trained(VQVAE(hidden=(64, 64), warmup=100))[0]


def test_samples_follow_the_joint_distribution(model):
    check_joint_distribution(model)


def test_rows_are_read_from_their_own_latents(model):
    check_rows_come_from_their_own_latents(model)


@torch.no_grad()
def test_every_book_has_several_codes_in_use(model):
    assert all(
        len(book.unique()) > 1 for book in model.codes(model.encoder(model.networks.inputs(mixed_rows(2000)))).t()
    )


@torch.no_grad()
def test_likelihood_is_reconstruction_less_the_divergence_of_the_codes():
    model = built(VQVAE(hidden=(16, 16), groups=1, n_codes=5)).eval()
    rows = mixed_rows(10)
    vectors = model.encoder(model.networks.inputs(rows))[0]
    q = (-0.5 * model.quantizer.log_precision.exp()[0] * torch.cdist(vectors, model.quantizer.book[0]) ** 2).softmax(-1)
    log_p = torch.stack([model.log_prior(torch.tensor([[code]]), rows)[0, 0] for code in range(5)])
    divergence = (q * (q.log() - log_p)).sum(-1)
    likelihood, reconstruction = (model.score(rows, m).rows[0] for m in ("likelihood", "reconstruction"))
    torch.testing.assert_close(likelihood, reconstruction - divergence)
