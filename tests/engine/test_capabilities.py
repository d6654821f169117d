"""What a family cannot do is refused before anything is trained or drawn, and models that can are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import AnomalyDetector, Augmenter, Synthesizer, Trainer, augment
from gensynth.errors import CapabilityError, OptionError
from gensynth.registry import default_registry

QUICK = Trainer(max_epochs=1, progress=False, device="cpu")


def table(n=80):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"sex": rng.choice(["F", "M"], n), "age": rng.integers(18, 80, n), "pay": rng.normal(size=n)})


class Sampler(Toy):
    capabilities = frozenset({"sample"})


class Scorer(Toy):
    capabilities = frozenset({"score"})


class Told(Toy):
    """Can be given the columns that the fit was told of."""

    capabilities = frozenset({"sample", "conditional-on-fitted", "score"})


@pytest.fixture
def untrained(monkeypatch):
    """Fail if anything is trained."""
    monkeypatch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("it trained"))


@pytest.mark.usefixtures("untrained")
def test_before_training():
    with pytest.raises(
        CapabilityError, match=r"Sampler cannot sample rows given some of their cells; models that can: .*\w"
    ):
        Synthesizer(Sampler(), condition_on="sex").fit(table())
    with pytest.raises(CapabilityError, match="Sampler cannot score rows; models that can: "):
        AnomalyDetector(Sampler()).fit(table())
    with pytest.raises(CapabilityError, match="Scorer cannot sample rows; models that can: "):
        Augmenter(Scorer()).fit_resample(table()[["age", "pay"]], table()["sex"])
    with pytest.raises(CapabilityError, match="Scorer cannot sample rows"):
        augment(table(), n_rows=3, model=Scorer())
    with pytest.raises(OptionError, match=r"method='halv': Toy has no such score; did you mean 'half'\? scores: like"):
        AnomalyDetector(Toy(), method="halv").fit(table())


def test_of_a_fitted_model(monkeypatch):
    synthesizer = Synthesizer(Scorer(), trainer=QUICK, random_state=0).fit(table())
    with pytest.raises(CapabilityError, match="Scorer cannot sample rows"):
        synthesizer.sample(3)
    able = default_registry().able("impute")
    with pytest.raises(CapabilityError, match=f"Scorer cannot impute missing cells; models that can: {able[0]}"):
        synthesizer.impute(table())


def test_given_cells_are_those_that_the_fit_was_told_of():
    told = Synthesizer(Told(), trainer=QUICK, condition_on="sex", random_state=0).fit(table())
    assert set(told.sample(9, {"sex": "F"})["sex"]) == {"F"}
    assert told.sample(9, {"sex": "F", "age": slice(18, 60)})["age"].max() <= 60, "a range can be looked for"
    refused = r"'age': this Told was fitted with the condition columns 'sex'; fit it with condition_on=\['sex', 'age'\]"
    for wanted in ({"age": 30}, {"sex": "F", "age": 30}, pd.DataFrame({"age": [30, 31]})):
        with pytest.raises(CapabilityError, match=refused):
            told.sample(2, wanted)
    plain = Synthesizer(Told(), trainer=QUICK, random_state=0).fit(table())
    with pytest.raises(CapabilityError, match=r"fitted without conditions; fit it with condition_on=\['sex'\]"):
        plain.sample(2, {"sex": "F"})
    never = Synthesizer(Sampler(), trainer=QUICK, random_state=0).fit(table())
    with pytest.raises(CapabilityError, match="Sampler cannot sample rows given some of their cells"):
        never.sample(2, {"sex": "F"})


def test_without_any_plugin_that_can(monkeypatch):
    monkeypatch.setattr("gensynth.engine.capabilities.default_registry", lambda: type("R", (), EMPTY)())
    with pytest.raises(CapabilityError, match="no installed model can"):
        Synthesizer(Sampler(), condition_on="sex").fit(table())


EMPTY: dict[str, Any] = {"able": lambda *_: [], "entry_of": lambda *_: None}
