"""Files of models of images."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import numpy as np
import pytest
from toy_image_recipe import QUICK, ToyImages, bars, image_registry, synthesizer

from gensynth import AnomalyDetector, Synthesizer
from gensynth.persistence import load, save
from gensynth.persistence.members import FORMAT


@pytest.mark.parametrize("kind", ["array", "channels first", "flat", "labelled"])
def test_a_loaded_synthesizer_is_the_one_that_was_saved(kind, tmp_path):
    images, labels = bars()
    arguments: tuple[Any, ...] = (images,)
    options: dict[str, Any] = {}
    if kind == "channels first":
        arguments = (np.moveaxis(bars(channels=3)[0], -1, 1) / 255.0,)
    elif kind == "flat":
        arguments, options = (images.reshape(120, -1),), {"image_shape": (8, 6)}
    elif kind == "labelled":
        arguments, options = (images, labels), {"condition_on": "label"}
    own = synthesizer(**options).fit(*arguments)
    path = tmp_path / "m.gensynth"
    save(own, path, registry=image_registry())
    again = load(path, registry=image_registry())
    assert isinstance(again, Synthesizer)
    assert again.schema_ == own.schema_
    assert again.fitted_.container == own.fitted_.container
    one, other = (model.sample(5, random_state=2) for model in (own, again))
    if kind == "labelled":
        assert one["label"].equals(other["label"])
        assert all(np.array_equal(a, b) for a, b in zip(one["image"], other["image"], strict=True))
        one = own.sample(20, random_state=2)
    else:
        assert one.dtype == other.dtype == arguments[0].dtype
        assert np.array_equal(one, other)
        one = arguments[0]
    assert np.array_equal(own.score_samples(one), again.score_samples(one))
    assert np.array_equal(own.score_maps(one), again.score_maps(one))


def test_a_loaded_detector_is_the_one_that_was_saved(tmp_path):
    images = bars()[0]
    own = AnomalyDetector(ToyImages(), trainer=QUICK, random_state=0).fit(images)
    path = tmp_path / "m.gensynth"
    save(own, path, registry=image_registry())
    again = load(path, registry=image_registry())
    assert np.array_equal(own.p_values(images), again.p_values(images))
    assert np.array_equal(own.score_maps(images), again.score_maps(images))
    assert np.array_equal(own.predict(images), again.predict(images))


def test_the_format_is_the_one_of_tables(tmp_path):
    path = tmp_path / "m.gensynth"
    save(synthesizer().fit(bars()[0]), path, registry=image_registry())
    with zipfile.ZipFile(path) as zipped:
        state = json.loads(zipped.read("state.json"))
        assert json.loads(zipped.read("manifest.json"))["format"] == FORMAT
    assert state["encoder"]["schema"]["columns"][0]["image"]["axes"] == "hw"
    assert "image_shape" not in state["parameters"]
