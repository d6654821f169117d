"""What there is to tell of a fitted model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.engine.model_summary import family_facts, history_facts, kinds_told, left_out, n_weights, training_facts


def fitted() -> Synthesizer:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=80), "one": 1, "gone": np.nan})
    return Synthesizer(Toy(), trainer=Trainer(max_epochs=3, progress=False, device="cpu"), random_state=0).fit(frame)


def test_columns_training_and_size() -> None:
    synthesizer = fitted()
    assert left_out(synthesizer.schema_) == {"one": "one value only", "gone": "no value at all"}
    assert kinds_told(synthesizer.schema_.columns) == "1 numeric, 2 constant"
    assert n_weights(synthesizer.fitted_) == sum(p.numel() for p in synthesizer.model_.parameters())
    assert family_facts(synthesizer.fitted_) == {"model": None, "plugin": None}  # no plugin has it
    found = training_facts(synthesizer.fitted_)
    json.dumps(found, allow_nan=False)
    assert found["seconds"] > 0
    assert (found["epochs"], len(found["history"])) == (synthesizer.n_iter_, len(synthesizer.history_))
    history = synthesizer.history_
    for name, stage in found["stages"].items():
        assert stage["best"] == history.loc[history["stage"] == name, "monitor"].min()


def test_what_is_missing_is_left_out() -> None:
    assert history_facts(pd.DataFrame({"a": [1, 2], "b": [np.nan, 0.5]})) == [{"a": 1}, {"a": 2, "b": 0.5}]
