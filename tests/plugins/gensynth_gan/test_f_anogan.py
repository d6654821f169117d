"""The adversarial families as detectors: f-AnoGAN."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from gensynth import Synthesizer, Trainer
from gensynth.errors import CapabilityError, OptionError
from gensynth.testing.cases import make_cases
from gensynth_gan.f_anogan import AnomalyGAN
from gensynth_gan.feature_space import FeatureSpace
from gensynth_gan.recipes import CGAN, DRAGAN, GAN, LSGAN, WGAN

FAMILIES = [GAN, WGAN, LSGAN, DRAGAN, CGAN]
METHODS = AnomalyGAN.score_methods


def table(n, seed=0):
    """Return rows on a curve, with a category that follows it and missing cells."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-1.0, 1.0, n)
    numbers = np.stack([t, t**2, np.sin(3 * t), -t], 1) + 0.05 * rng.normal(size=(n, 4))
    X = pd.DataFrame(numbers, columns=list("abcd"))
    X["kind"] = np.where(t > 0, "up", "down")
    X.loc[rng.random(n) < 0.05, "d"] = np.nan
    return X


def planted(n=20):
    """Return rows that lie far from all others."""
    return table(n, seed=1).assign(a=8.0, b=-8.0, c=8.0)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.__name__)
def fitted(request):
    recipe = request.param(task="detection", n_members=2, width=32)
    return Synthesizer(recipe, trainer=Trainer(60, progress=False), random_state=0).fit(table(300))


@pytest.mark.parametrize("method", ["reconstruction", "feature"])  # a critic promises nothing of rows never shown to it
def test_planted_rows_score_lower(fitted, method):
    normal, odd = (fitted.score_samples(X, method=method) for X in (table(200, seed=2), planted()))
    assert np.ptp(normal) > 0
    assert (odd < np.quantile(normal, 0.1)).mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_a_row_scores_the_same_in_any_company(fitted, method):
    X = table(40, seed=3)
    whole = fitted.score_samples(X, method=method)
    parts = np.concatenate([fitted.score_samples(X.iloc[i : i + 7], method=method) for i in range(0, 40, 7)])
    np.testing.assert_allclose(parts, whole, rtol=1e-9, atol=1e-9)


def test_missing_cells_and_unseen_categories_are_scored(fitted):
    X = table(3, seed=4)
    X.loc[0, "a"] = np.nan  # never missing in the table that was fitted
    X.loc[1, "kind"] = "sideways"
    X.loc[2, ["b", "c", "d"]] = np.nan
    for method in METHODS:
        assert np.isfinite(fitted.score_samples(X, method=method)).all()


def test_anomalies_in_training_rows_score_lower_than_the_rest():
    X = pd.concat([table(270), planted(30)], ignore_index=True)
    recipe = WGAN(n_members=2, width=32).for_detection(contaminated=True)
    scores = Synthesizer(recipe, trainer=Trainer(60, progress=False), random_state=0).fit(X).score_samples(X)
    assert (scores[270:] < np.quantile(scores[:270], 0.1)).mean() > 0.9


def _trained(recipe, case):
    """Return a model after a few steps: what is asked of it must hold however bad it is."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = recipe.build(case.layout)
    with torch.enable_grad():
        Trainer(max_epochs=3, progress=False).run(model, case.rows, 0)
    return model


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.__name__)
def hasty(request):
    recipe = request.param(task="detection", n_members=2, width=16)
    case = make_cases(recipe.encoding)["mixed"]
    return _trained(recipe, case).double(), case.rows[:30].to("cpu", torch.float64)


@pytest.mark.parametrize("method", METHODS)
def test_shares_of_the_columns_sum_to_minus_the_score(hasty, method):
    model, rows = hasty
    shares = model.score(rows, method, attribute=True).columns
    assert shares.shape == (model.members, *rows.codes.shape)
    torch.testing.assert_close(shares.sum(-1), -model.score(rows, method).rows)


@torch.no_grad()
def test_a_critic_finds_odd_what_lies_off_its_median(hasty):
    model, rows = hasty
    values, scores = model.values(model.networks.inputs(rows).network), model.score(rows, "critic").rows
    torch.testing.assert_close(scores, -(values - model.level).abs())
    assert (values > model.level).any()
    assert (values < model.level).any()


@torch.no_grad()
@pytest.mark.parametrize("member", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_every_member_has_a_say(hasty, method, member):
    model, rows = hasty
    scores, kept = model.score(rows, method).rows, {k: v.clone() for k, v in model.state_dict().items()}
    for network in (model.encoder, model.critic):
        for p in network.parameters():
            p[member] *= 1.5
    changed = model.score(rows, method).rows
    model.load_state_dict(kept)
    assert not torch.allclose(changed, scores)


@torch.no_grad()
def test_what_was_expected_does_not_depend_on_the_cell(hasty):
    model, rows = hasty
    position = next(i for i, c in enumerate(model.layout.columns) if c.holds("continuous"))
    other = type(rows)(rows.numeric.clone(), rows.codes)
    other.numeric[:, model.layout.columns[position].numeric.index] += 3.0
    low, high = model.conditional_interval(rows, position)
    assert (low < high).all()
    torch.testing.assert_close(model.conditional_interval(other, position)[0], low)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize("name", ["categories", "one-category", "one-number", "numbers"])
def test_tables_without_numbers_or_without_categories(family, name):
    recipe = family(task="detection", n_members=2, width=16)
    case = make_cases(recipe.encoding)[name]
    scores = _trained(recipe, case).score(case.rows).rows
    assert torch.isfinite(scores).all()


@torch.no_grad()
def test_given_cells_are_kept_and_not_judged():
    recipe = CGAN(task="detection", width=16)
    case = make_cases(recipe.encoding)["wide"]
    model = _trained(recipe, case)
    rows = model.networks.inputs(case.rows)
    _, written = model.generate_rows(model.encode(rows.network), rows)
    slots = model.given_slots.expand_as(written)
    assert torch.equal(written[slots], rows.network[slots])
    assert not torch.allclose(written[~slots], rows.network[~slots])
    given = model.given.squeeze(1)
    assert (given.sum(1) == len(case.layout.columns) // 3).all()
    cells, _ = model.costs(rows, "reconstruction")
    assert ((cells != 0).any(1) == ~given).all()


@torch.no_grad()
def test_who_is_given_a_cell_asks_another_of_its_view_what_to_expect():
    recipe = CGAN(task="detection", width=16)
    model = _trained(recipe, make_cases(recipe.encoding)["wide"])
    witnesses = model._generating_members().squeeze(1)
    who = torch.arange(model.members).unsqueeze(1).expand_as(witnesses)
    given = model.given_slots.squeeze(1)
    assert torch.equal(witnesses[~given], who[~given])
    assert (witnesses[given] % 2 == who[given] % 2).all()
    assert not given.gather(0, witnesses).any()


def test_distance_of_features_is_that_of_mahalanobis():
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(2, 500, 3, generator=rng) @ torch.randn(3, 3, generator=rng)
    space = FeatureSpace(2, 3, ridge=1e-9)
    space.fit(features, trim=0.0)
    torch.testing.assert_close(space.distance(features).mean(1), torch.full((2,), 3.0), rtol=1e-3, atol=0)
    inverse = torch.linalg.inv(torch.cov(features[0].T, correction=0))
    centred = features[0] - features[0].mean(0)
    expected = torch.einsum("ni,ij,nj->n", centred, inverse, centred)
    torch.testing.assert_close(space.distance(features)[0], expected, rtol=1e-3, atol=1e-3)


def test_trimmed_features_do_not_follow_outliers():
    features = torch.randn(1, 500, 3, generator=torch.Generator().manual_seed(0))
    features[:, :50] += 20.0
    space = FeatureSpace(1, 3, ridge=0.05)
    space.fit(features, trim=0.2)
    assert space.center.abs().max() < 0.5
    assert space.distance(features)[0, :50].min() > space.distance(features)[0, 50:].max()


@pytest.mark.parametrize("option", [{"noise_dim": (0,)}, {"kappa": -1.0}, {"n_critic": 0}, {"n_members": 0}])
def test_options_that_cannot_be_are_refused(option):
    recipe = WGAN(task="detection", **option)
    layout = make_cases(recipe.encoding)["numbers"].layout
    with pytest.raises(OptionError, match=next(iter(option))):
        recipe.build(layout)


@pytest.mark.parametrize("option", [{"loss": "relativistic"}, {"mmd_weight": 1.0}, {"pretrain_fraction": 0.5}])
@pytest.mark.parametrize("contaminated", [False, True])
def test_the_options_of_the_game_hold_for_detection(option, contaminated):
    recipe = GAN(n_members=2, width=16, **option).for_detection(contaminated=contaminated)
    case = make_cases(recipe.encoding)["mixed"]
    plain = GAN(n_members=2, width=16).for_detection(contaminated=contaminated)
    scores = [_trained(r, case).score(case.rows).rows for r in (recipe, plain)]
    assert torch.isfinite(scores[0]).all()
    assert not torch.allclose(*scores)


@torch.no_grad()
def test_clipping_holds_for_detection():
    recipe = WGAN(task="detection", n_members=2, width=16, clip=0.01)
    model = _trained(recipe, make_cases(recipe.encoding)["mixed"])
    assert model.objective.penalty is None
    assert all(p.abs().max() <= 0.01 for p in model.critic.parameters())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_one_game_serves_both_tasks(family):
    given = {"n_critic": 3, "learning_rate": 1e-3, "penalty_weight": 2.0, "ema_decay": 0.9, "mmd_weight": 0.5}
    sampling = family(**given)
    detection = sampling.for_detection(contaminated=False, members=2)
    models = [r.build(make_cases(r.encoding)["mixed"].layout) for r in (sampling, detection)]
    for name in (*given, "conditional", "clip"):
        if name != "penalty_weight":
            assert getattr(models[0].objective, name) == getattr(models[1].objective, name)
    assert [m.objective.penalty.weight for m in models] == [2.0, 2.0]
    assert (models[0].members, models[1].members) == (1, 2)


def test_a_detector_draws_no_rows_and_a_sampler_does_not_reconstruct(hasty):
    model, rows = hasty
    with pytest.raises(CapabilityError, match="fit a Synthesizer"):
        model.generate(3, torch.Generator())
    sampler = WGAN(width=16).build(make_cases(WGAN().encoding)["mixed"].layout)
    with pytest.raises(OptionError, match=r"'reconstruction'.*'feature', 'critic'"):
        sampler.score(rows, "reconstruction")
