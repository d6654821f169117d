"""A third party's scores that are not finite are refused: no label is made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from toy_models import ToyModel

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.errors import PluginError
from gensynth.model import Recipe, Score

TRAINER = Trainer(max_epochs=2, progress=False)


class BrokenModel(ToyModel):
    """Its score of the rows with the first column's second code is not finite."""

    wrong = float("nan")

    def score(self, batch, method=None, *, attribute=False):
        return Score(torch.where(batch.codes[:, 1] == 2, self.wrong, super().score(batch, method).rows))


@dataclass(eq=False)
class Broken(Recipe):
    wrong: float = float("nan")

    def build(self, layout):
        model = BrokenModel(layout)
        model.wrong = self.wrong
        return model


def rows(*letters):
    return pd.DataFrame({"x": np.linspace(0.0, 1.0, len(letters)), "k": list(letters)})


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_scores_that_are_not_finite_stop_a_detector(wrong):
    normal = AnomalyDetector(Broken(wrong=wrong), trainer=TRAINER, random_state=0)
    with pytest.raises(PluginError, match=r"BrokenModel gives row \d+ the score .* report this to the model's authors"):
        normal.fit(rows(*"ab" * 30))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_they_stop_a_synthesizer_and_name_the_row(wrong):
    synthesizer = Synthesizer(Broken(wrong=wrong), trainer=TRAINER, random_state=0).fit(rows(*"ab" * 30))
    assert np.isfinite(synthesizer.score_samples(rows("a", "a"))).all()
    with pytest.raises(PluginError, match=r"row 2 .* 1 of 4 rows"):
        synthesizer.score_samples(rows("a", "a", "b", "a"))
