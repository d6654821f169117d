"""Every family of images is exported: scorers by each method, samplers and detectors give what Python gives."""

from __future__ import annotations

import json
import warnings

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.errors import CapabilityError
from gensynth.export.check import MAX_FLIPS
from gensynth.export.rounding import MAX_DIFFERENCE
from gensynth.export.runtime import OnnxScorer, Session
from gensynth.registry import default_registry
from gensynth.tables.imagearrays import objects_of

MODELS = [entry.spec.name for entry in default_registry().models() if entry.distribution == "gensynth"]
LONG = ("vae", "beta-vae", "vlae", "nvae")
TRAINER = Trainer(max_epochs=1, batch_size=64, progress=False, device="cpu")


def digits(n=160, start=0) -> pd.DataFrame:
    """Return digits, 8 x 8, with what they are."""
    found = load_digits()
    part = slice(start, start + n)
    return pd.DataFrame({"image": objects_of(list(found.images[part])), "digit": found.target[part].astype(str)})


def first_of(model):
    return ["digit"] if "conditional-on-fitted" in default_registry().recipe(model).capabilities else None


def drawn_by(path, n, runtime=None):
    """Return what a sampler draws of some noise."""
    loaded = onnx.load(path)
    told = {entry.key: json.loads(entry.value) for entry in loaded.metadata_props}
    rng = np.random.default_rng(0)
    feeds = {
        own["name"]: (rng.random if own["name"] == "uniform" else rng.standard_normal)(
            (n, own["width"]), dtype=np.float32
        )
        for own in told["gensynth.noise"]
    }
    given = {port["name"]: np.full((n, 1), "3", object) for port in told["gensynth.inputs"]}
    return Session(loaded, runtime).run({**feeds, **given})


@pytest.mark.parametrize("model", [pytest.param(m, marks=pytest.mark.slow if m == "nvae" else ()) for m in MODELS])
def test_every_family(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(model, trainer=TRAINER, condition_on=first_of(model), random_state=0).fit(digits())
        new = digits(40, 500)
        found = fitted.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=40)
        assert found["scorer"].difference <= MAX_DIFFERENCE
        assert found["sampler"].difference <= MAX_FLIPS
        scorer = OnnxScorer.load(tmp_path / "scorer.onnx")
        np.testing.assert_allclose(scorer.score(new)["score"], fitted.score_samples(new), rtol=1e-5, atol=1e-5)
        assert_maps(scorer, fitted, new, None)
    drawn = drawn_by(tmp_path / "sampler.onnx", 12)
    assert drawn["image"].shape == (12, 8, 8)
    assert drawn["image"].dtype == np.float64
    assert set(np.unique(drawn["image"])) <= set(range(17))
    assert set(drawn["digit"].ravel()) <= set("0123456789")
    if first_of(model):
        assert set(drawn["digit"].ravel()) == {"3"}


def assert_maps(scorer, fitted, rows, method):
    try:
        maps = fitted.score_maps(rows, method)
    except CapabilityError:
        assert "map" not in scorer.session.outputs
        return
    np.testing.assert_allclose(scorer.score_maps(rows), maps, rtol=1e-3, atol=1e-4 * np.abs(maps).max())


@pytest.mark.parametrize("model", [pytest.param(m, marks=pytest.mark.slow if m in LONG else ()) for m in MODELS])
def test_every_method_and_a_detector(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(model, trainer=TRAINER, random_state=0).fit(digits())
        new = digits(20, 500)
        for method in fitted.model_.score_methods[1:]:
            fitted.to_onnx(tmp_path / "s.onnx", method=method, check=20)
            scorer = OnnxScorer.load(tmp_path / "s.onnx")
            wanted = fitted.score_samples(new, method)
            near = 1e-4 * np.abs(wanted).max()
            np.testing.assert_allclose(scorer.score(new)["score"], wanted, rtol=1e-4, atol=near, err_msg=method)
            assert_maps(scorer, fitted, new, method)
        detector = AnomalyDetector(model, trainer=TRAINER, random_state=0).fit(digits())
        detector.to_onnx(tmp_path / "d.onnx", check=20)
        scorer = OnnxScorer.load(tmp_path / "d.onnx")
        found = scorer.score(new)
        np.testing.assert_allclose(found["score"], detector.score_samples(new), rtol=1e-4, atol=1e-4)
        assert np.mean(found["label"] != detector.predict(new)) <= 0.05
        assert_maps(scorer, detector, new, None)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_onnx_s_own_runtime(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(model, trainer=TRAINER, condition_on=first_of(model), random_state=0).fit(digits())
        fitted.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=0)
        scorer, new = OnnxScorer.load(tmp_path / "scorer.onnx"), digits(10, 500)
        scorer.session = Session(onnx.load(tmp_path / "scorer.onnx"), "reference")
        np.testing.assert_allclose(scorer.score(new)["score"], fitted.score_samples(new), rtol=1e-4, atol=1e-4)
    drawn = {runtime: drawn_by(tmp_path / "sampler.onnx", 8, runtime) for runtime in ("reference", "onnxruntime")}
    assert np.mean(drawn["reference"]["image"] != drawn["onnxruntime"]["image"]) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vae", "vq-vae", "nvae", "cgan"])
def test_larger_images_in_colour(model, tmp_path):
    rng = np.random.default_rng(0)
    grey = np.kron(load_digits().images[:120], np.ones((1, 2, 2)))[..., None] * np.array([15.0, 7.0, 2.0])
    images = (grey + rng.integers(0, 16, grey.shape)).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(model, trainer=TRAINER, random_state=0).fit(images)
        found = fitted.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=100)
    assert found["scorer"].difference <= MAX_DIFFERENCE
    assert found["sampler"].difference <= MAX_FLIPS
    drawn = drawn_by(tmp_path / "sampler.onnx", 5)["image"]
    assert (drawn.shape, drawn.dtype) == ((5, 16, 16, 3), np.uint8)
