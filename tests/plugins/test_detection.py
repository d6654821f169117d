"""Families as detectors: signs, exactness, members that count, explanations, a divergence that is on."""

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
from gensynth_vae.recipes import VAE, VLAE, BetaVAE

SMALL = {"vae": {"hidden": (32, 32)}, "beta-vae": {"hidden": (32, 32)}, "vlae": {"width": 32, "hidden": 32}}
RECIPES = {"vae": VAE, "beta-vae": BetaVAE, "vlae": VLAE}
METHODS = [(name, method) for name in RECIPES
           for method in ("elbo", "iwae", "log_likelihood", "reconstruction", "denoising", "kl")]  # fmt: skip


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


def scorer_and_rows(synthesizer, frame) -> tuple:
    """Return the float64 model, and the rows of a table as it reads them."""
    rows = synthesizer.encoder_.encode(synthesizer.schema_.align(frame), jacobian=True)
    return make_scorer(synthesizer.model_), to_batch(rows, torch.float64)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_planted_anomalies_score_lower(models, name, method):
    normal = models[name].score_samples(table(seed=2), method)
    odd = models[name].score_samples(planted(), method)
    assert normal.std() > 1e-3
    assert np.isfinite(odd).all()
    truth = np.r_[np.zeros(len(normal)), np.ones(len(odd))]
    assert roc_auc_score(truth, -np.r_[normal, odd]) > 0.9


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
                parameter[member] += 0.1
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
    number = rows.numeric[:, scorer.layout.columns[columns.index("b")].numeric]
    assert ((number > low) & (number < high)).double().mean() > 0.7
    assert np.corrcoef((low + high) / 2, number)[0, 1] > 0.5
    assert (code == rows.codes[:, columns.index("sign")]).double().mean() > 0.7


@pytest.mark.parametrize("name", RECIPES)
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
