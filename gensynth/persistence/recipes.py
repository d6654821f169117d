"""Recipes as a registered name and plain values: a file names a plugin's model, never code to run."""

from __future__ import annotations

import math
from typing import Any

from gensynth.errors import ModelFileError, PluginError, UnknownModelError
from gensynth.model import Recipe
from gensynth.registry import Registry


def recipe_to_json(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """Return name, distribution, version and hyperparameters of a recipe.

    Raises
    ------
    PluginError
        The recipe's class is not registered, or a hyperparameter is not a plain value.
    """
    entry = registry.entry_of(recipe)
    if entry is None:
        raise PluginError(
            f"{type(recipe).__name__} is not registered, so that a file could not say what to load; "
            "register it in a plugin (docs/plugins.md), or use pickle"
        )
    parameters = recipe.to_json()
    for key, value in parameters.items():
        if not _is_plain(value):
            raise PluginError(f"{type(recipe).__name__}.{key}={value!r} cannot be stored as JSON")
    state = {"name": entry.spec.name, "distribution": entry.distribution, "version": entry.version}
    return {**state, "parameters": parameters}


def recipe_from_json(state: dict[str, Any], registry: Registry) -> Recipe:
    """Return the recipe that `recipe_to_json` stored.

    Raises
    ------
    UnknownModelError
        No installed plugin has the model; names the one to install.
    ModelFileError
        The installed plugin's recipe does not have the stored hyperparameters.
    """
    name, distribution = state["name"], state["distribution"]
    try:
        entry = registry.entry(f"{distribution}/{name}")
    except UnknownModelError as error:
        raise UnknownModelError(
            f"the file needs the model {name!r} of the plugin {distribution} {state['version']}, which is not "
            f"installed or did not load: pip install {distribution}"
        ) from error
    kind: type[Recipe] = registry.load(entry)
    parameters = {key: _to_tuples(value) for key, value in state["parameters"].items()}
    unknown = set(parameters) - set(kind().get_params(deep=False))
    if unknown:
        raise ModelFileError(
            f"the file's model {name!r} was made by {distribution} {state['version']} with {sorted(unknown)}, which "
            f"the installed version {entry.version} does not know: pip install '{distribution}=={state['version']}'"
        )
    return kind(**{**kind.legacy_defaults, **parameters})


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return value is None or isinstance(value, str | int)


def _to_tuples(value: Any) -> Any:
    """Return lists as the tuples that they were: a recipe's values are immutable."""
    return tuple(_to_tuples(v) for v in value) if isinstance(value, list) else value
