"""Fitted estimators from files: the models, columns and reading rules of what was fitted or exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.engine.csv_rules import ReadingRules
from gensynth.errors import OptionError
from gensynth.persistence import load
from gensynth.synthesizer import Synthesizer
from gensynth.tables import Container

if TYPE_CHECKING:
    from gensynth.detector import AnomalyDetector
    from gensynth.engine.fitted_model import FittedModel
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
