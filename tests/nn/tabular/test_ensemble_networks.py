"""Networks side by side: a row's score told apart by column, trimming, and what they refuse."""

from __future__ import annotations

import pytest
import torch
from toy_models import toy_batch, toy_layout

from gensynth.errors import CapabilityError
from gensynth.nn.tabular.ensemble_causal import EnsembleFlowPrior, column_orders
from gensynth.nn.tabular.ensemble_networks import EnsembleNetworks
from gensynth.nn.trimming import trimmed_mean


@pytest.fixture
def networks():
    torch.manual_seed(0)
    networks = EnsembleNetworks(toy_layout(), 4, robust=False)
    networks.fits()[0].function(toy_batch(50), torch.Generator().manual_seed(0))
    return networks


def test_columns_sum_to_minus_the_score_with_the_latent_term_among_them(networks):
    batch = toy_batch(20)
    inputs = networks.inputs(batch, differentiable=True)
    z = networks.encoder((8,), 3)(inputs)
    decoder = networks.decoder(3, (8,))
    latent = z.square().sum(-1)
    score = networks.score(-decoder.log_likelihood(inputs, z), latent, inputs, attribute=True)
    assert score.rows.shape == (4, 20)
    assert score.columns.shape == (4, 20, 2)
    torch.testing.assert_close(score.columns.sum(-1), -score.rows)


def test_the_worst_rows_are_left_out_where_rows_may_be_anomalies():
    robust, plain = (EnsembleNetworks(toy_layout(), 2, robust=robust) for robust in (True, False))
    parameter = torch.nn.Parameter(torch.ones(()))
    losses = torch.ones(2, 10)
    losses[:, 3] = 1e6

    def loss(batch, rng):
        return losses * parameter

    stages = [n.stage("fit", [parameter], loss, learning_rate=0.1) for n in (robust, plain)]
    values = [float(trimmed_mean(s.phases[0].loss(toy_batch(10), torch.Generator()), s.trim).detach()) for s in stages]
    assert values[0] == pytest.approx(0.5)
    assert values[1] > 1e4


def test_a_detector_draws_no_rows(networks):
    decoder = networks.decoder(3, (8,))
    with pytest.raises(CapabilityError, match="fit a Synthesizer"):
        decoder.sample(torch.zeros(1, 5, 3), torch.Generator())


def test_every_second_member_has_the_order_before_it_backwards():
    orders = column_orders(4, 5)
    assert (orders.sort(1).values == torch.arange(5)).all()
    assert torch.equal(orders[1], 4 - orders[0])


def test_latents_beyond_a_members_width_do_not_count():
    prior = EnsembleFlowPrior([2, 3])
    z = torch.randn(2, 6, 3)
    other = z.clone()
    other[:, :, 2] += 1.0
    before, after = prior.log_density(z), prior.log_density(other)
    torch.testing.assert_close(before[0], after[0])
    assert not torch.allclose(before[1], after[1])
