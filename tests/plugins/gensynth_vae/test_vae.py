"""Mechanism of `vae` and `beta-vae`: the latents tie the columns, and the divergence obeys beta and capacity."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gensynth import Synthesizer, Trainer
from gensynth.errors import CollapseWarning
from gensynth_vae.recipes import VAE, BetaVAE

SMALL: dict[str, Any] = {"hidden": (64, 64), "latent_dim": 4, "warmup": 100}


@pytest.fixture(scope="module")
def table():
    """A category, another that follows it nine times in ten, and a number about a centre of its own for each."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 4, 1200)
    second = np.where(rng.random(1200) < 0.9, first, rng.integers(0, 4, 1200))
    number = 3.0 * first + rng.normal(size=1200)
    return pd.DataFrame({"first": np.array(list("abcd"))[first], "second": np.array(list("wxyz"))[second], "x": number})


def _fitted(recipe, table, epochs=60):
    return Synthesizer(recipe, trainer=Trainer(max_epochs=epochs, progress=False), random_state=0).fit(table)


@pytest.fixture(scope="module")
def vae(table):
    return _fitted(VAE(**SMALL), table)


def _agreement(rows):
    """Return how often the second category is the first's own."""
    return (rows["first"].map(dict(zip("abcd", "wxyz", strict=True))) == rows["second"]).mean()


def _shuffled(latents, rng):
    """Return latents (n, d) whose dimensions come from different rows: each dimension's own distribution is kept."""
    return np.stack([rng.permutation(column) for column in np.asarray(latents).T], 1)


def test_samples_follow_what_ties_the_columns(vae, table):
    drawn = vae.sample(3000)
    assert _agreement(drawn) > 0.75
    assert drawn["x"].corr(drawn["first"].map(dict(zip("abcd", range(4), strict=True)))) > 0.8


def test_latents_shuffled_between_rows_untie_the_columns(vae, table):
    latents = vae.transform(table)
    own = vae.inverse_transform(latents)
    broken = vae.inverse_transform(_shuffled(latents, np.random.default_rng(0)))
    assert _agreement(own) > 0.75
    assert _agreement(broken) < _agreement(own) - 0.1


def test_a_row_comes_back_from_its_own_latent_and_not_from_another(vae, table):
    latents = np.asarray(vae.transform(table))
    own = vae.inverse_transform(latents)
    other = vae.inverse_transform(latents[np.random.default_rng(0).permutation(len(latents))])
    assert (own["first"].to_numpy() == table["first"].to_numpy()).mean() > 0.8
    assert (other["first"].to_numpy() == table["first"].to_numpy()).mean() < 0.4


def test_history_tells_nats_and_active_units(vae):
    last = vae.history_[vae.history_["stage"] == "elbo"].iloc[-1]
    assert last["kl"] > 1.0  # what the columns have in common is log 4 at least
    assert 1 <= last["active_units"] <= 4


def test_a_collapsed_posterior_is_said(table):
    recipe = VAE(beta=100.0, prior="normal", hidden=(16, 16), latent_dim=4, warmup=0)
    with pytest.warns(CollapseWarning, match="posterior collapse: "):
        collapsed = _fitted(recipe, table)
    last = collapsed.history_.iloc[-1]
    assert last["kl"] < 0.05
    assert last["active_units"] == 0


def test_a_posterior_that_is_used_is_not_said_to_have_collapsed(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        _fitted(VAE(**SMALL), table)


def test_a_higher_beta_lets_less_through_the_latents(table):
    nats = [_fitted(BetaVAE(beta=beta, capacity=None, **SMALL), table).history_["kl"].iloc[-1] for beta in (0.1, 1.0)]
    assert nats[1] < nats[0] - 0.5


@pytest.mark.parametrize("capacity", [1.0, 4.0])
def test_capacity_is_the_divergence_in_nats(table, capacity):
    fitted = _fitted(BetaVAE(capacity=capacity, **SMALL), table, epochs=100)
    assert fitted.history_["kl"].iloc[-1] == pytest.approx(capacity, abs=0.35)


def test_decoding_draws_from_a_generator(vae, table):
    latents = torch.zeros(200, 4)
    drawn = [vae.model_.decode(latents, torch.Generator().manual_seed(seed)).codes for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
