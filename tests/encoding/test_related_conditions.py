"""Conditions on columns that are learned as their distance from others."""

import numpy as np
import pandas as pd
import pytest

from gensynth import Synthesizer, Trainer


@pytest.fixture(scope="module")
def chain():
    rng = np.random.default_rng(5)
    low = rng.normal(10, 3, 800).round(1)
    high = (low + rng.exponential(2, 800)).round(1)
    mid = (low + (high - low) * rng.random(800)).round(1)
    frame = pd.DataFrame({"low": low, "mid": mid, "high": high, "x": rng.normal(size=800)})
    model = Synthesizer("vae", trainer=Trainer(max_epochs=2, progress=False), random_state=0)
    return frame, model.fit(frame)


@pytest.mark.parametrize("name", ["low", "mid", "high"])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.9, 1.0])
def test_a_value_anywhere_in_a_chain_comes_back_and_the_order_holds(chain, name, at):
    frame, model = chain
    assert [str(relation) for relation in model.schema_.relations] == ["low <= mid", "mid <= high"]
    value = float(frame[name].quantile(at, interpolation="nearest"))
    sample = model.sample(200, conditions={name: value})
    assert (sample[name] == value).all()
    assert ((sample["low"] <= sample["mid"]) & (sample["mid"] <= sample["high"])).all()
