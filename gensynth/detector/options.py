"""Recipes of detectors: what is trained, and how often."""

from __future__ import annotations

from typing import Any

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
    """Return the recipe, told what it can be told, and how many models of it are to be fitted."""
    recipe = detector_recipe(model)
    recipe.check()
    known = recipe.get_params(deep=False)
    told: dict[str, Any] = {"contaminated": contaminated} if "contaminated" in known else {}
    if "n_members" not in known:
        return recipe.set_params(**told), int(n_estimators or 1)
    if n_estimators is not None:
        told["n_members"] = int(n_estimators)
    return recipe.set_params(**told), 1
