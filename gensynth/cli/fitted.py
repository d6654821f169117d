"""Fitted estimators from files, and their notes about the rows that they score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.engine.reading import ReadingRules
from gensynth.engine.reasons import chosen_columns
from gensynth.errors import OptionError
from gensynth.persistence import load
from gensynth.synthesizer import Synthesizer
from gensynth.tables import Container

if TYPE_CHECKING:
    import pandas as pd

    from gensynth.detector import AnomalyDetector
    from gensynth.engine.analysis import Analysis
    from gensynth.engine.fitted import FittedModel
    from gensynth.export.metadata import Metadata
    from gensynth.export.runtime import OnnxScorer
    from gensynth.schema.image import ImageSchema


def load_synthesizer(source: Path, command: str) -> Synthesizer:
    """Return the synthesizer of a model file; raise `OptionError` if it holds a detector."""
    found = load(source)
    if not isinstance(found, Synthesizer):
        raise OptionError(
            f"{source} holds an anomaly detector, which can score rows but not {command} them; gensynth fit DATA -o "
            f"MODEL.gensynth writes a model that gensynth {command} works with"
        )
    # files are written from DataFrames, whatever was fitted: polars or an array
    found.fitted_.container = Container(style=found.fitted_.container.style)
    return found


def reading_rules(fitted: Synthesizer | AnomalyDetector | OnnxScorer) -> ReadingRules:
    """Return how a fitted or exported estimator reads CSV cells."""
    told = _metadata(fitted)
    return ReadingRules.of(_first_model(fitted)) if told is None else told.reading


def models_of(fitted: Synthesizer | AnomalyDetector) -> list[FittedModel]:
    """Return the models of a fitted estimator."""
    if isinstance(fitted, Synthesizer):
        return [fitted.fitted_]
    density = fitted.density_
    return [*fitted.estimators_, *([] if density is None else [density.model])]


def image_schema(fitted: Synthesizer | AnomalyDetector | OnnxScorer) -> ImageSchema | None:
    """Return the schema of the images of a fitted or exported estimator; None for tables."""
    told = _metadata(fitted)
    column = (_first_model(fitted) if told is None else told).schema.image
    return None if column is None else column.image


def _metadata(fitted: object) -> Metadata | None:
    """Return the metadata of an exported graph, by attribute because its class imports onnx."""
    return getattr(fitted, "metadata", None)


def _first_model(fitted: Any) -> FittedModel:
    model: FittedModel = fitted.fitted_ if isinstance(fitted, Synthesizer) else fitted.estimators_[0]
    return model


def fitted_names(fitted: Synthesizer | AnomalyDetector | OnnxScorer) -> tuple[str | int, ...]:
    """Return the fitted columns of an estimator or exported graph."""
    told = _metadata(fitted)
    return (_first_model(fitted) if told is None else told).schema.names


def explained(analysis: Analysis, max_columns: int) -> dict[str, list[str]]:
    """Return the columns ``top_columns`` and ``reason``, which explain the score of each row."""
    found = analysis.attributions()
    said = analysis.reasons(attributions=found, max_columns=max_columns)
    return {"top_columns": top_columns(found, max_columns), "reason": said}


def top_columns(attributions: pd.DataFrame, max_columns: int) -> list[str]:
    """Return for each row the columns that its reason names, the one with the largest attribution first."""
    order, enough = chosen_columns(attributions, max_columns)
    names = [str(name) for name in attributions.columns]
    return [", ".join(names[i] for i in row[keep]) for row, keep in zip(order, enough, strict=True)]
