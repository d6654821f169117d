"""What graphs are checked on: images drawn and of noise beside strange cells, and inputs of samplers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from toy_image_recipe import ToyImages, bars, synthesizer

from gensynth.export.drawn import SamplerInputs, drawn_frame
from gensynth.export.sampler import SamplerPlan


def test_every_other_image_is_noise():
    images, labels = bars()
    fitted = synthesizer(condition_on="label").fit(images, labels).fitted_
    frame = drawn_frame(fitted, 101, np.random.default_rng(0))
    assert list(frame) == ["image", "label"]
    stacked = np.stack(frame["image"].tolist())
    assert stacked.dtype == np.uint8
    spread = stacked.mean(2).std(1)  # over rows of an image: a bar is bright
    assert spread[::2].min() > spread[1::2].max()
    assert frame["label"].isna().any()
    again = drawn_frame(fitted, 101, np.random.default_rng(0))
    assert np.array_equal(stacked, np.stack(again["image"].tolist()))


def test_a_family_that_cannot_draw_is_checked_on_noise(monkeypatch):
    fitted = synthesizer().fit(bars()[0]).fitted_
    monkeypatch.setattr(ToyImages, "capabilities", frozenset({"score", "images"}))
    stacked = np.stack(drawn_frame(fitted, 40, np.random.default_rng(0))["image"].tolist())
    assert stacked.mean((1, 2)).std() < 20


def test_inputs_of_a_sampler_are_those_of_any_block():
    fitted = synthesizer().fit(pd.DataFrame({"image": list(bars()[0]), "size": np.arange(120.0)})).fitted_
    plan = SamplerPlan.of(fitted)
    inputs = SamplerInputs.draw(plan, 30)
    whole, parts = inputs.rows(plan, 30), inputs.rows(plan, 7)
    assert np.array_equal(whole.codes, parts.codes)
    assert whole.pixels is not None
    assert parts.pixels is not None
    np.testing.assert_allclose(whole.pixels, parts.pixels, atol=1e-6)
