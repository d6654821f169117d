"""Training options of a detector: recipe, number of models, and time."""

from __future__ import annotations

from copy import copy

from gensynth.engine.parameters import make_recipe
from gensynth.model import Recipe
from gensynth.training import Trainer


def prepared_recipe(model: str | Recipe, n_estimators: int | None, *, contaminated: bool) -> tuple[Recipe, int]:
    """Return the recipe to train and the number of models: one if the recipe builds an ensemble itself."""
    recipe = make_recipe(model)
    members = None if n_estimators is None else int(n_estimators)
    trained = recipe.for_detection(contaminated=contaminated, members=members)
    trained.check()
    return trained, (members or 1) if trained is recipe else 1


def recipe_of_images(model: str | Recipe, n_estimators: int | None) -> tuple[Recipe, int]:
    """Return the recipe to train on images and the number of models: the model that samples them."""
    recipe = make_recipe(model)
    recipe.check()
    return recipe.for_image_detection(), recipe.image_estimators if n_estimators is None else int(n_estimators)


def with_part_of_time(trainer: Trainer, n_runs: int) -> Trainer:
    """Return a trainer with the time limit divided by ``n_runs``, and the same callbacks."""
    if trainer.max_time is None or n_runs == 1:
        return trainer
    shared: Trainer = copy(trainer).set_params(max_time=trainer.max_time / n_runs)
    return shared
