"""The detector finds what was planted, says why, keeps its promises about error rates, and refuses bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toy_detectors import make_detector, make_rows, plant
from toy_models import Toy

from gensynth import AnomalyDetector, Trainer, load
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.ensemble import Ensemble
from gensynth.errors import DataError, FewRowsWarning, OptionError

PLANTED = ("amount", "region", "count", "day")


def test_planted_anomalies_come_out_with_the_right_sign(rows, novelty):
    scores = novelty.score_samples(plant(rows))
    normal = np.median(scores[4:])
    assert (scores[:4] < np.quantile(scores[4:], 0.02)).all()
    assert normal == pytest.approx(0, abs=1)
    assert (novelty.anomaly_score(rows) == -novelty.score_samples(rows)).all()
    assert (novelty.predict(plant(rows))[:3] == -1).all()


def test_anomalies_among_the_training_rows_are_found():
    frame = plant(make_rows(600, seed=1))
    detector = make_detector(contamination=0.01).fit(frame)
    assert (detector.predict(frame) == -1).sum() == 6
    assert set(np.argsort(detector.score_samples(frame))[:6]) >= {0, 3}


def test_contamination_is_estimated_where_nobody_knows_it():
    frame = make_rows(800, seed=2)
    odd = frame.index[:40]
    frame.loc[odd, "amount"] = np.random.default_rng(0).uniform(1000, 9000, 40)
    detector = make_detector().fit(frame)
    assert detector.contamination_ == pytest.approx(0.05, abs=0.03)
    labels = np.where(np.arange(800) < 40, 1, 0)
    assert roc_auc_score(labels, detector.anomaly_score(frame)) > 0.99


@pytest.mark.parametrize("kept", [0.5, None])
@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_normal_rows_are_flagged_as_often_as_was_asked(level, kept):
    found = 0
    fits, fresh = 5, 2000
    for seed in range(fits):
        detector = make_detector(epochs=3, novelty=True, contamination=level, calibration_fraction=kept)
        if kept is None:
            detector.set_params(trainer__validation_fraction=0.5)
        detector.set_params(random_state=seed).fit(make_rows(2000, seed=10 + seed))
        found += (detector.predict(make_rows(fresh, seed=100 + seed)) == -1).sum()
    # rows of one fit share its calibration rows: a beta-binomial, whose variance has both parts
    deviation = (level * (1 - level) * (1 / (fits * fresh) + 1 / (fits * 1000))) ** 0.5
    assert found / (fits * fresh) == pytest.approx(level, abs=4 * deviation)


def test_p_values_of_normal_rows_are_uniform(novelty):
    p = novelty.p_values(make_rows(3000, seed=5))
    grid = 1 / (1 + len(novelty.calibration_scores_))
    assert p.min() >= grid
    assert stats.kstest(p, "uniform").statistic < 1.7 / len(novelty.calibration_scores_) ** 0.5


def test_false_discovery_rate():
    detector = make_detector(novelty=True, calibration_fraction=0.5).fit(make_rows(1000))
    frame = make_rows(500, seed=7)
    frame.loc[:49, "amount"] = 9000.0
    found = detector.predict(frame, fdr=0.1) == -1
    assert found[:50].all()
    assert found[50:].sum() <= 20


def test_shares_sum_to_the_score_and_name_the_column(rows, novelty):
    frame = plant(rows).iloc[::-1]
    shares = novelty.explain(frame)
    assert list(shares.columns) == list(frame.columns)
    assert (shares.index == frame.index).all()
    assert shares.sum(axis=1).to_numpy() == pytest.approx(novelty.anomaly_score(frame), rel=1e-9, abs=1e-9)
    for row, column in enumerate(PLANTED):
        assert shares.loc[row].idxmax() == column


def test_reasons_say_what_was_expected(rows, novelty):
    said = novelty.reasons(plant(rows).head(4))
    assert said[0].startswith("amount 9,300 where ")
    low, high = said[0].split(";")[0].removeprefix("amount 9,300 where ").removesuffix(" was expected").split(" to ")
    assert 2 * rows["size"][0] == pytest.approx((float(low) + float(high)) / 2, abs=30), "given the rest of the row"
    assert "region 'atlantis' where '" in said[1]
    assert said[2].startswith("count 400 where ")
    assert said[3].startswith("day 2199-01-01")


def test_a_missing_cell_where_none_was_ever_missing_is_odd(rows, novelty):
    frame = rows.head(20).copy()
    frame.loc[0, "size"] = np.nan
    assert novelty.score_samples(frame)[0] < novelty.score_samples(rows.head(20))[0]
    assert "size is missing where" in novelty.reasons(frame.head(1))[0]


def test_a_constant_column_that_changes_is_odd(rows):
    frame = rows.assign(version=3)
    detector = make_detector(epochs=5, novelty=True).fit(frame)
    changed = frame.head(2).copy()
    changed.loc[0, "version"] = 9
    scores = detector.score_samples(changed)
    assert scores[0] < scores[1] - 1
    assert detector.explain(changed).loc[0].idxmax() == "version"


def test_a_score_does_not_depend_on_the_other_rows(rows, novelty):
    frame = plant(rows)
    whole = novelty.score_samples(frame)
    assert novelty.score_samples(frame.iloc[:1])[0] == pytest.approx(whole[0], rel=1e-12)
    order = np.random.default_rng(0).permutation(len(frame))
    assert novelty.score_samples(frame.iloc[order]) == pytest.approx(whole[order], rel=1e-9)
    assert novelty.explain(frame.iloc[:3]).to_numpy() == pytest.approx(novelty.explain(frame).to_numpy()[:3], abs=1e-9)


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_every_member_counts(rows, n_estimators):
    detector = make_detector(epochs=2, n_estimators=n_estimators).fit(rows)
    model: Any = detector.estimators_[0].model
    assert model.networks.members == n_estimators
    before = detector.score_samples(rows)
    for member in range(n_estimators):
        weight = model.decoder.network.out.weight
        kept = weight.data[member].clone()
        weight.data[member] += 0.5
        detector.estimators_[0]._scorer = None
        assert np.abs(detector.score_samples(rows) - before).max() > 1e-6
        weight.data[member] = kept


def test_every_model_of_an_ensemble_of_fits_counts(rows):
    table = rows[["size", "region"]]
    detector = AnomalyDetector(Toy(), n_estimators=3, trainer=Trainer(max_epochs=2, progress=False), random_state=0)
    detector.fit(table)
    assert len({model.seed for model in detector.estimators_}) == 3
    raw = [Ensemble([m], {detector.method_: 1.0}).score(m.encode(table)[1]) for m in detector.estimators_]
    median, iqr = (own[detector.method_] for own in (detector.scaling_.score_median, detector.scaling_.score_iqr))
    expected = np.mean([(s - m) / q for s, m, q in zip(raw, median, iqr, strict=True)], axis=0)
    ensemble = Ensemble(detector.estimators_, {detector.method_: 1.0}, detector.scaling_)
    scores = ensemble.score(detector.estimators_[0].encode(table)[1])
    assert scores == pytest.approx(expected, abs=1e-8)  # 32 bits of numbers of a few units, near 0 too


def test_methods(rows, novelty):
    found = {m: novelty.score_samples(rows, method=m) for m in ("elbo", "iwae", "reconstruction", "denoising", "kl")}
    assert all(np.isfinite(scores).all() and scores.std() > 0 for scores in found.values())
    assert (novelty.score_samples(rows, method="auto") == novelty.score_samples(rows)).all()
    detector = make_detector(epochs=2, method="kl").fit(rows)
    assert (detector.score_samples(rows) == detector.score_samples(rows, method="kl")).all()


def test_the_same_seed_gives_the_same_scores(rows):
    first, second = (make_detector(epochs=2).fit(rows).score_samples(rows) for _ in range(2))
    assert (first == second).all()


def test_pipeline_and_grid_search():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(size=(190, 3)), rng.normal(6, 1, size=(10, 3))]
    y = np.r_[np.ones(190), -np.ones(10)].astype(int)
    pipeline = make_pipeline(StandardScaler(), make_detector(epochs=5))
    assert pipeline.fit(X).predict(X).shape == (200,)
    search = GridSearchCV(
        pipeline, {"anomalydetector__model__hidden": [(4, 4), (8, 8)]}, scoring="roc_auc", cv=StratifiedKFold(2)
    )
    search.fit(X, y)
    assert search.best_score_ > 0.9


def test_parameters_of_a_model_given_by_name():
    detector = AnomalyDetector().set_params(model__hidden=(16, 16), trainer__max_epochs=3)
    assert detector.get_params()["model__hidden"] == (16, 16)
    assert detector.get_params()["trainer__batch_size"] == 128


def test_save_and_load(rows, novelty, tmp_path):
    novelty.save(tmp_path / "d.gensynth")
    loaded = load(tmp_path / "d.gensynth")
    frame = plant(rows)
    assert isinstance(loaded, AnomalyDetector)
    assert (loaded.score_samples(frame) == novelty.score_samples(frame)).all()
    assert (loaded.predict(frame) == novelty.predict(frame)).all()
    assert (loaded.p_values(frame) == novelty.p_values(frame)).all()
    assert loaded.reasons(frame.head(4)) == novelty.reasons(frame.head(4))
    assert loaded.get_params()["novelty"] is True
    loaded.save(tmp_path / "again.gensynth")
    assert (tmp_path / "again.gensynth").read_bytes() == (tmp_path / "d.gensynth").read_bytes()


def test_save_and_load_several_models(rows, tmp_path):
    from gensynth.models import VAE

    recipe = VAE(hidden=(8, 8), latent_dim=2)
    trainer = Trainer(max_epochs=1, progress=False)
    detector = AnomalyDetector(recipe, n_estimators=2, trainer=trainer, random_state=0).fit(rows)
    detector.save(tmp_path / "d.gensynth")
    assert (load(tmp_path / "d.gensynth").score_samples(rows) == detector.score_samples(rows)).all()


def test_damaged_contents_are_refused(novelty, tmp_path):
    from gensynth.errors import ModelFileError
    from gensynth.persistence import read_archive, write_archive

    novelty.save(tmp_path / "d.gensynth")
    archive = read_archive(tmp_path / "d.gensynth")
    del archive.state["own"]["offset"]
    write_archive(archive, tmp_path / "bad.gensynth")
    with pytest.raises(ModelFileError, match="offset"):
        load(tmp_path / "bad.gensynth")


@pytest.mark.parametrize("n_rows", [15, 200])
def test_p_values_are_not_counted_among_rows_that_were_learned(n_rows):
    frame = make_rows(n_rows)
    detector = make_detector(epochs=2, novelty=True, n_estimators=np.int64(1))
    if n_rows > 20:
        detector.set_params(trainer__validation_fraction=0.0)
    detector.fit(frame)
    assert detector.estimators_[0].encoder.layout.n_rows == n_rows - len(detector.calibration_scores_)


def test_one_row_is_too_few(rows):
    with pytest.raises(DataError, match=r"1 sample\(s\).*at least 2"):
        make_detector().fit(rows.head(1))


@pytest.mark.parametrize("novelty", [True, False])
@pytest.mark.parametrize("n", [2, 3, 9])
def test_few_rows_are_taken_with_a_warning(rows, n, novelty):
    with pytest.warns(FewRowsWarning, match=f"{n} rows, too few"):
        detector = make_detector(epochs=3, novelty=novelty).fit(rows.head(n))
    assert np.isfinite(detector.score_samples(rows.head(20))).all()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": np.ones(30), "b": np.ones(30)}),
        pd.concat([make_rows(1)] * 40, ignore_index=True),
        pd.DataFrame({"a": np.r_[np.zeros(39), 1e300], "b": np.arange(40.0)}),
        pd.DataFrame({"a": [None] * 20 + [1.0] * 20, "b": ["x", "y"] * 20}),
        pd.DataFrame(np.random.default_rng(0).standard_cauchy((60, 4)) * 1e6, columns=list("abcd")),
    ],
    ids=["constant", "duplicates", "huge", "half missing", "all anomalous"],
)
@pytest.mark.parametrize("novelty", [True, False])
def test_no_score_is_ever_nan(frame, novelty):
    detector = make_detector(epochs=3, novelty=novelty).fit(frame)
    assert np.isfinite(detector.score_samples(frame)).all()
    assert np.isfinite(detector.explain(frame).to_numpy()).all()
    assert set(detector.predict(frame)) <= {-1, 1}
    assert all(detector.reasons(frame.head(3)))


def test_nothing_but_missing_values_is_refused():
    with pytest.raises(DataError, match="no column can be learned"):
        make_detector().fit(pd.DataFrame({"a": [None] * 20, "b": [np.nan] * 20}))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"contamination": 0.0}, "contamination=0.0"),
        ({"contamination": 0.6}, "contamination=0.6"),
        ({"contamination": "low"}, "contamination='low'"),
        ({"calibration_fraction": 0}, "calibration_fraction=0"),
        ({"calibration_fraction": 0.2}, "needs novelty=True"),
        ({"n_estimators": 0}, "n_estimators=0"),
        ({"n_estimators": 1.5}, "n_estimators=1.5"),
        ({"method": "nonsense"}, "method='nonsense': .* no such score"),
        ({"method": 3}, "method=3"),
    ],
)
def test_options_out_of_range(rows, options, word):
    with pytest.raises(OptionError, match=word):
        make_detector(epochs=1, **options).fit(rows.head(40))


@pytest.mark.parametrize("fdr", [0, 1, "x"])
def test_fdr_out_of_range(rows, novelty, fdr):
    with pytest.raises(OptionError, match="fdr="):
        novelty.predict(rows, fdr=fdr)


def test_a_table_without_a_fitted_column_is_refused(rows, novelty):
    with pytest.raises(DataError, match="amount"):
        novelty.score_samples(rows.drop(columns="amount"))


def test_a_value_in_a_column_that_never_had_one_is_odd():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=100), "empty": np.full(100, np.nan)})
    detector = make_detector().fit(table)
    new = table.head(20).copy()
    new.loc[0, "empty"] = 5.0
    scores = detector.score_samples(new)
    assert scores[0] == scores.min()
    assert detector.reasons(new)[0] == "empty 5 where a missing value was expected"


@pytest.mark.parametrize("options", [{}, {"calibration_fraction": 0.5}, {"novelty": False}])
def test_p_values_are_counted_among_a_bounded_number_of_rows(rows, monkeypatch, options):
    monkeypatch.setattr("gensynth.detector.rows.MAX_CALIBRATION", 20)
    detector = make_detector(epochs=1, **{"novelty": True, **options}).fit(rows)
    assert len(detector.calibration_scores_) == 20


def test_p_values_are_counted_among_the_rows_that_training_held_out(rows, novelty):
    held_out = novelty.estimators_[0].held_out.rows
    assert len(held_out) == len(rows) / 10
    np.testing.assert_array_equal(novelty.calibration_scores_, np.sort(novelty.score_samples(rows.iloc[held_out])))


def test_one_analysis_says_what_the_methods_say(rows, novelty):
    frame = plant(rows).head(6)
    analysis, some = novelty.analyse(frame), np.array([3, 1])
    np.testing.assert_array_equal(analysis.scores, novelty.score_samples(frame))
    np.testing.assert_array_equal(analysis.p_values, novelty.p_values(frame))
    pd.testing.assert_frame_equal(analysis.attributions(some), novelty.explain(frame).iloc[some])
    assert analysis.reasons(some) == [novelty.reasons(frame)[i] for i in some]
    with pytest.raises(OptionError, match="p-values"):
        _ = novelty.analyse(frame, "kl").p_values


@pytest.mark.parametrize("shape", [(100, 2), (30, 3)])
@pytest.mark.parametrize("novelty", [True, False])
def test_constant_rows_are_normal(shape, novelty):
    rows = np.zeros(shape)
    detector = make_detector(epochs=20, novelty=novelty).fit(rows)
    assert (detector.predict(rows) == 1).all()
    assert len(set(detector.score_samples(rows))) == 1


def test_equal_far_rows_are_labelled_together_and_scores_stay_readable():
    rows = np.random.default_rng(0).normal(size=(300, 3))
    rows[:5] = [1e6, -1e6, 1e6]
    detector = make_detector().fit(rows)
    assert (detector.predict(rows[:5]) == -1).all()
    scores = detector.score_samples(rows)
    assert ((scores >= -100) & (scores <= 0)).all()


def test_what_pyod_calls_them(rows):
    detector = make_detector(epochs=5).fit(rows)
    assert (detector.decision_scores_ == detector.anomaly_score(rows)).all()
    assert (detector.labels_ == (detector.predict(rows) == -1)).all()
    assert detector.threshold_ == -detector.offset_
    proba = detector.predict_proba(rows)
    assert proba.shape == (len(rows), 2)
    assert (proba[:, 0] == detector.p_values(rows)).all()
    assert proba.sum(axis=1) == pytest.approx(np.ones(len(rows)))


def test_all_that_is_trained_divides_the_time_and_tells_the_same_callbacks(rows, monkeypatch):
    seen: list[float | None] = []
    stages: set[str] = set()
    train: Any = FittedModel.__dict__["train"]

    def recorded(cls, /, table, recipe, trainer, seed, **options):
        seen.append(trainer.max_time)
        return train.__func__(cls, table, recipe, trainer, seed, **options)

    monkeypatch.setattr(FittedModel, "train", classmethod(recorded))
    watched = [lambda seen_round: stages.add(seen_round.stage)]
    trainer = Trainer(max_epochs=2, max_time=60.0, callbacks=watched, progress=False)
    detector = make_detector().set_params(trainer=trainer).fit(rows)
    assert seen == [30.0, 30.0]
    assert stages == {"elbo", "density"}
    assert trainer.max_time == 60.0
    seen.clear()
    detector.set_params(density=False).fit(rows)
    assert seen == [60.0]


def test_a_row_that_breaks_what_all_others_keep_is_found_among_them(tmp_path):
    rng = np.random.default_rng(0)
    city = rng.choice(["Lyon", "Nice", "Rome", "Ulm"], 400)
    country = pd.Series(city).map({"Lyon": "FR", "Nice": "FR", "Rome": "IT", "Ulm": "DE"})
    frame = pd.DataFrame({"city": city, "country": country, "x": rng.normal(size=400)})
    wrong = "IT" if frame.loc[5, "country"] != "IT" else "FR"
    frame.loc[5, "country"] = wrong
    detector = make_detector(contamination="auto").fit(frame)
    scores = detector.score_samples(frame)
    assert scores.argmin() == 5
    (reason,) = detector.reasons(frame.iloc[[5]])
    assert reason.startswith(f"country '{wrong}' where")
    assert "follows from city -> country" in reason
    detector.save(tmp_path / "d.gensynth")
    np.testing.assert_array_equal(load(tmp_path / "d.gensynth").score_samples(frame), scores)
    assert not make_detector(novelty=True).fit(frame).estimators_[0].schema.relations
