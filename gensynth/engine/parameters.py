"""Parameters that several estimators share: conversion and validation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from gensynth.constraints import plain_parameters, whole
from gensynth.errors import ConditionError, OptionError
from gensynth.model import Recipe
from gensynth.registry import default_registry
from gensynth.training import Trainer

_SEED = whole(0, 2**32 - 1)

RandomState = int | np.random.Generator | np.random.RandomState | None


def make_recipe(model: str | Recipe) -> Recipe:
    """Return a new recipe from a model's name, or a copy of a recipe.

    Raises
    ------
    UnknownModelError
        No model has this name.
    OptionError
        Neither a name nor a recipe.
    """
    if isinstance(model, str):
        kind: type[Recipe] = default_registry().recipe(model)
        return kind()
    if not isinstance(model, Recipe):
        raise OptionError(f"model={model!r}, expected a model's name or a Recipe such as gensynth.models.VAE()")
    recipe: Recipe = clone(model)
    recipe.set_params(**dict(plain_parameters(recipe.get_params(deep=False))))
    return recipe


class NestedParameters(BaseEstimator):
    """Base of estimators whose parameters ``model`` and ``trainer`` may be a model's name and None."""

    model: Any
    trainer: Any

    @staticmethod
    def _default_trainer() -> Trainer:
        """Return the trainer to use if ``trainer`` is None."""
        return Trainer()

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``model__...`` and ``trainer__...`` work for a model's name and the default trainer too."""
        if isinstance(params.get("model", self.model), str) and any(p.startswith("model__") for p in params):
            params["model"] = make_recipe(params.get("model", self.model))
        if params.get("trainer", self.trainer) is None and any(p.startswith("trainer__") for p in params):
            params["trainer"] = self._default_trainer()
        super().set_params(**params)
        return self


def labels_of(condition_on: str | int | Sequence[str | int] | None) -> tuple[str | int, ...]:
    """Return the labels of ``condition_on`` as a tuple."""
    if condition_on is None:
        return ()
    return (condition_on,) if isinstance(condition_on, str | int) else tuple(condition_on)


def seed_of(random_state: RandomState) -> int:
    """Return a seed in [0, 2**32): never one from numpy's global generator."""
    if random_state is None:
        return secrets.randbits(32)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**32, dtype=np.uint32))
    if _SEED.allows(random_state):
        return int(random_state)
    raise OptionError(f"random_state={random_state!r}, expected an integer in [0, 2**32), a Generator or None")


def count_of(n_samples: int | None, conditions: Mapping[Any, Any] | pd.DataFrame | None) -> int:
    """Return how many rows to draw; raises where ``n_samples`` and a table of conditions do not agree."""
    if n_samples is None:
        return len(conditions) if isinstance(conditions, pd.DataFrame) else 1
    if not whole(0).allows(n_samples):
        raise OptionError(f"n_samples={n_samples!r}, expected an integer >= 0")
    if isinstance(conditions, pd.DataFrame) and len(conditions) != n_samples:
        raise ConditionError(f"n_samples={n_samples}, but the table of conditions has {len(conditions)} rows")
    return int(n_samples)
