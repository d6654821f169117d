"""Summary of a fitted model: family, columns, those that are not learned and why, training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gensynth.engine.fitted_model import FittedModel
from gensynth.registry import default_registry
from gensynth.schema import Column, TableSchema


def family_facts(fitted: FittedModel) -> dict[str, str | None]:
    """Return a model's registered name and its plugin; None if it is not registered."""
    entry = default_registry().entry_of(fitted.recipe)
    if entry is None:
        return {"model": None, "plugin": None}
    return {"model": entry.spec.name, "plugin": f"{entry.distribution} {entry.version}"}


def n_weights(fitted: FittedModel) -> int:
    """Return the number of trained weights."""
    return sum(parameter.numel() for parameter in fitted.model.parameters())


def column_facts(column: Column) -> dict[str, Any]:
    """Return the kind of a column."""
    found: dict[str, Any] = {"name": column.name, "kind": column.kind, "dtype": column.dtype, "missing": column.missing}
    if column.format is not None:
        found["format"] = column.format
    if column.image is not None:
        found["dtype"] = f"{np.dtype(column.image.dtype).name}, {column.image.size}, {column.image.levels} levels"
    return found


def left_out(schema: TableSchema) -> dict[str, str]:
    """Return the reasons why columns are not learned, by name."""
    return {str(column.name): _why(column) for column in schema.columns if column.kind in ("identifier", "constant")}


def _why(column: Column) -> str:
    if column.kind == "identifier":
        return "an identifier: made up anew"
    return "no value at all" if column.value is None else "one value only"


def kinds_told(columns: Sequence[Column]) -> str:
    """Return the number of columns of each kind: "2 numeric, 1 categorical"."""
    kinds = [column.kind for column in columns]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def training_facts(fitted: FittedModel) -> dict[str, Any]:
    """Return epochs, seconds (None for a model that was read from a file), stages and every evaluation of the training.

    A stage has its epochs, and its ``best`` loss on held-out rows, whose weights were kept.
    """
    history = fitted.history
    seconds = float(history["seconds"].max()) if "seconds" in history and len(history) else None
    rounds = history_facts(history)
    stages: dict[str, dict[str, Any]] = {}
    for row in rounds:
        if "monitor" in row:
            stage = stages.setdefault(str(row.get("stage", "")), {"epochs": 0.0, "best": math.inf})
            stage["epochs"] = row.get("epoch", 0.0)
            stage["best"] = min(stage["best"], row["monitor"])
    return {"epochs": fitted.n_epochs, "seconds": seconds, "stages": stages, "history": rounds}


def history_facts(history: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the evaluations of a training as plain values, without missing ones."""
    return [
        {str(name): plain for name, value in row.items() if (plain := _plain(value)) is not None}
        for row in history.to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    """Return a JSON value; None for what is missing."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
