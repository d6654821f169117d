"""Exported samplers of images, by a toy model: the images of the same noise, given cells, what is refused."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import onnx
import pandas as pd
import pytest
from toy_image_recipe import QUICK, ToyImages, ToyImagesModel, bars, synthesizer

from gensynth import Synthesizer
from gensynth.errors import ExportError
from gensynth.export import check
from gensynth.export.runtime import OnnxScorer, Session
from gensynth.export.sampler import SamplerPlan
from gensynth.tables.imagearrays import objects_of


def told_by(path) -> dict[str, Any]:
    return {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}


def noise_of(told, n, seed=0):
    rng = np.random.default_rng(seed)
    draws: dict[str, Any] = {"uniform": rng.random, "normal": rng.standard_normal}
    return {o["name"]: draws[o["name"]]((n, o["width"]), dtype=np.float32) for o in told["gensynth.noise"]}


@pytest.fixture(scope="module")
def plain() -> Synthesizer:
    return synthesizer().fit(bars()[0])


KINDS = {
    "grey": bars()[0],
    "colour": bars(channels=3)[0],
    "channels first": np.ascontiguousarray(np.moveaxis(bars(channels=3)[0], -1, 1)),
    "float32": bars()[0].astype(np.float32) / np.float32(255),
    "few levels": (bars()[0] // 16).astype(np.float64),
    "bool": bars()[0] > 99,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_images_of_noise(kind, runtime, tmp_path):
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    images = KINDS[kind]
    fitted = synthesizer().fit(images)
    checked = fitted.to_onnx(sampler=tmp_path / "s.onnx", check=100)["sampler"]
    assert (checked.rows, checked.difference) == (100, 0.0)
    model, told = onnx.load(tmp_path / "s.onnx"), told_by(tmp_path / "s.onnx")
    onnx.checker.check_model(model, full_check=True)
    session, noise = Session(model, runtime), noise_of(told, 30)
    drawn = session.run(noise)["image"]
    assert drawn.shape == (30, *images.shape[1:])
    assert drawn.dtype == images.dtype
    assert images.min() <= drawn.min() < drawn.max() <= 255
    np.testing.assert_array_equal(session.run({k: v[:3] for k, v in noise.items()})["image"], drawn[:3])


def test_columns_beside_images_and_what_a_scorer_reads(tmp_path):
    images, labels = bars(120)
    table = pd.DataFrame(
        {
            "image": objects_of(list(images)),
            "label": np.array(["low", "middle", "high"])[labels],
            "size": np.random.default_rng(0).normal(size=120),
            "key": [f"{i:04}-x" for i in range(120)],
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = synthesizer(condition_on="label").fit(table)
        fitted.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=100)
    told = told_by(tmp_path / "sampler.onnx")
    assert told["gensynth.outputs"] == told_by(tmp_path / "scorer.onnx")["gensynth.inputs"]
    drawn = Session(onnx.load(tmp_path / "sampler.onnx"), "reference").run(noise_of(told, 60))
    assert list(drawn) == ["label_", "size", "image"]
    assert set(drawn["label_"].ravel()) == {"low", "middle", "high"}
    brightest = drawn["image"].mean(2).argmax(1)
    assert np.mean(brightest == pd.Series(drawn["label_"].ravel()).map({"low": 1, "middle": 3, "high": 5})) > 0.9
    scores = Session(onnx.load(tmp_path / "scorer.onnx"), "reference").run(drawn)["score"]
    frame = pd.DataFrame({"image": objects_of(list(drawn["image"])), "label": drawn["label_"].ravel(), "key": "a"})
    frame["size"] = drawn["size"].ravel()
    np.testing.assert_allclose(scores, fitted.score_samples(frame), rtol=1e-5)


class GivenFirstModel(ToyImagesModel):
    """Draws images of a given first column."""


@dataclass(eq=False)
class GivenFirst(ToyImages):
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional-on-fitted", "score", "images"})

    def build(self, layout):
        return GivenFirstModel(layout)


def test_given_cells(tmp_path):
    images, labels = bars()
    fitted = Synthesizer(GivenFirst(), trainer=QUICK, condition_on="label", random_state=0).fit(images, labels)
    fitted.to_onnx(sampler=tmp_path / "s.onnx", check=100)
    told = told_by(tmp_path / "s.onnx")
    assert [port["name"] for port in told["gensynth.inputs"]] == ["given:label"]
    given = np.repeat([[0], [1], [2]], 20, axis=0)
    session = Session(onnx.load(tmp_path / "s.onnx"), "reference")
    found = session.run({**noise_of(told, 60), "given:label": given})
    np.testing.assert_array_equal(found["label_"], given)
    np.testing.assert_array_equal(found["image"].mean(2).argmax(1), 1 + 2 * given[:, 0])


def test_networks_whose_rounding_decides_compute_in_float64(plain, tmp_path, monkeypatch):
    assert not SamplerPlan.of(plain.fitted_).exact
    monkeypatch.setattr(check, "MAX_FLIPS", -1.0)
    assert check.is_inexact(SamplerPlan.of(plain.fitted_))
    monkeypatch.undo()
    monkeypatch.setattr("gensynth.export.write.is_inexact", lambda _: True)
    checked = plain.to_onnx(sampler=tmp_path / "s.onnx", check=100)["sampler"]
    assert checked.difference == 0.0
    assert told_by(tmp_path / "s.onnx")["gensynth.float64"]


def test_a_sampler_that_differs_is_not_written(plain, tmp_path, monkeypatch):
    own = Session.run

    def shifted(self, feeds, *rest):
        found = own(self, feeds, *rest)
        return {name: cells if cells.ndim < 3 else np.flip(cells, 2) for name, cells in found.items()}

    monkeypatch.setattr(Session, "run", shifted)
    with pytest.raises(ExportError, match=r"of the pixels of the exported sampler differ .* in 50 images of 50"):
        plain.to_onnx(sampler=tmp_path / "s.onnx", check=50)
    assert not list(tmp_path.iterdir())


def test_one_image_of_a_check_may_hang_on_a_threshold(plain, tmp_path, monkeypatch):
    own = Session.run

    def other(self, feeds, *rest):
        found = own(self, feeds, *rest)
        if "image" in found:
            found["image"][3] = 0
        return found

    monkeypatch.setattr(Session, "run", other)
    assert plain.to_onnx(sampler=tmp_path / "s.onnx", check=50)["sampler"].difference == pytest.approx(
        0.02, rel=0.2
    )  # some are 0 anyway


def test_a_check_of_one_image_checks_it(plain, tmp_path, monkeypatch):
    own = Session.run
    monkeypatch.setattr(Session, "run", lambda *args: {k: np.flip(v, -1) for k, v in own(*args).items()})
    with pytest.raises(ExportError, match="in 1 image of 1 of 'image'"):
        plain.to_onnx(sampler=tmp_path / "s.onnx", check=1)


def test_a_scorer_is_asked_for(plain, tmp_path):
    plain.to_onnx(sampler=tmp_path / "s.onnx", check=0)
    with pytest.raises(Exception, match="holds a sampler, which cannot score rows"):
        OnnxScorer.load(tmp_path / "s.onnx")


def test_flat_arrays(tmp_path):
    """The images of an array (n, pixels) are read and written as such."""
    images = bars()[0]
    flat = images.reshape(len(images), -1)
    fitted = synthesizer(image_shape=(8, 6)).fit(flat)
    fitted.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=50)
    told = told_by(tmp_path / "sampler.onnx")
    assert told["gensynth.outputs"][0]["flat"]
    assert Session(onnx.load(tmp_path / "sampler.onnx"), "reference").block == 2**16 // 48
    drawn = Session(onnx.load(tmp_path / "sampler.onnx"), "reference").run(noise_of(told, 20))["image"]
    assert drawn.shape == (20, 48)
    assert np.isin(drawn.reshape(20, 8, 6).mean(2).argmax(1), [1, 3, 5]).all()
    found = Session(onnx.load(tmp_path / "scorer.onnx"), "reference").run({"image": flat[:20]})
    np.testing.assert_allclose(found["score"], fitted.score_samples(flat[:20]), rtol=1e-5)
    cells = pd.DataFrame({"image": objects_of(list(images[:20]))})
    again = OnnxScorer.load(tmp_path / "scorer.onnx").score(cells)["score"]
    np.testing.assert_allclose(again, found["score"], rtol=1e-5)
