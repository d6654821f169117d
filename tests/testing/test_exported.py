"""What is no graph is passed over; all else that fails is said."""

from __future__ import annotations

import pytest
from gensynth_toy.recipes import LatentClasses
from toy_image_recipe import ToyImages

from gensynth.errors import CapabilityError, PluginError
from gensynth.export.runtime import Session
from gensynth.model import Score
from gensynth.testing import make_cases, train
from gensynth.testing.exported import check_export


@pytest.fixture
def trained():
    recipe = LatentClasses(n_classes=2)
    return train(recipe, make_cases(recipe.encoding)["mixed"])


def deciding(trained, monkeypatch):
    """Let the model look at values to decide what its score is."""
    own = type(trained.model).score

    def score(self, batch, *args, **kwargs):
        found = own(self, batch, *args, **kwargs).rows
        return Score(found if float(found.mean()) < 0 else found + 0.0)

    monkeypatch.setattr(type(trained.model), "score", score)


def test_samples_are_compared_where_scores_cannot_be(trained, monkeypatch):
    deciding(trained, monkeypatch)
    check_export(trained)
    own = Session.run
    shifted = lambda self, feeds: {name: cells + 1 for name, cells in own(self, feeds).items()}  # noqa: E731
    monkeypatch.setattr(Session, "run", shifted)
    with pytest.raises(PluginError, match="sampled cells differ on an ONNX graph"):
        check_export(trained)


def test_other_errors_of_a_model_are_not_hidden(trained, monkeypatch):
    def score(*_, **__):
        raise CapabilityError("this model scores nothing today")

    monkeypatch.setattr(type(trained.model), "score", score)
    with pytest.raises(CapabilityError, match="nothing today"):
        check_export(trained)


@pytest.mark.parametrize(("output", "words"), [("y1", "maps differ"), ("y0", "scores differ")])
def test_images_are_compared(monkeypatch, output, words):
    recipe = ToyImages()
    trained = train(recipe, make_cases(recipe.encoding)["images"])
    check_export(trained)
    own = Session.run

    def shifted(self, feeds):
        found = own(self, feeds)
        return {name: cells * 1.01 if name == output else cells for name, cells in found.items()}

    monkeypatch.setattr(Session, "run", shifted)
    with pytest.raises(PluginError, match=f"{words} on an ONNX graph"):
        check_export(trained)
