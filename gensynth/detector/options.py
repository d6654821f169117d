"""Recipes of detectors: what is trained, and how often."""

from __future__ import annotations

from sklearn.base import clone

from gensynth.errors import OptionError
from gensynth.model import Recipe
from gensynth.registry import default_registry


def detector_recipe(model: str | Recipe) -> Recipe:
    """Return the recipe that is trained: for a name, that of the family's ensembles made for scoring."""
    if isinstance(model, str):
        kind: type[Recipe] = default_registry().detector(model)
        return kind()
    if not isinstance(model, Recipe):
        raise OptionError(f"model={model!r}, expected a model's name or a Recipe such as gensynth.models.VAE()")
    recipe: Recipe = clone(model)
    return recipe


def prepared_recipe(model: str | Recipe, n_estimators: int | None, *, contaminated: bool) -> tuple[Recipe, int]:
    """Return what is trained of a recipe, and how many models of it: one where it makes an ensemble itself."""
    recipe = detector_recipe(model)
    recipe.check()
    members = None if n_estimators is None else int(n_estimators)
    trained = recipe.for_detection(contaminated=contaminated, members=members)
    return trained, (members or 1) if trained is recipe else 1
