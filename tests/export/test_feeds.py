"""Tables whose names and cells look like what a graph has of its own score as they do in Python."""

from __future__ import annotations

import json
import warnings

import numpy as np
import onnx
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.export.runtime import OnnxScorer, Session

TRAINER = Trainer(max_epochs=1, progress=False)
N = 120


def fitted(frame, estimator=Synthesizer, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator(Toy(), trainer=TRAINER, random_state=0, **options).fit(frame)


def assert_same_scores(frame, new, folder, **options):
    model = fitted(frame, **options)
    model.to_onnx(folder / "s.onnx", check=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = model.score_samples(new)
        found = OnnxScorer.load(folder / "s.onnx").score(new)["score"]
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)


NAMES = ["c0", "c1", "v0_0", "v1_0", "v2_0", "score", "label", "p_value", "uniform", "normal", "given:a", "a", "x:text"]


def named():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.integers(0, 5 + i, N) for i, name in enumerate(NAMES)})
    frame["x"] = pd.Series(rng.integers(0, 90, N).astype(str)).mask(rng.random(N) < 0.3, "unknown")
    return frame.assign(**{"v3_0": rng.choice(["p", "q"], N), "": rng.normal(size=N)})


def test_names_that_a_graph_uses_itself(tmp_path):
    frame = named()
    assert_same_scores(frame, frame.head(30), tmp_path)
    detector = fitted(frame, AnomalyDetector, n_estimators=2)
    detector.to_onnx(tmp_path / "d.onnx", check=60)
    found = OnnxScorer.load(tmp_path / "d.onnx").score(frame)
    np.testing.assert_array_equal(found["label"], detector.predict(frame))


def test_names_of_samplers(tmp_path):
    frame = named()
    model = fitted(frame)
    assert model.to_onnx(tmp_path / "scorer.onnx", tmp_path / "s.onnx", check=60)["sampler"].rows == 60
    told = {p.key: json.loads(p.value) for p in onnx.load(tmp_path / "s.onnx").metadata_props}
    uniform = np.random.default_rng(0).random((9, told["gensynth.noise"][0]["width"]), dtype=np.float32)
    rows = Session(onnx.load(tmp_path / "s.onnx")).run({"uniform": uniform})
    assert np.isfinite(Session(onnx.load(tmp_path / "scorer.onnx")).run(rows)["score"]).all()


def text(*levels):
    return pd.DataFrame({"code": np.resize(np.array(levels, dtype=object), N), "x": np.arange(N) % 7})


@pytest.mark.parametrize(
    ("levels", "cells"),
    [
        (("01", "1", "1", "x"), ["01", "1", "1.0", "1.00", " 1 ", "001", "x", "2", None]),
        (("01", "1", "1", "x"), [1, 1, 1, 2, 1.0]),
        (("01", "1", "1", "x"), [1, "1", "01", "x", 2.5]),
        (("01", "02", "02"), [1, 2, 3]),
        (("1", "2", "a"), ["1e0", "2.", "A", "a"]),
        (("true", "no"), [True, False, "true", "True"]),
        (("a", "b"), ["<missing>", "<unknown>", "a", None, ""]),
        (("<missing>", "<<missing>>", "<unknown>"), ["<missing>", "<<<missing>>>", "<<unknown>>", "<unknown>", None]),
    ],
)
def test_spellings_of_levels(levels, cells, tmp_path):
    new = pd.DataFrame({"code": pd.Series(cells, dtype=object), "x": 1})
    assert_same_scores(text(*levels), new, tmp_path, schema={"code": "categorical"})
    gap = text(*levels)
    gap.loc[:20, "code"] = None
    assert_same_scores(gap, new, tmp_path, schema={"code": "categorical"})


@pytest.mark.parametrize("dtype", ["int64", "float64", "category", "Int64"])
def test_levels_that_are_numbers(dtype, tmp_path):
    frame = text(1, 2, 3, 3)
    frame["code"] = frame["code"].astype("int64").astype(dtype)
    for cells in ([1, 2, 7, 3], ["01", "2", "3.0", "x"], [1.0, 2.5, 3.0, None], ["1", 2, 3.0, None]):
        new = pd.DataFrame({"code": pd.Series(cells, dtype=object), "x": 1})
        assert_same_scores(frame, new, tmp_path, schema={"code": "categorical"})


def test_texts_among_numbers(tmp_path):
    new = pd.DataFrame({"x": ["12", "unknown", None, "7.0", "99999"], "a": 1})
    assert_same_scores(named()[["x", "a"]], new, tmp_path)
