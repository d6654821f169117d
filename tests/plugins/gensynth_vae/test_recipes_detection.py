"""Families as detectors: signs, exactness, members that count, explanations, a divergence that is on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from gensynth import Synthesizer, Trainer
from gensynth.engine.scoring.row_scores import make_scorer
from gensynth.engine.tensors import to_batch
from gensynth.model import Batch, Stage
from gensynth.nn.trimming import trimmed_mean
from gensynth_vae.recipes import NVAE, VAE, VLAE, VQVAE, BetaVAE

RECIPES = {"vae": VAE, "beta-vae": BetaVAE, "vlae": VLAE, "nvae": NVAE, "vq-vae": VQVAE}
SMALL: dict[str, dict[str, Any]] = {
    "vae": {"hidden": (32, 32)},
    "beta-vae": {"hidden": (32, 32)},
    "vlae": {"width": 32, "hidden": 32},
    "nvae": {"width": 32},
    "vq-vae": {"hidden": (32, 32)},
}
ELBO = ("elbo", "iwae", "log_likelihood", "reconstruction", "denoising", "kl")
SCORED_BY = {
    "vae": ELBO,
    "beta-vae": ELBO,
    "vlae": ELBO,
    "nvae": ("elbo", "iwae", "reconstruction", "denoising", "kl"),
    "vq-vae": ("likelihood", "reconstruction", "denoising", "prior"),
}
METHODS = [(name, method) for name, methods in SCORED_BY.items() for method in methods]


def table(n=400, seed=0):
    """Return rows whose numbers follow one another and their category; some numbers are missing."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = a + 0.2 * rng.normal(size=n)
    c = np.where(rng.random(n) < 0.1, np.nan, 3.0 * b + 0.3 * rng.normal(size=n))
    return pd.DataFrame({"a": a, "b": b, "c": c, "sign": np.where(a > 0, "plus", "minus"), "count": rng.poisson(3, n)})


def planted(n=40):
    """Return rows that break every rule of `table`, far out."""
    rng = np.random.default_rng(1)
    a = rng.uniform(4, 6, n) * rng.choice([-1, 1], n)
    return pd.DataFrame({"a": a, "b": -a, "c": 3 * a, "sign": np.where(a > 0, "minus", "plus"), "count": 30})


def fitted(name, max_epochs=40, *, contaminated=False, **options):
    recipe = RECIPES[name](**SMALL[name], **options).for_detection(contaminated=contaminated, members=2)
    return Synthesizer(recipe, trainer=Trainer(max_epochs=max_epochs, progress=False), random_state=0).fit(table())


@pytest.fixture(scope="module")
def models():
    """Return the fitted model of each family."""
    return {name: fitted(name) for name in RECIPES}


def scorer_and_rows(synthesizer, frame) -> tuple[Any, Batch]:
    """Return the float64 model, and the rows of a table as it reads them."""
    rows = synthesizer.encoder_.encode(synthesizer.schema_.align(frame), jacobian=True)
    return make_scorer(synthesizer.model_), to_batch(rows, torch.float64)


@pytest.mark.parametrize("name", RECIPES)
def test_methods_are_those_tested(models, name):
    assert models[name].model_.score_methods == SCORED_BY[name]


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_planted_anomalies_score_lower(models, name, method):
    normal = models[name].score_samples(table(seed=2), method)
    odd = models[name].score_samples(planted(), method)
    assert normal.std() > 1e-3
    assert np.isfinite(odd).all()
    truth = np.r_[np.zeros(len(normal)), np.ones(len(odd))]
    assert roc_auc_score(truth, -np.r_[normal, odd]) > (0.9 if method != "prior" else 0.6)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_score_of_a_row_is_its_own(models, name, method):
    rows = table(60, seed=3)
    whole = models[name].score_samples(rows, method)
    np.testing.assert_array_equal(models[name].score_samples(rows, method), whole)
    for part in (slice(0, 1), slice(7, 30), slice(59, None, -2)):
        np.testing.assert_allclose(models[name].score_samples(rows.iloc[part], method), whole[part], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", RECIPES)
def test_every_member_counts(models, name):
    scorer, rows = scorer_and_rows(models[name], table(20))
    with torch.no_grad():
        before = scorer.score(rows).rows
        for member in range(2):
            changed = make_scorer(models[name].model_)
            for parameter in changed.parameters():
                parameter.unflatten(0, (2, -1))[member] += 0.1  # code books of a member are side by side
            after = changed.score(rows).rows
            assert not torch.allclose(after[member], before[member])
            torch.testing.assert_close(after[1 - member], before[1 - member])


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_explanations_sum_to_minus_the_score(models, name, method):
    scorer, rows = scorer_and_rows(models[name], pd.concat([table(10), planted(5)]))
    columns = scorer.score(rows, method, attribute=True).columns
    assert columns.shape == (2, 15, len(scorer.layout.columns))
    torch.testing.assert_close(columns.sum(-1), -scorer.score(rows, method).rows)


@pytest.mark.parametrize("name", RECIPES)
def test_the_odd_cell_explains_most(models, name):
    rows = pd.concat([table(1, seed=5)] * 2, ignore_index=True)
    rows.loc[1, "count"] = 40
    scorer, batch = scorer_and_rows(models[name], rows)
    columns = scorer.score(batch, attribute=True).columns.mean(0)
    assert columns[1].argmax() == list(models[name].encoder_.columns).index("count")


@pytest.mark.parametrize("name", RECIPES)
def test_unseen_categories_and_missing_values_are_scored_as_odd(models, name):
    rows = table(30, seed=4)
    strange, missing = rows.copy(), rows.copy()
    strange.loc[1:, "sign"] = "never seen"
    missing["a"] = np.nan  # never missing in the fit
    usual = models[name].score_samples(rows)
    for odd in (strange, missing):
        score = models[name].score_samples(odd)
        assert np.isfinite(score).all()
        assert np.median(score) < np.median(usual)


@pytest.mark.parametrize("name", RECIPES)
def test_what_was_expected_follows_the_rest_of_the_row(models, name):
    scorer, rows = scorer_and_rows(models[name], table(200, seed=6))
    columns = list(models[name].encoder_.columns)
    with torch.no_grad():
        low, high = scorer.conditional_interval(rows, columns.index("b"))
        code, _ = scorer.conditional_interval(rows, columns.index("sign"))
    number = rows.numeric[:, scorer.layout.columns[columns.index("b")].numeric.index]
    assert ((number > low) & (number < high)).double().mean() > 0.7
    assert np.corrcoef((low + high) / 2, number)[0, 1] > 0.5
    assert (code == rows.codes[:, columns.index("sign")]).double().mean() > 0.7


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "vq-vae"])
def test_the_divergence_is_paid_for_in_training_and_counts_in_the_score(name):
    nats = []
    for beta in (0.05, 8.0):
        scorer, rows = scorer_and_rows(fitted(name, beta=beta, noise=0.0), table())
        with torch.no_grad():
            elbo, reconstruction, kl = (scorer.score(rows, m).rows for m in ("elbo", "reconstruction", "kl"))
        torch.testing.assert_close(elbo, reconstruction + min(beta, 1.0) * kl)
        nats.append(-kl.mean(1))
    assert (nats[0] > 0.5).all()
    assert (nats[0] > 1.5 * nats[1]).all()


def test_codes_are_paid_for_in_training_and_count_in_the_score():
    nats = []
    for beta in (0.0, 8.0):
        scorer, rows = scorer_and_rows(fitted("vq-vae", beta=beta, noise=0.0), table())
        with torch.no_grad():
            likelihood, reconstruction = (scorer.score(rows, m).rows for m in ("likelihood", "reconstruction"))
        nats.append((reconstruction - likelihood).mean(1))
    assert (nats[0] > 0.5).all()
    assert (nats[0] > 1.5 * nats[1]).all()


@pytest.mark.parametrize("name", RECIPES)
def test_the_worst_rows_teach_nothing(name):
    synthesizer = fitted(name, max_epochs=2, contaminated=True)
    model = synthesizer.model_
    losses = []
    for size in (50.0, 500.0):
        frame = table(100)
        frame.loc[:9, ["a", "b"]] = [size, -size]
        rows = synthesizer.encoder_.encode(synthesizer.schema_.align(frame))
        stage = next(s for s in model.stages() if isinstance(s, Stage))
        loss = stage.phases[0].loss(to_batch(rows, torch.float32), torch.Generator().manual_seed(0))
        losses.append(trimmed_mean(loss, stage.trim))
    torch.testing.assert_close(losses[0], losses[1])


def test_batches_need_no_numbers():
    codes = pd.DataFrame({"a": list("xyzxy") * 20, "b": list("pqpqp") * 20})
    for name, recipe in RECIPES.items():
        own = recipe(**SMALL[name]).for_detection(contaminated=False, members=2)
        synthesizer = Synthesizer(own, trainer=Trainer(max_epochs=2, progress=False), random_state=0).fit(codes)
        assert np.isfinite(synthesizer.score_samples(codes)).all()


def level_and_inputs(models) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the lower level of nvae in float64, and a state, features and noise for it."""
    scorer: Any = make_scorer(models["nvae"].model_)
    level = scorer.levels[1]
    width = models["nvae"].model_.top.shape[-1]
    rng = torch.Generator().manual_seed(0)
    state, features = torch.randn(2, 2, 6, width, dtype=torch.float64, generator=rng)
    return level, state, features, torch.randn(2, 6, level.mask.shape[-1], dtype=torch.float64, generator=rng)


@torch.no_grad()
def test_posterior_of_nvae_is_residual_to_the_prior(models):
    level, state, features, noise = level_and_inputs(models)
    level.flows = torch.nn.ModuleList()
    level.residual.out.weight.zero_()
    level.residual.out.bias.zero_()
    mean, log_scale = level.prior_parameters(state)
    z, divergence = level.infer(state, features, noise)
    torch.testing.assert_close(z, mean + log_scale.exp() * noise * level.mask)  # nothing added: the prior
    torch.testing.assert_close(divergence, torch.zeros(2, 6, dtype=torch.float64))


def test_divergence_of_nvae_counts_its_flow(models):
    level, state, features, noise = level_and_inputs(models)
    state, features, e = state[:, :1], features[:, :1], noise[:, :1]
    _, divergence = level.infer(state, features, e)
    jacobian = torch.autograd.functional.jacobian(lambda e: level.infer(state, features, e)[0], e)
    for member in range(2):
        used = level.mask[member, 0] > 0
        own = jacobian[member, 0, :, member, 0][used][:, used]  # d latent / d noise
        assert not torch.allclose(own, own.diag().diag())
        log_q = -0.5 * (e[member, 0, used].square() + math.log(2 * math.pi)).sum() - own.det().abs().log()
        log_p = level.log_prior(state, level.infer(state, features, e)[0])[member, 0]
        torch.testing.assert_close(divergence[member, 0], log_q - log_p)


@torch.no_grad()
def test_code_books_are_used(models):
    scorer, rows = scorer_and_rows(models["vq-vae"], table())
    n_codes = scorer.quantizer.book.shape[1]
    codes = scorer.codes(scorer.encoder(scorer.networks.inputs(rows)))
    shares = [torch.bincount(book, minlength=n_codes) / len(book) for book in codes.T]
    for share in shares:
        assert torch.special.entr(share).sum().exp() > 3  # perplexity
        assert (share > 0).double().mean() >= 0.5


@torch.no_grad()
def test_code_prior_is_a_distribution_in_which_codes_depend_on_codes(models):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        recipe: Any = VQVAE(n_members=2, hidden=(16, 16), groups=3, n_codes=5, task="detection")
        model = recipe.build(models["vq-vae"].model_.layout)
        for parameter in model.prior.parameters():
            torch.nn.init.normal_(parameter)
    every = torch.cartesian_prod(*[torch.arange(5)] * 3)
    log_probability = model.log_prior(every.repeat(1, 2), None)
    torch.testing.assert_close(log_probability.logsumexp(1), torch.zeros(2), atol=1e-5, rtol=0)
    joint = log_probability.exp().view(2, 5, 5, 5).sum(3)
    assert not torch.allclose(joint, joint.sum(1, keepdim=True) * joint.sum(2, keepdim=True), atol=0.01)
