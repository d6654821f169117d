"""The density is kept where it knows more than plain ones, and learns little from rows that are rejected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bench_shapes import N_NORMAL, SHAPES, drawn
from contamination import planted
from sklearn.metrics import roc_auc_score
from toy_detectors import make_detector

from gensynth import load
from gensynth.detector.density import LEAST_WEIGHT, MAX_REJECTED, agreement, rejected_rows


@pytest.mark.parametrize("novelty", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_structure_is_seen_and_named(shape, novelty):
    columns = SHAPES[shape][2]
    fit, test = drawn(shape, 0, contaminated=not novelty)
    if shape != "moons":
        rng = np.random.default_rng(1)
        fit, test = (table.assign(noise=rng.normal(size=len(table))) for table in (fit, test))
    detector = make_detector(epochs=40, novelty=novelty).fit(fit)
    assert roc_auc_score(np.arange(len(test)) >= N_NORMAL, detector.anomaly_score(test)) > 0.9
    parts = detector.explain(test.iloc[N_NORMAL:])
    assert (parts[list(columns)].sum(axis=1) / parts.sum(axis=1)).median() > 0.7
    named = [any(name in reason for name in columns) for reason in detector.reasons(test.iloc[N_NORMAL:])]
    assert np.mean(named) > 0.9


def test_a_narrow_cluster_beside_a_wide_one_is_seen():
    rng = np.random.default_rng(0)
    wide = rng.random((1200, 1)) < 0.5
    normal = np.where(wide, rng.normal(size=(1200, 2)), 0.06 * rng.normal(size=(1200, 2)) + 6)
    angle = rng.uniform(0, 2 * np.pi, 100)
    around = rng.uniform(0.4, 0.8, (100, 1)) * np.c_[np.cos(angle), np.sin(angle)] + 6
    detector = make_detector(epochs=40, novelty=True).fit(normal[:1000])
    found = detector.anomaly_score(np.concatenate([normal[1000:], around]))
    assert roc_auc_score(np.arange(300) >= 200, found) > 0.85


@pytest.mark.parametrize("novelty", [True, False])
def test_what_breaks_the_relation_of_amounts_is_found(novelty):
    rng = np.random.default_rng(2)
    size = rng.normal(size=1340)
    amounts = np.exp(2 * size[:, None] * [1, 1, -1] + 0.2 * rng.normal(size=(1340, 3)))
    amounts[1200:, 1] *= np.exp(rng.choice([-1, 1], 140) * rng.uniform(1, 2, 140))
    fit = amounts[:1000] if novelty else np.concatenate([amounts[:1000], amounts[1300:]])
    found = make_detector(epochs=40, novelty=novelty).fit(fit).anomaly_score(amounts[1000:1300])
    assert roc_auc_score(np.arange(300) >= 200, found) > 0.9


@pytest.mark.parametrize("scale", [0.3, 0.6])
def test_a_small_cluster_of_normal_rows_is_not_labelled(scale):
    rng = np.random.default_rng(0)
    table = np.concatenate([0.3 * rng.normal(size=(900, 2)) + 2, scale * rng.normal(size=(100, 2)) - 10])
    assert make_detector(epochs=40).fit(table).labels_.sum() <= 5


def test_a_category_of_a_tenth_of_the_rows_is_not_labelled():
    rng = np.random.default_rng(0)
    web = np.arange(1008) % 10 == 0
    amount = rng.lognormal(3 + 0.3 * web, 0.4)
    amount[1000:] = rng.uniform(4000, 30000, 8)
    kind = np.where(web, "web", "retail")
    table = pd.DataFrame({"kind": kind, "amount": amount.round(2), "age": rng.integers(18, 80, 1008)})
    found = make_detector(epochs=40).fit(table).labels_
    assert found[1000:].all()
    assert found[:1000].sum() <= 8


def test_many_scattered_anomalies_are_no_cluster():
    rng = np.random.default_rng(0)
    table = np.concatenate([rng.normal(size=(900, 3)), rng.uniform(-8, 8, size=(100, 3))])
    found = make_detector(epochs=40).fit(table).labels_
    assert found[900:].sum() >= 50
    assert found[:900].sum() <= 5


def test_anomalies_among_the_held_out_rows_do_not_reject_a_density():
    rng = np.random.default_rng(42)
    table = [rng.normal(2, 1.5, size=(127, 2)), rng.normal(-2, 0.3, size=(128, 2)), rng.uniform(-6, 6, size=(45, 2))]
    for seed in range(3):
        detector = make_detector(epochs=40).set_params(random_state=seed)
        assert detector.fit(np.concatenate(table)).density_ is not None


def test_a_density_that_knows_no_more_is_left_out():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(600, 3)), columns=list("abc"))
    assert make_detector(epochs=20, novelty=True).fit(table).density_ is None


@pytest.mark.parametrize("n_odd", [0, 40])
def test_the_share_of_anomalies_between_clusters_is_found(n_odd):
    rng = np.random.default_rng(0)
    normal = 0.3 * rng.normal(size=(1000, 2)) + rng.choice([-2.0, 2.0], size=(1000, 1))
    table = np.concatenate([normal, rng.uniform(-1, 1, size=(n_odd, 2))])
    found = make_detector(epochs=40).fit(table).labels_
    assert n_odd / 2 <= found.sum() <= 2 * n_odd + 3
    assert found[:1000].sum() <= 3


def test_the_ensemble_rejects_what_lies_far_beyond_a_tail():
    anomaly_scores = np.random.default_rng(0).exponential(size=1000)
    assert not rejected_rows(anomaly_scores).any()
    far = np.r_[anomaly_scores, np.linspace(15, 20, 50)]
    found = rejected_rows(far)
    assert found[1000:].all()
    assert found[:1000].sum() <= 0.05 * found.sum()
    assert rejected_rows(np.r_[anomaly_scores, np.linspace(15, 20, 300)]).mean() <= MAX_REJECTED


def test_it_comes_back_from_a_file(tmp_path):
    table = drawn("flipped pair", 0, contaminated=False, n=600)[0]
    detector = make_detector(epochs=20, novelty=True).fit(table)
    assert detector.density_ is not None
    detector.save(tmp_path / "d.gensynth")
    again = load(tmp_path / "d.gensynth")
    assert again.density_.agreement == detector.density_.agreement
    some = table.head(40)
    assert (again.score_samples(some) == detector.score_samples(some)).all()
    assert (again.explain(some) == detector.explain(some)).all(axis=None)
    assert again.reasons(some) == detector.reasons(some)


def test_it_can_be_switched_off():
    table = drawn("ring", 0, contaminated=False, n=600)[0]
    assert make_detector(epochs=20, novelty=True).fit(table).density_ is not None
    assert make_detector(epochs=20, novelty=True, density=False).fit(table).density_ is None


def test_agreement_is_the_share_of_the_ranks_that_is_explained():
    x = np.random.default_rng(0).normal(size=5000)
    assert agreement(x, np.exp(x)) == pytest.approx(1 - LEAST_WEIGHT)
    assert agreement(x, -x) == LEAST_WEIGHT
    assert agreement(x, np.zeros(5000)) == LEAST_WEIGHT
    mixed = x + np.random.default_rng(1).normal(size=5000)
    assert agreement(x, mixed) == pytest.approx(0.47, abs=0.03)


def test_rare_rows_that_fit_are_no_odder_than_errors():
    """Invoices of small suppliers are large: the ensemble alone finds them odder than wrong taxes and countries."""
    table, odd = planted("invoices", 0.01, 1500, 0)
    detector = make_detector(epochs=60).fit(table)
    _, rows = detector.estimators_[0].encode(table)
    by_ensemble = np.argsort(detector.scorer_.ensemble.score(rows))[: odd.sum()]
    oddest = np.argsort(-detector.decision_scores_)[: odd.sum()]
    assert odd[by_ensemble].mean() < 0.4
    assert odd[oddest].mean() > 0.6
