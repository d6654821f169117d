"""Recipes of detectors: what is trained, and how often."""

from __future__ import annotations

from gensynth.engine.parameters import make_recipe
from gensynth.model import Recipe


def prepared_recipe(model: str | Recipe, n_estimators: int | None, *, contaminated: bool) -> tuple[Recipe, int]:
    """Return what is trained of a recipe, and how many models of it: one where it makes an ensemble itself."""
    recipe = make_recipe(model)
    members = None if n_estimators is None else int(n_estimators)
    trained = recipe.for_detection(contaminated=contaminated, members=members)
    trained.check()
    return trained, (members or 1) if trained is recipe else 1
