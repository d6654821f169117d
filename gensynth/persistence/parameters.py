"""Constructor parameters of estimators as plain JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gensynth.schema import Column, TableSchema
from gensynth.training import Trainer

_TRAINER = ("max_epochs", "max_time", "batch_size", "validation_fraction", "patience", "clip_norm")
"""Parameters of the trainer that are saved: those that determine what is learned."""

_LATER = (("warm_start", False), ("image_shape", None))
"""Parameters added since the format, with defaults; defaults are not written, so that files stay unchanged."""


def parameters_to_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return an estimator's parameters, but for the model, whose recipe is stored by name."""
    given = {name: value for name, value in parameters.items() if name != "model" and (name, value) not in _LATER}
    return {name: _to_json(name, value) for name, value in given.items()}


def parameters_from_json(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `parameters_to_json` stored."""
    parameters = dict(state)
    if parameters["trainer"] is not None:
        parameters["trainer"] = Trainer(**{name: parameters["trainer"][name] for name in _TRAINER})
    if parameters["schema"] is not None:
        parameters["schema"] = dict(parameters["schema"])
    return parameters


def _to_json(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if name == "trainer" and value is not None:
        return {option: _to_json(option, getattr(value, option)) for option in _TRAINER}
    if name == "schema":
        return _declared(value)
    if name == "relations" and value and not isinstance(value, str):
        return [str(relation) for relation in value]
    if name == "random_state" and not isinstance(value, int):
        return None  # a generator: the seed that was drawn from it is stored
    return list(value) if isinstance(value, tuple) else value


def _declared(schema: TableSchema | Mapping[Any, str | Column] | None) -> list[list[Any]] | None:
    """Return names and kinds: all that a declared schema is read for."""
    if schema is None:
        return None
    pairs = [(c.name, c) for c in schema.columns] if isinstance(schema, TableSchema) else list(schema.items())
    return [[_to_json("", name), kind.kind if isinstance(kind, Column) else str(kind)] for name, kind in pairs]
