"""Search spaces as scikit-learn takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
import pytest
from sklearn.model_selection import RandomizedSearchCV
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.constraints import Among, Between, SearchSpace
from gensynth.errors import OptionError, UnknownModelError
from gensynth.tuning import param_distributions, space_of


@dataclass(eq=False)
class Searched(Toy):
    search_space: ClassVar[SearchSpace] = {"width": Between(4, 16, log=True, whole=True), "dropout": Among((0.0, 0.2))}


@dataclass(eq=False)
class Narrower(Searched):
    search_space: ClassVar[SearchSpace] = {"dropout": Between(0.0, 0.1)}


def test_a_randomised_search_runs_over_a_synthesizer() -> None:
    frame = pd.DataFrame({"a": range(60), "b": ["x", "y", "z"] * 20})
    synthesizer = Synthesizer(
        Searched(), trainer=Trainer(max_epochs=1, progress=False), schema={"a": "numeric"}, random_state=0
    )
    search = RandomizedSearchCV(synthesizer, param_distributions(synthesizer), n_iter=3, cv=2, random_state=0)
    search.fit(frame)
    assert set(search.best_params_) == {"model__width", "model__dropout"}
    widths = search.cv_results_["param_model__width"].tolist()
    assert all(isinstance(width, int) and 4 <= width <= 16 for width in widths)
    assert search.best_estimator_.recipe_.width == search.best_params_["model__width"]


def test_names_recipes_and_other_prefixes() -> None:
    space = param_distributions("vae", prefix="augmenter__model__")
    assert "augmenter__model__latent_dim" in space
    assert isinstance(space["augmenter__model__hidden"], list)
    assert param_distributions(Synthesizer("vae")).keys() == param_distributions("vae").keys()


def test_a_class_adds_to_what_it_derives_from() -> None:
    assert space_of(Narrower()) == {"width": Between(4, 16, log=True, whole=True), "dropout": Between(0.0, 0.1)}


def test_nothing_to_search_is_said() -> None:
    with pytest.raises(OptionError, match="Toy declares no search_space"):
        param_distributions(Toy())
    with pytest.raises(UnknownModelError, match="no-such"):
        space_of("no-such")
