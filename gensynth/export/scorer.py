"""Scorers as graphs: raw columns in; scores, p-values, labels and maps out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.engine.scoring.ensemble import RowScorer
from gensynth.export.columns import MAP, SCORES
from gensynth.export.emit import emit
from gensynth.export.encoder import encode_columns
from gensynth.export.graph import TYPES, GraphBuilder
from gensynth.export.metadata import Metadata
from gensynth.export.ports import example_cells, read_port
from gensynth.export.program import reasons_of
from gensynth.export.recording import primes_for, record
from gensynth.export.scores import has_map, row_scores, scores_and_maps
from gensynth.export.tails import TIE, p_values, tie


@dataclass(frozen=True)
class Calibration:
    """Calibration scores and threshold of a detector.

    Parameters
    ----------
    scores : ndarray of shape (n_calibration,)
        Scores that p-values are counted among.
    offset : float
        Score below which a row is an anomaly.
    """

    scores: NDArray[np.float64]
    offset: float


def scorer_model(
    scorer: RowScorer, calibration: Calibration | None, metadata: Metadata, rounding: float = TIE
) -> onnx.ModelProto:
    """Return the graph of a scorer.

    Parameters
    ----------
    scorer : RowScorer
        An `Ensemble` or a `DetectorScorer`.
    calibration : Calibration or None
        Of a detector.
    metadata : Metadata
        What the file says of itself; names the inputs.
    rounding : float
        Relative difference from threshold and calibration scores that is none (`Rounding.tie`).

    Raises
    ------
    CapabilityError
        The family cannot be exported; says why.
    """
    encoder, ports, mapped = scorer.encoder, metadata.inputs, has_map(scorer)
    outputs = [*(SCORES if calibration is not None else SCORES[:1]), *([MAP] if mapped else [])]

    def function(*inputs: Tensor) -> Sequence[Tensor]:
        batch = encode_columns(encoder, ports, inputs)
        scores, *maps = scores_and_maps(scorer, batch) if mapped else (row_scores(scorer, batch),)
        if calibration is None:
            return scores, *maps
        reach = float(tie(np.array([calibration.offset]), rounding)[0])
        labels = torch.where(scores < calibration.offset - reach, -1, 1)
        return scores, p_values(scores, calibration.scores, rounding), labels, *maps

    with reasons_of(metadata.model):
        program = record(function, lambda n: [example_cells(port, n) for port in ports], primes_for(encoder.layout))
        builder = GraphBuilder(program.rows, [*(port.name for port in ports), *outputs])
        made = emit(program, builder, [read_port(builder, encoder, port) for port in ports])
    for name, own, value in zip(outputs, made, program.outputs, strict=True):
        builder.output(name, TYPES[value.dtype], own, ("N", *value.shape[1:]))
    return builder.finish("scorer", metadata.to_properties())
