"""`sample_weight` of the AnomalyDetector: in what is learned, in p-values and in the threshold."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from toy_detectors import make_detector, make_rows
from toy_models import Toy

from gensynth.errors import DataError

N = 300
ROWS = make_rows(N)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"novelty": True},
        {"novelty": True, "calibration_fraction": 0.2},
        {"contamination": 0.1},
        {"model": Toy(), "n_estimators": 2},
        {"model": Toy(), "n_estimators": 2, "novelty": True},
    ],
)
def test_whole_weights_are_repeated_rows(settings):
    weights = np.random.default_rng(1).integers(0, 4, N)
    repeated = ROWS.loc[ROWS.index.repeat(weights)].reset_index(drop=True)
    one = make_detector(epochs=3).set_params(**settings).fit(ROWS, sample_weight=weights)
    other = make_detector(epochs=3).set_params(**settings).fit(repeated)
    np.testing.assert_allclose(one.score_samples(ROWS), other.score_samples(ROWS), rtol=1e-9)
    np.testing.assert_allclose(one.calibration_scores_, other.calibration_scores_, rtol=1e-9, atol=1e-9)
    assert one.offset_ == pytest.approx(other.offset_, abs=1e-9)
    assert one.contamination_ == pytest.approx(other.contamination_)


def test_weights_of_one_and_zero():
    half = np.arange(N) % 2
    one = make_detector(epochs=2).fit(ROWS, sample_weight=half * 0.4)
    other = make_detector(epochs=2).fit(ROWS[half == 1])
    np.testing.assert_array_equal(one.score_samples(ROWS), other.score_samples(ROWS))
    assert one.offset_ == other.offset_


@pytest.mark.parametrize("settings", [{}, {"novelty": True}, {"novelty": True, "calibration_fraction": 0.3}])
def test_what_weighs_little_becomes_odd(settings):
    common = ROWS["amount"] > ROWS["amount"].median()
    weights = np.where(common, 2.5, 0.05)
    weighted = make_detector(epochs=8, **settings).fit(ROWS, sample_weight=weights)
    plain = make_detector(epochs=8, **settings).fit(ROWS)
    weighted, plain = (
        d.score_samples(ROWS[~common]).mean() - d.score_samples(ROWS[common]).mean() for d in (weighted, plain)
    )
    assert weighted < plain


def test_the_threshold_follows_the_weights():
    weights = np.random.default_rng(0).uniform(0.2, 2, N)
    detector = make_detector(epochs=3, contamination=0.2).fit(ROWS, sample_weight=weights)
    below = detector.score_samples(ROWS) < detector.offset_
    assert np.average(below, weights=weights) == pytest.approx(0.2, abs=0.02)
    assert len(detector.calibration_scores_) == N


def test_held_out_rows_are_those_of_the_trainer():
    """Relative weights are scaled twice, by the detector and by its synthesizer: the parts must be the same."""
    weights = np.random.default_rng(0).choice([0.1, 0.2, 0.3, 0.7], N)
    detector = make_detector(epochs=2, novelty=True).fit(ROWS, sample_weight=weights)
    assert 0.05 * N < len(detector.calibration_scores_) < 0.2 * N


def test_fit_predict_and_routing():
    weights = np.random.default_rng(1).integers(0, 4, N)
    direct = make_detector(epochs=2).fit(ROWS, sample_weight=weights)
    labels = make_detector(epochs=2).fit_predict(ROWS, sample_weight=weights)
    np.testing.assert_array_equal(labels, direct.predict(ROWS))
    with sklearn.config_context(enable_metadata_routing=True):
        inner = make_detector(epochs=2).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), inner).fit(ROWS, sample_weight=weights)
    np.testing.assert_array_equal(pipeline.score_samples(ROWS), direct.score_samples(ROWS))


@pytest.mark.parametrize(
    ("weights", "message"), [([1.0] * 5, "shape"), (np.zeros(N), "non-zero"), (-np.ones(N), "Neg")]
)
def test_impossible_weights_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        make_detector().fit(ROWS, sample_weight=weights)


def test_too_few_rows_of_positive_weight():
    weights = np.zeros(N)
    weights[:1] = 1
    with pytest.raises(DataError, match="1 sample"):
        make_detector().fit(ROWS, sample_weight=weights)
