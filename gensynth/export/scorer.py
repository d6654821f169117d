"""Scorers: raw columns in, scores out; of a detector p-values and labels too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.table import TableEncoder
from gensynth.engine.combined import Combined
from gensynth.engine.ensemble import Ensemble, RowScorer
from gensynth.errors import CapabilityError
from gensynth.export.cells import LOST, NO_TEXT, UNREAD
from gensynth.export.columns import ColumnPort, level_texts, ports_of, reserved_text
from gensynth.export.emit import emit
from gensynth.export.encoder import encode_columns
from gensynth.export.graph import ML, TYPES, GraphBuilder
from gensynth.export.metadata import Metadata
from gensynth.export.recording import record
from gensynth.export.tails import combined_score, p_values, tie
from gensynth.model import Batch

KINDS = {
    "double": onnx.TensorProto.DOUBLE,
    "int64": onnx.TensorProto.INT64,
    "bool": onnx.TensorProto.BOOL,
    "string": onnx.TensorProto.STRING,
}
"""ONNX types of inputs and outputs."""
OUTPUTS = ("score", "p_value", "label")
TORCH_TYPES = {"double": torch.float64, "int64": torch.int64, "bool": torch.bool, "string": torch.int64}


@dataclass(frozen=True)
class Calibration:
    """What a detector decides by.

    Parameters
    ----------
    scores : ndarray of shape (n_calibration,)
        Scores that p-values are counted among.
    offset : float
        Score below which a row is an anomaly.
    """

    scores: NDArray[np.float64]
    offset: float


def scorer_model(scorer: RowScorer, calibration: Calibration | None, metadata: Metadata) -> onnx.ModelProto:
    """Return the graph of a scorer.

    Parameters
    ----------
    scorer : RowScorer
        An `Ensemble` or a `Combined`.
    calibration : Calibration or None
        Of a detector.
    metadata : Metadata
        What the file says of itself; gets the inputs.

    Raises
    ------
    CapabilityError
        The family, or a column, cannot be exported; says which and why.
    """
    encoder = scorer.encoder
    reserved = reserved_text(encoder)
    ports = ports_of(encoder, tuple(encoder.columns), reserved, OUTPUTS)
    metadata.set_inputs(ports, reserved)
    outputs = OUTPUTS if calibration is not None else OUTPUTS[:1]

    def function(*inputs: Tensor) -> Sequence[Tensor]:
        batch = encode_columns(encoder, ports, inputs)
        scores = row_scores(scorer, batch)
        if calibration is None:
            return (scores,)
        reach = float(tie(np.array([calibration.offset]))[0])
        labels = torch.where(scores < calibration.offset - reach, -1, 1)
        return scores, p_values(scores, calibration.scores), labels

    try:
        program = record(function, lambda n: [torch.zeros(n, dtype=TORCH_TYPES[port.type]) for port in ports])
        builder = GraphBuilder(program.rows)
        made = emit(program, builder, [read_port(builder, encoder, port) for port in ports])
    except CapabilityError as error:
        raise CapabilityError(f"{metadata.facts['model']} cannot be exported: it {error}") from error
    for name, own, value in zip(outputs, made, program.outputs, strict=True):
        builder.output(name, TYPES[value.dtype], own)
    return builder.finish("scorer", metadata.to_properties())


def read_port(builder: GraphBuilder, encoder: TableEncoder, port: ColumnPort) -> str:
    """Add an input; return the cells (rows,) that functions of tensors take: texts are looked up."""
    name = builder.input(port.name, KINDS[port.type])
    if port.type == "string":
        texts, other = text_codes(encoder, port)
        name = builder.node(
            "LabelEncoder", name, domain=ML, keys_strings=list(texts), values_int64s=list(texts.values()),
            default_int64=other,
        )  # fmt: skip
    return builder.node("Squeeze", name, builder.ints(1))


def text_codes(encoder: TableEncoder, port: ColumnPort) -> tuple[dict[str, int], int]:
    """Return what the texts of an input stand for, levels or places among the special texts, and what others do."""
    own = encoder.columns[port.column]
    assert isinstance(port.missing, str)
    if port.holds == "special":
        assert isinstance(own, NumberEncoder)
        return {text: i for i, text in enumerate(own.column.specials)} | {port.missing: NO_TEXT}, UNREAD
    assert isinstance(own, CategoryEncoder)
    return level_texts(own) | {port.missing: LOST}, -1


def row_scores(scorer: RowScorer, batch: Batch) -> Tensor:
    """Return the scores (n,) of encoded rows, as `RowScorer.score` gives them but for its rounding."""
    if isinstance(scorer, Combined):
        density = None if scorer.density is None else row_scores(scorer.density.scorer, batch)
        return combined_score(scorer, row_scores(scorer.ensemble, batch), density)
    assert isinstance(scorer, Ensemble)
    total: Any = 0.0
    for method, weight in scorer.weights.items():
        parts = [_members(model.scorer.score(batch, method).rows) for model in scorer.models]
        scores = torch.cat(parts) if len(parts) > 1 else parts[0]
        if scorer.scaling is not None:
            median, iqr = (
                torch.from_numpy(np.array(own[method])).unsqueeze(1)
                for own in (scorer.scaling.score_median, scorer.scaling.score_iqr)
            )
            scores = (scores - median) / iqr
        total = total + weight * scores.mean(0)
    return total  # type: ignore[no-any-return]


def _members(scores: Tensor) -> Tensor:
    return scores.unsqueeze(0) if scores.dim() == 1 else scores
