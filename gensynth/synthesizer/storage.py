"""A fitted Synthesizer as the contents of a file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.archive import Archive, load_weights, recipe_from_json, recipe_to_json, weights_of
from gensynth.encoding.table import TableEncoder
from gensynth.errors import GensynthError, ModelFileError
from gensynth.model import GenerativeModel, Recipe
from gensynth.nn.randomness import seeded
from gensynth.registry import Registry
from gensynth.schema import Column, TableSchema
from gensynth.tables import Container
from gensynth.training import Trainer, pick_device

if TYPE_CHECKING:
    from gensynth.synthesizer.estimator import Synthesizer

KIND = "synthesizer"
_TRAINER = ("max_epochs", "max_time", "batch_size", "validation_fraction", "patience", "clip_norm")


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves."""

    recipe: Recipe
    encoder: TableEncoder
    model: GenerativeModel
    container: Container
    seed: int
    history: list[dict[str, Any]]


def pack(synthesizer: Synthesizer, registry: Registry) -> Archive:
    """Return the contents of a file for a fitted synthesizer."""
    encoder, arrays = synthesizer.encoder_.state()
    stages, columns = _pack_history(synthesizer.history_)
    trainer, random_state = synthesizer.trainer, synthesizer.random_state
    state = {
        "recipe": recipe_to_json(synthesizer.recipe_, registry),
        "encoder": encoder,
        "container": synthesizer.container_.to_json(),
        "seed": synthesizer.seed_,
        "stages": stages,
        "features": {
            "n": synthesizer.n_features_in_,
            "names": [str(name) for name in getattr(synthesizer, "feature_names_in_", ())],
        },
        "parameters": {
            "schema": _pack_schema(synthesizer.schema),
            "random_state": int(random_state) if isinstance(random_state, int | np.integer) else None,
            "trainer": None if trainer is None else {name: _plain(getattr(trainer, name)) for name in _TRAINER},
            **pack_relations(synthesizer.relations),
        },
    }
    arrays = {f"encoder.{name}": array for name, array in arrays.items()}
    arrays |= {f"history.{name}": array for name, array in columns.items()}
    return Archive(KIND, state, arrays, weights_of(synthesizer.model_))


def unpack(archive: Archive, device: str, registry: Registry) -> tuple[dict[str, Any], Fitted, dict[str, Any]]:
    """Return constructor parameters, what the fit left, and the features' count and names.

    Raises
    ------
    ModelFileError
        The contents do not make sense.
    UnknownModelError
        The plugin of the model is not installed.
    OptionError
        The device is not there.
    """
    place = pick_device(device)
    try:
        return _unpack(archive, place, registry)
    except GensynthError:
        raise
    except Exception as error:  # whatever else malformed contents run into
        raise ModelFileError(f"the file's contents cannot be read: {type(error).__name__}: {error}") from error


def _unpack(archive: Archive, place: Any, registry: Registry) -> tuple[dict[str, Any], Fitted, dict[str, Any]]:
    state = archive.state
    recipe = recipe_from_json(state["recipe"], registry)
    encoder = TableEncoder.from_state(state["encoder"], _part(archive.arrays, "encoder."))
    with seeded(0):
        model = recipe.build(encoder.layout)
    load_weights(model, archive.weights)
    history = _unpack_history(state["stages"], _part(archive.arrays, "history."))
    container = Container.from_json(state["container"])
    given = state["parameters"]
    parameters = {
        "model": recipe,
        "trainer": None if given["trainer"] is None else Trainer(**{k: given["trainer"][k] for k in _TRAINER}),
        "schema": None if given["schema"] is None else dict(given["schema"]),
        "condition_on": list(encoder.first) or None,
        "relations": given.get("relations", "auto"),
        "random_state": given["random_state"],
    }
    fitted = Fitted(recipe, encoder, model.to(place), container, int(state["seed"]), history)
    return parameters, fitted, {"n": int(state["features"]["n"]), "names": list(state["features"]["names"])}


def pack_relations(relations: Any) -> dict[str, Any]:
    """Return the entry of the parameter ``relations``; none where it is the default."""
    if isinstance(relations, str) and relations == "auto":
        return {}
    return {"relations": [str(relation) for relation in relations] if relations else False}


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _pack_schema(schema: TableSchema | Mapping[Any, str | Column] | None) -> list[list[Any]] | None:
    """Return names and kinds: all that a declared schema is read for."""
    if schema is None:
        return None
    pairs = [(c.name, c) for c in schema.columns] if isinstance(schema, TableSchema) else list(schema.items())
    return [[_plain(name), kind.kind if isinstance(kind, Column) else str(kind)] for name, kind in pairs]


def _pack_history(history: pd.DataFrame) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Return the stages as JSON, the numbers as arrays: JSON has neither NaN nor infinity.

    The seconds that training took stay out: two fits with one seed are the same bytes.
    """
    numbers = history.drop(columns=["stage", "seconds"], errors="ignore")
    order = {str(name): np.array(numbers[name], dtype=np.float64) for name in numbers.columns}
    # safetensors sorts names: the position keeps the order of the columns
    stages = [str(stage) for stage in history["stage"]] if "stage" in history else []
    return stages, {f"{i:03d}.{name}": values for i, (name, values) in enumerate(order.items())}


def _unpack_history(stages: list[str], arrays: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    columns = {name.partition(".")[2]: arrays[name] for name in sorted(arrays)}
    rows = []
    for i, stage in enumerate(stages):
        row: dict[str, Any] = {"stage": str(stage)}
        for name, values in columns.items():
            row[name] = int(values[i]) if name == "step" else float(values[i])
        rows.append(row)
    return rows
