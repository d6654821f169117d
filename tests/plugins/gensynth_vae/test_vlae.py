"""``vlae`` on columns that closely follow each other: the curve is kept, and so is all that a model is used for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth import Synthesizer, Trainer, load
from gensynth.encoding import table as encoding

N = 1500


def bills(n=N, seed=0):
    """Bills of two months, the second within about 3 % of the first, and a category that has to do with neither."""
    rng = np.random.default_rng(seed)
    first = rng.lognormal(8.0, 1.0, n)
    kind = rng.choice(["a", "b", "c"], n)
    second = pd.Series(first * rng.normal(1.0, 0.03, n)).mask(rng.random(n) < 0.1)
    return pd.DataFrame({"first": first, "kind": kind, "second": second})


def fit():
    trainer = Trainer(max_epochs=15, progress=False)
    return Synthesizer("vlae", relations=False, trainer=trainer, random_state=0).fit(bills())


def distance(frame):
    """Median distance of the logarithms of the two bills; .02 in the real rows."""
    return float(np.log(frame["second"] / frame["first"]).abs().median())


@pytest.fixture(scope="module")
def fitted():
    return fit()


def test_samples_lie_along_the_curve(fitted, monkeypatch):
    assert fitted.encoder_.layout.predictors
    close = distance(fitted.sample(2000, random_state=1))
    assert close < 0.04
    monkeypatch.setattr(encoding, "find_predictors", lambda rows, layout: {})
    assert distance(fit().sample(2000, random_state=1)) > 2 * close


def test_scores_tell_rows_off_the_curve(fitted):
    rows = bills(300, seed=1).dropna()
    off = rows.assign(second=rows["second"] * 1.3)
    assert (fitted.score_samples(off) < fitted.score_samples(rows)).mean() > 0.9


def test_conditions_and_imputation_follow_the_curve(fitted):
    rows = bills(300, seed=2).dropna()
    assert distance(fitted.impute(rows.assign(second=np.nan))) < 0.05
    assert distance(fitted.impute(rows.assign(first=np.nan))) < 0.05
    assert distance(fitted.sample(200, conditions={"second": 5000.0}, random_state=0)) < 0.05


def test_files_and_graphs_hold_the_same_model(fitted, tmp_path):
    fitted.save(tmp_path / "model.gensynth")
    again = load(tmp_path / "model.gensynth")
    pd.testing.assert_frame_equal(again.sample(100, random_state=3), fitted.sample(100, random_state=3))
    np.testing.assert_array_equal(again.score_samples(bills(50)), fitted.score_samples(bills(50)))
    # compares the graphs with the model on rows of their own, and raises if they differ
    fitted.to_onnx(scorer=tmp_path / "scorer.onnx", sampler=tmp_path / "sampler.onnx", check=500)
    assert (tmp_path / "sampler.onnx").stat().st_size > 0


def test_training_on_with_new_rows_keeps_scores_of_file_and_memory_equal(tmp_path):
    model = fit().partial_fit(bills(400, seed=5))
    model.save(tmp_path / "model.gensynth")
    rows = bills(100, seed=6)
    np.testing.assert_array_equal(load(tmp_path / "model.gensynth").score_samples(rows), model.score_samples(rows))
