"""What a detector's parameters come to: the recipe, how many models, which columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.base import clone

from gensynth.constraints import check_parameters
from gensynth.errors import OptionError
from gensynth.model import Recipe
from gensynth.registry import default_registry
from gensynth.schema import Column, TableSchema, check_labels

if TYPE_CHECKING:
    from gensynth.detector.estimator import AnomalyDetector


def check_options(detector: AnomalyDetector) -> None:
    """Raise `OptionError` for a parameter that is out of its range."""
    check_parameters(detector)
    kept = detector.calibration_fraction
    if kept is not None and not detector.novelty:
        raise OptionError(f"calibration_fraction={kept!r} needs novelty=True: without it all rows are learned from")


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


def kept_constants(
    frame: pd.DataFrame, declared: TableSchema | Mapping[Any, str | Column] | None
) -> TableSchema | Mapping[Any, str | Column] | None:
    """Return a schema that learns constants too: a column that never changed is the first to look at when it does.

    One that held nothing but missing values becomes a category without levels: any value is a new one.
    """
    kinds: dict[Any, str | Column] = {}
    if isinstance(declared, TableSchema):
        kinds = {column.name: column for column in declared.columns}
    elif isinstance(declared, Mapping):
        kinds = dict(declared)
    empty = [name for name in check_labels(frame) if frame[name].isna().all()]
    single = [name for name in check_labels(frame) if name in empty or _is_single(frame[name])]
    if not single or len(empty) == len(frame.columns):
        return declared
    schema = TableSchema.infer(frame[single], {name: kind for name, kind in kinds.items() if name in single})
    constants = [c.name for c in schema.columns if c.kind == "constant"]
    if not constants:
        return declared
    kept = TableSchema.infer(frame[constants], keep=constants)
    return {**kinds, **{name: "categorical" if name in empty else kept[name].kind for name in constants}}


def _is_single(series: pd.Series[Any]) -> bool:
    """Whether all cells are one value."""
    if series.isna().any():
        return False
    try:
        first = series.iloc[0]
        return bool((series.iloc[:100] == first).all() and (series == first).all())
    except (TypeError, ValueError):  # cells that cannot be compared
        return False
