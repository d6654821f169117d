"""`sample_weight` of the Synthesizer: repeated rows, zero weights, relative weights, scikit-learn's routing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from toy_models import Toy
from weighed_tables import N, table

from gensynth import Synthesizer, Trainer, load
from gensynth.errors import DataError

QUICK = Trainer(max_epochs=4, progress=False)


def synthesizer(model, **settings):
    return Synthesizer(model, trainer=QUICK, random_state=0, **settings)


@pytest.mark.parametrize("model", [Toy(), "vae", "vlae", "gan", "cgan"])
def test_whole_weights_are_repeated_rows(model):
    frame, weights = table(), np.random.default_rng(1).integers(0, 4, N)
    repeated = frame.loc[frame.index.repeat(weights)].reset_index(drop=True)
    condition = {"condition_on": "c"} if model == "cgan" else {}
    one = synthesizer(model, **condition).fit(frame, sample_weight=weights)
    other = synthesizer(model, **condition).fit(repeated)
    assert one.encoder_.layout == other.encoder_.layout
    pd.testing.assert_frame_equal(one.sample(100, random_state=2), other.sample(100, random_state=2))


def test_rows_of_weight_zero_are_not_there():
    frame = table()
    weights = np.ones(N)
    weights[frame["k"] == 3] = 0
    for scale in (1, 0.3):
        one = synthesizer(Toy()).fit(frame, sample_weight=weights * scale)
        other = synthesizer(Toy()).fit(frame[frame["k"] != 3])
        assert one.encoder_.layout == other.encoder_.layout
        pd.testing.assert_frame_equal(one.sample(50, random_state=2), other.sample(50, random_state=2))
    assert 3 not in set(one.sample(500)["k"])


def test_weights_of_one_change_nothing():
    frame = table()
    plain = synthesizer(Toy()).fit(frame).sample(50, random_state=1)
    for weights in (None, 1, np.full(N, 0.25), [1] * N):
        again = synthesizer(Toy()).fit(frame, sample_weight=weights).sample(50, random_state=1)
        pd.testing.assert_frame_equal(again, plain)


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_samples_follow_relative_weights(model, tmp_path):
    frame = table(1500)
    weights = np.where(frame["c"] == "b", 5.5, 0.7)
    fitted = Synthesizer(model, trainer=Trainer(max_epochs=15, progress=False), random_state=0)
    fitted.fit(frame, sample_weight=weights)
    sample = fitted.sample(4000, random_state=1)
    assert (sample["c"] == "b").mean() == pytest.approx(np.average(frame["c"] == "b", weights=weights), abs=0.05)
    assert sample["x"].mean() == pytest.approx(np.average(frame["x"], weights=weights), abs=0.15)
    assert sample["z"].isna().mean() == pytest.approx(np.average(frame["z"].isna(), weights=weights), abs=0.05)
    fitted.save(tmp_path / "m.gensynth")
    pd.testing.assert_frame_equal(
        load(tmp_path / "m.gensynth").sample(20, random_state=3), fitted.sample(20, random_state=3)
    )


@pytest.mark.parametrize("weights", [[1.0] * 5, [-1.0] * N, [0.0] * N, [np.nan] * N])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(DataError, match="sample_weight"):
        synthesizer(Toy()).fit(table(), sample_weight=weights)


def test_score_takes_weights():
    frame = table()
    fitted = synthesizer(Toy()).fit(frame)
    weights = np.arange(N)
    assert fitted.score(frame, sample_weight=weights) == pytest.approx(
        np.average(fitted.score_samples(frame), weights=weights)
    )


def test_metadata_routing_through_a_pipeline():
    frame, weights = table(), np.random.default_rng(1).integers(0, 4, N)
    with sklearn.config_context(enable_metadata_routing=True):
        inner = synthesizer(Toy()).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), inner).fit(frame, sample_weight=weights)
    direct = synthesizer(Toy()).fit(frame, sample_weight=weights)
    pd.testing.assert_frame_equal(pipeline[-1].sample(20, random_state=0), direct.sample(20, random_state=0))
