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

from gensynth.engine.combined import Combined
from gensynth.engine.ensemble import Ensemble, RowScorer
from gensynth.engine.scoring import by_member
from gensynth.export.columns import SCORES
from gensynth.export.emit import emit
from gensynth.export.encoder import encode_columns
from gensynth.export.graph import TYPES, GraphBuilder
from gensynth.export.metadata import Metadata
from gensynth.export.ports import TORCH_TYPES, read_port
from gensynth.export.program import reasons_of
from gensynth.export.recording import record
from gensynth.export.tails import combined_score, p_values, tie
from gensynth.model import Batch


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
        What the file says of itself; names the inputs.

    Raises
    ------
    CapabilityError
        The family cannot be exported; says why.
    """
    encoder, ports = scorer.encoder, metadata.inputs
    outputs = SCORES if calibration is not None else SCORES[:1]

    def function(*inputs: Tensor) -> Sequence[Tensor]:
        batch = encode_columns(encoder, ports, inputs)
        scores = row_scores(scorer, batch)
        if calibration is None:
            return (scores,)
        reach = float(tie(np.array([calibration.offset]))[0])
        labels = torch.where(scores < calibration.offset - reach, -1, 1)
        return scores, p_values(scores, calibration.scores), labels

    with reasons_of(metadata.model):
        program = record(function, lambda n: [torch.zeros(n, dtype=TORCH_TYPES[port.type]) for port in ports])
        builder = GraphBuilder(program.rows, [*(port.name for port in ports), *outputs])
        made = emit(program, builder, [read_port(builder, encoder, port) for port in ports])
    for name, own, value in zip(outputs, made, program.outputs, strict=True):
        builder.output(name, TYPES[value.dtype], own)
    return builder.finish("scorer", metadata.to_properties())


def row_scores(scorer: RowScorer, batch: Batch) -> Tensor:
    """Return the scores (n,) of encoded rows, as `RowScorer.score` gives them but for its rounding."""
    if isinstance(scorer, Combined):
        density = None if scorer.density is None else row_scores(scorer.density.scorer, batch)
        return combined_score(scorer, row_scores(scorer.ensemble, batch), density)
    assert isinstance(scorer, Ensemble)
    total: Any = 0.0
    for method, weight in scorer.weights.items():
        parts = [by_member(model.scorer.score(batch, method).rows, 1) for model in scorer.models]
        scores = torch.cat(parts) if len(parts) > 1 else parts[0]
        if scorer.scaling is not None:
            median, iqr = (
                torch.from_numpy(np.array(own[method])).unsqueeze(1)
                for own in (scorer.scaling.score_median, scorer.scaling.score_iqr)
            )
            scores = (scores - median) / iqr
        total = total + weight * scores.mean(0)
    return total  # type: ignore[no-any-return]
