"""Checks of a recipe's capabilities before anything is trained or sampled."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from gensynth.encoding.acceptance import split_conditions
from gensynth.encoding.table import TableEncoder
from gensynth.errors import CapabilityError, OptionError, hint
from gensynth.hookspecs import CAPABILITIES
from gensynth.model import Recipe
from gensynth.registry import default_registry

CONDITIONAL = ("conditional", "conditional-on-fitted")
"""Capabilities of conditional sampling: on any columns, or only on columns named in ``fit``."""


def able(recipe: Recipe, *capabilities: str) -> bool:
    """Whether a recipe's models have one of these capabilities."""
    return not recipe.able.isdisjoint(capabilities)


def require(recipe: Recipe, *capabilities: str) -> None:
    """Raise `CapabilityError` if a family has none of these capabilities; name installed models that do."""
    if not able(recipe, *capabilities):
        raise CapabilityError(f"{name_of(recipe)} cannot {CAPABILITIES[capabilities[0]]}; {models_that(*capabilities)}")


def require_given(recipe: Recipe, encoder: TableEncoder, conditions: Mapping[Any, Any] | pd.DataFrame) -> None:
    """Raise `CapabilityError` for conditions that a fitted model cannot meet.

    Ranges and lists of values in a mapping are no such cells: rows that meet them can be looked for among drawn ones.
    """
    if able(recipe, "conditional"):
        return
    single: Collection[Any]
    if isinstance(conditions, pd.DataFrame):
        single = conditions.columns
    else:
        single, _ = split_conditions(encoder, conditions)
    first = [column.name for column in encoder.layout.columns[: encoder.layout.n_conditions]]
    refused = [name for name in single if name in encoder.columns and name not in first]
    if not refused:
        return
    wanted = ", ".join(map(repr, refused))
    if not able(recipe, "conditional-on-fitted"):
        require(recipe, *CONDITIONAL)
    told = f"fitted with the condition columns {', '.join(map(repr, first))}" if first else "fitted without conditions"
    again = hint(f"condition_on={[*first, *refused]!r}", " ".join(f"--condition-on {n}" for n in [*first, *refused]))
    raise CapabilityError(
        f"condition on {wanted}: this {name_of(recipe)} was {told}; fit it with {again}, or use a model that can "
        f"condition on any column: {models_that('conditional')}"
    )


def score_method(recipe: Recipe, method: str | None) -> str | None:
    """Return a score method of a family; None and "auto" for its default.

    Raises
    ------
    CapabilityError
        The family cannot score.
    OptionError
        It has no such method.
    """
    require(recipe, "score")
    if method in (None, "auto"):
        return None
    if method not in recipe.score_methods:
        near = difflib.get_close_matches(str(method), recipe.score_methods, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise OptionError(
            f"{hint(f'method={method!r}', f'--score {method}')}: {name_of(recipe)} has no such score; {meant}"
            f"scores: {', '.join(recipe.score_methods)}"
        )
    return method


def models_that(*capabilities: str) -> str:
    """Return the installed models with one of these capabilities, in words."""
    names = default_registry().able(*capabilities)
    return f"models that can: {', '.join(names)}" if names else "no installed model can"


def name_of(recipe: Recipe) -> str:
    """Return the name that a recipe is registered by, or its class's."""
    entry = default_registry().entry_of(recipe)
    return type(recipe).__name__ if entry is None else f"the model {entry.spec.name!r}"
