"""Fitted models as ONNX files: made, checked, and only then moved into place."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import onnx

from gensynth.engine.capabilities import require
from gensynth.engine.ensemble import RowScorer
from gensynth.engine.fitted import FittedModel
from gensynth.errors import ExportError, OptionError
from gensynth.export.check import Checked, check_sampler, check_scorer, is_inexact
from gensynth.export.metadata import SIGN, Metadata
from gensynth.export.sampler import SamplerPlan, sampler_model
from gensynth.export.scorer import Calibration, scorer_model
from gensynth.files import atomic_write
from gensynth.model import Recipe

Path = str | os.PathLike[str]
_MOST_BYTES = 2**31 - 2**20
"""A file of protocol buffers holds less than 2 GB."""


def write_scorer(
    path: Path,
    scorer: RowScorer,
    recipe: Recipe,
    *,
    method: str,
    calibration: Calibration | None = None,
    check: int = 1000,
) -> Checked:
    """Write the scorer of a fitted model as an ONNX file.

    Parameters
    ----------
    path : path-like
        The file.
    scorer : RowScorer
        What scores rows.
    recipe : Recipe
        Of its models.
    method : str
        Name of the score.
    calibration : Calibration or None
        Of a detector: p-values and labels become outputs too.
    check : int
        Rows on which the graph is compared with the model first; 0: none.

    Raises
    ------
    CapabilityError
        The family or a column cannot be exported; says which and why, before anything is written.
    ExportError
        The graph does not compute what the model does.
    """
    require(recipe, "score")
    check_rows(check)
    facts: dict[str, Any] = {"model": type(recipe).__name__, "method": method, "sign": SIGN}
    if calibration is not None:
        facts |= {"threshold": calibration.offset, "n_calibration": len(calibration.scores)}
    metadata = Metadata("scorer", scorer.encoder.schema, facts)
    model = scorer_model(scorer, calibration, metadata)
    checked = check_scorer(model, scorer, calibration, metadata.inputs, check)
    _write(model, path)
    return checked


def write_sampler(path: Path, fitted: FittedModel, *, check: int = 1000) -> Checked:
    """Write the sampler of a fitted model as an ONNX file.

    Networks compute in float32 as they do in `FittedModel.sample`; in float64 where they draw numbers that float32 does
    not give alike everywhere (`is_inexact`).

    Parameters
    ----------
    path : path-like
        The file.
    fitted : FittedModel
        What draws rows.
    check : int
        Rows on which the graph is compared with the model first; 0: none.

    Raises
    ------
    CapabilityError
        The family or a column cannot be exported; says which and why, before anything is written.
    ExportError
        The graph does not make the rows that the model does.
    """
    require(fitted.recipe, "sample")
    check_rows(check)
    schema = fitted.schema
    facts: dict[str, Any] = {
        "model": type(fitted.recipe).__name__,
        "left_out": {str(column.name): column.kind for column in schema.columns if not column.learned},
        "relations_not_kept": [str(relation) for relation in schema.relations],
    }
    plan = SamplerPlan.of(fitted)
    metadata = Metadata("sampler", schema, facts)
    model = sampler_model(plan, metadata)
    if is_inexact(plan):
        plan = replace(plan, exact=True)
        model = sampler_model(plan, metadata)
    checked = check_sampler(model, plan, check)
    _write(model, path)
    return checked


def check_rows(check: int) -> None:
    """Raise `OptionError` unless it is a number of rows."""
    if not isinstance(check, int) or isinstance(check, bool) or check < 0:
        raise OptionError(f"check={check!r}: expected a number of rows, 0 for no check")


def _write(model: onnx.ModelProto, path: Path) -> None:
    size = model.ByteSize()
    if size > _MOST_BYTES:
        raise ExportError(f"the graph has {size:,} bytes, and an ONNX file less than 2 GB; fit a smaller model")
    with atomic_write(path) as stream:
        stream.write(model.SerializeToString())
