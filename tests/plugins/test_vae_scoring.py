"""What scoring ensembles of the variational families owe: signs, exactness, members that count, a latent that is on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from gensynth import Synthesizer, Trainer
from gensynth.engine.inference import to_batch
from gensynth.engine.scoring import make_scorer
from gensynth.model import Stage
from gensynth.nn.trimming import trimmed_mean
from gensynth_vae.scoring_nvae import NVAEScorer
from gensynth_vae.scoring_vqvae import VQVAEScorer

RECIPES = {"nvae": NVAEScorer, "vq-vae": VQVAEScorer}
LATENT = [name for name in RECIPES if name != "vq-vae"]
SCORED_BY = {
    "nvae": ("elbo", "iwae", "reconstruction", "denoising", "latent"),
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


def fitted(name, max_epochs=40, **options):
    recipe = RECIPES[name](**{"n_members": 2, "hidden": 32, **options})
    return Synthesizer(recipe, trainer=Trainer(max_epochs=max_epochs, progress=False), random_state=0).fit(table())


@pytest.fixture(scope="module")
def models():
    """Return the fitted model of each family."""
    return {name: fitted(name) for name in RECIPES}


def scorer_and_rows(synthesizer, frame) -> tuple:
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
    method = SCORED_BY[name][0]
    with torch.no_grad():
        score = scorer.score(rows).rows
        before = scorer.energies(scorer.scaling(rows), method).total
        for member in range(2):
            changed = make_scorer(models[name].model_)
            for parameter in changed.parameters():
                parameter[member] += 0.1
            after = changed.energies(changed.scaling(rows), method).total
            assert not torch.allclose(after[member], before[member])
            torch.testing.assert_close(after[1 - member], before[1 - member])
            assert not torch.allclose(changed.score(rows).rows, score)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_explanations_sum_to_minus_the_score(models, name, method):
    scorer, rows = scorer_and_rows(models[name], pd.concat([table(10), planted(5)]))
    shares = scorer.score(rows, method, attribute=True).columns
    assert shares.shape == (2, 15, len(scorer.layout.columns))
    torch.testing.assert_close(shares.sum(-1), -scorer.score(rows, method).rows.detach())


@pytest.mark.parametrize("name", RECIPES)
def test_the_odd_cell_explains_most(models, name):
    rows = pd.concat([table(1, seed=5)] * 2, ignore_index=True)
    rows.loc[1, "count"] = 40
    scorer, batch = scorer_and_rows(models[name], rows)
    shares = scorer.score(batch, attribute=True).columns
    assert shares.mean(0)[1].argmax() == list(models[name].encoder_.columns).index("count")


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
    number = rows.numeric[:, scorer.layout.columns[columns.index("b")].numeric]
    assert ((number > low) & (number < high)).double().mean() > 0.7
    assert np.corrcoef((low + high) / 2, number)[0, 1] > 0.5
    assert (code == rows.codes[:, columns.index("sign")]).double().mean() > 0.7


@pytest.mark.parametrize("name", LATENT)
def test_the_divergence_is_on(name):
    latent = []
    for beta in (0.05, 8.0):
        scorer, rows = scorer_and_rows(fitted(name, betas=(beta,), noises=(0.0,)), table())
        with torch.no_grad():
            entered = scorer.scaling(rows)
            divergence = scorer.energies(entered, "latent").rest
            elbo = scorer.energies(entered, "elbo").rest
            scorer.beta.zero_()
            assert not torch.allclose(scorer.energies(entered, "elbo").rest, elbo)
        torch.testing.assert_close(elbo, min(beta, 1.0) * divergence)  # above 1 the weight is for training only
        assert torch.isfinite(divergence).all()
        latent.append(divergence.mean(1))
    assert (latent[0] > 0.5).all()
    assert (latent[0] > 1.5 * latent[1]).all()


@pytest.mark.parametrize("name", RECIPES)
def test_the_worst_rows_teach_nothing(name):
    synthesizer = fitted(name, max_epochs=2, contaminated=True)
    model = synthesizer.model_
    if hasattr(model, "denoiser"):  # under noise an odd row may look like any other
        model.denoiser.losses = lambda x, rng: x.new_zeros(x.shape[:2])
    losses = []
    for size in (50.0, 500.0):
        frame = table(100)
        frame.loc[:9, ["a", "b"]] = [size, -size]
        rows = synthesizer.encoder_.encode(synthesizer.schema_.align(frame))
        stage = next(s for s in model.stages() if isinstance(s, Stage))
        loss = stage.phases[0].loss(to_batch(rows, torch.float32), torch.Generator().manual_seed(0))
        losses.append(trimmed_mean(loss, stage.trim))
    torch.testing.assert_close(losses[0], losses[1])


def level_and_inputs(models) -> tuple:
    """Return the lower level of nvae in float64, and a state, features and noise for it."""
    level = make_scorer(models["nvae"].model_).levels[1]
    width, dim = level.prior.weight.shape[1], level.tell.weight.shape[1]
    rng = torch.Generator().manual_seed(0)
    state, features = torch.randn(2, 2, 6, width, dtype=torch.float64, generator=rng)
    return level, state, features, torch.randn(2, 6, dim, dtype=torch.float64, generator=rng)


@torch.no_grad()
def test_posterior_of_nvae_is_residual_to_the_prior(models):
    level, state, features, noise = level_and_inputs(models)
    level.residual.out.weight.zero_()
    level.residual.out.bias.zero_()
    mean, log_scale = level.prior(state).chunk(2, -1)
    z, divergence = level.infer(state, features, noise, torch.ones_like(noise))
    torch.testing.assert_close(z, mean + (2 * torch.tanh(log_scale / 2)).exp() * noise)  # nothing added: the prior
    torch.testing.assert_close(divergence, torch.zeros(2, 6, dtype=torch.float64))


def test_divergence_of_nvae_counts_its_flow(models):
    level, state, features, noise = level_and_inputs(models)

    def latent(e):
        return level.infer(state[:, :1], features[:, :1], e, torch.ones_like(e))[0]

    e = noise[:, :1]
    mean, log_scale = (t[:, :1] for t in level.prior(state).chunk(2, -1))
    log_scale = 2 * torch.tanh(log_scale / 2)
    _, divergence = level.infer(state[:, :1], features[:, :1], e, torch.ones_like(e))
    jacobian = torch.autograd.functional.jacobian(latent, e)
    for member in range(2):
        own = jacobian[member, 0, :, member, 0]  # d latent / d noise
        assert (own.tril(-1) != 0).any()
        log_q = -0.5 * e[member].square().sum() - own.det().abs().log()
        standard = (latent(e) - mean)[member] / log_scale[member].exp()
        log_p = -0.5 * standard.square().sum() - log_scale[member].sum()
        torch.testing.assert_close(divergence[member, 0], log_q - log_p)


@torch.no_grad()
def test_code_books_are_used(models):
    scorer, rows = scorer_and_rows(models["vq-vae"], table())
    _, codes, _ = scorer.decode(scorer.vectors(scorer.scaling(rows).network))
    for member in codes.unbind(0):
        for group in member.unbind(-1):
            share = torch.bincount(group, minlength=scorer.n_codes) / len(group)
            assert (share > 0).double().mean() >= 0.5
            assert torch.special.entr(share).sum().exp() > 3  # perplexity


@torch.no_grad()
def test_code_prior_is_a_distribution_in_which_codes_depend_on_codes(models):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VQVAEScorer(n_members=2, hidden=16, groups=3, n_codes=5).build(models["vq-vae"].model_.layout)
        for parameter in model.prior.parameters():
            torch.nn.init.normal_(parameter)
    every = torch.cartesian_prod(*[torch.arange(5)] * 3)
    log_probability = -model.code_energy(every.expand(2, -1, -1))
    torch.testing.assert_close(log_probability.logsumexp(1), torch.zeros(2), atol=1e-5, rtol=0)
    joint = log_probability.exp().view(2, 5, 5, 5).sum(3)
    assert not torch.allclose(joint, joint.sum(1, keepdim=True) * joint.sum(2, keepdim=True), atol=0.01)


def test_code_books_follow_the_rows_that_are_not_trimmed():
    model = fitted("vq-vae", max_epochs=2, contaminated=True).model_
    vectors = torch.randn(10, 2 * model.groups, model.code_dim)
    losses = torch.arange(20.0).view(2, 10)
    losses[1] = losses[1].flip(0)
    kept = model._kept(vectors, losses)
    assert torch.equal(kept[:, : model.groups], vectors[:8, : model.groups])
    assert torch.equal(kept[:, model.groups :], vectors[2:, model.groups :].flip(0))


def test_batches_need_no_numbers():
    codes = pd.DataFrame({"a": list("xyzxy") * 20, "b": list("pqpqp") * 20})
    for name in RECIPES:
        recipe = RECIPES[name](n_members=2, hidden=16)
        synthesizer = Synthesizer(recipe, trainer=Trainer(max_epochs=2, progress=False), random_state=0).fit(codes)
        assert np.isfinite(synthesizer.score_samples(codes)).all()
