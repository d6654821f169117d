"""Export of fitted models as ONNX files, checked first, and all written or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from gensynth.engine.capabilities import require
from gensynth.engine.csv_rules import ReadingRules
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.ensemble import RowScorer
from gensynth.errors import ExportError, OptionError
from gensynth.export.check import GraphCheck, check_sampler, check_scorer, is_inexact
from gensynth.export.columns import reserved_text
from gensynth.export.metadata import SIGN, Metadata
from gensynth.export.ports import table_ports
from gensynth.export.rounding import Rounding
from gensynth.export.sampler import SamplerPlan, sampler_model
from gensynth.export.scorer import Calibration, scorer_model
from gensynth.files import atomic_write

_MOST_BYTES = 2**31 - 2**20
"""Maximal file size: protocol buffers hold less than 2 GB."""


@dataclass(frozen=True)
class CheckedGraph:
    """A graph, and what its check found."""

    model: onnx.ModelProto
    checked: GraphCheck


def scorer_graph(
    scorer: RowScorer, fitted: FittedModel, *, method: str, calibration: Calibration | None = None, check: int = 1000
) -> CheckedGraph:
    """Return the scorer of a fitted estimator.

    Parameters
    ----------
    scorer : RowScorer
        What scores rows.
    fitted : FittedModel
        One of its models.
    method : str
        Name of the score.
    calibration : Calibration or None
        Of a detector: p-values and labels become outputs too.
    check : int
        Rows on which the graph is compared with the model; 0: none.

    Raises
    ------
    CapabilityError
        The family or a column cannot be exported; says which and why.
    ExportError
        The graph does not compute what the model does.
    """
    require(fitted.recipe, "score")
    check_rows(check)
    encoder, missing_text = scorer.encoder, reserved_text(scorer.encoder)
    facts: dict[str, Any] = {"method": method, "sign": SIGN}
    if calibration is not None:
        facts |= {"threshold": calibration.offset, "n_calibration": len(calibration.scores)}
    metadata = Metadata(
        "scorer",
        type(fitted.recipe).__name__,
        encoder.schema,
        ReadingRules.of(fitted),
        missing_text,
        inputs=table_ports(fitted, missing_text),
        facts=facts,
    )
    rounding = Rounding.of(scorer, fitted)
    model = scorer_model(scorer, calibration, metadata, rounding.tie)
    return CheckedGraph(model, check_scorer(model, scorer, fitted, calibration, rounding, check))


def sampler_graph(fitted: FittedModel, *, check: int = 1000) -> CheckedGraph:
    """Return the sampler of a fitted model.

    Networks compute in float32 as they do in `FittedModel.sample`; in float64 where they draw numbers that float32 does
    not give alike everywhere (`is_inexact`).

    Parameters
    ----------
    fitted : FittedModel
        What draws rows.
    check : int
        Rows on which the graph is compared with the model; 0: none.

    Raises
    ------
    CapabilityError
        The family or a column cannot be exported; says which and why.
    ExportError
        The graph does not make the rows that the model does.
    """
    require(fitted.recipe, "sample")
    check_rows(check)
    plan, schema = SamplerPlan.of(fitted), fitted.schema
    plan = plan.in_float64() if is_inexact(plan) else plan
    facts = {
        "noise": [{"name": name, "width": width} for name, width in plan.noise_inputs],
        "float64": plan.exact,
        "left_out": {str(column.name): column.kind for column in schema.columns if not column.learned},
        "relations_not_kept": [str(relation) for relation in schema.relations],
    }
    name, reading = type(fitted.recipe).__name__, ReadingRules.of(fitted)
    metadata = Metadata("sampler", name, schema, reading, plan.missing_text, [*plan.given], plan.outputs, facts)
    model = sampler_model(plan, metadata)
    return CheckedGraph(model, check_sampler(model, plan, check))


def check_rows(check: int) -> None:
    """Raise `OptionError` unless it is a number of rows."""
    if not isinstance(check, int) or isinstance(check, bool) or check < 0:
        raise OptionError(f"check={check!r}: expected a number of rows, 0 for no check")


def write_graphs(graphs: Mapping[str | os.PathLike[str], CheckedGraph]) -> None:
    """Write files by path, all or none.

    Raises
    ------
    ExportError
        A graph is larger than ONNX files can be.
    OSError
        A file cannot be written.
    """
    for path, graph in graphs.items():
        if (size := graph.model.ByteSize()) > _MOST_BYTES:
            raise ExportError(
                f"{os.fspath(path)}: the graph has {size:,} bytes, and an ONNX file has less than 2 GB; fit a smaller "
                "model"
            )
    with contextlib.ExitStack() as files:  # all are moved into place at its end
        for path, graph in graphs.items():
            stream = files.enter_context(atomic_write(path))
            stream.write(graph.model.SerializeToString())
            stream.flush()
