"""Graphs of functions and of table encoders, run by onnx's reference evaluator."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from gensynth.encoding.table import TableEncoder
from gensynth.export.columns import ports_of, reserved_text
from gensynth.export.compile import compiled
from gensynth.export.emit import emit
from gensynth.export.encoder import encode_columns
from gensynth.export.feeds import feeds_of
from gensynth.export.graph import GraphBuilder
from gensynth.export.ports import TORCH_TYPES, read_port
from gensynth.export.recording import Function, record
from gensynth.export.runtime import Session
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

ENCODINGS = {
    "bins": Encoding("bins", max_levels=20),
    "normal": Encoding("normal", mixed=False),
    "standard": Encoding("standard", max_atoms=0, max_levels=20),
}


def run_graph(function: Function, *inputs: Tensor, runtime: str = "reference") -> list[NDArray[Any]]:
    """Return what the graph of a function gives for these rows, an array an output."""
    session = Session(compiled(function, inputs), runtime)
    found = session.run({f"x{i}": one.numpy() for i, one in enumerate(inputs)})
    return [found[f"y{i}"] for i in range(len(found))]


def fitted_encoder(
    frame: pd.DataFrame, encoding: str = "bins", schema: Any = None, relations: Any = False
) -> TableEncoder:
    """Return the encoder of a table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inferred = TableSchema.infer(frame, schema)
        return TableEncoder(inferred, ENCODINGS[encoding], (), relations).fit(inferred.align(frame))


def graph_rows(encoder: TableEncoder, frame: pd.DataFrame) -> list[NDArray[Any]]:
    """Return codes, numbers and log-Jacobians of a table by the graph."""
    ports = ports_of(encoder, tuple(encoder.columns), reserved_text(encoder), ())

    def function(*inputs: Tensor) -> Sequence[Tensor]:
        batch = encode_columns(encoder, ports, inputs)
        assert batch.log_jacobian is not None
        return batch.codes, batch.numeric, batch.log_jacobian

    program = record(function, lambda n: [torch.zeros(n, dtype=TORCH_TYPES[port.type]) for port in ports])
    builder = GraphBuilder(program.rows, [*(port.name for port in ports), "codes", "numbers", "jacobian"])
    made = emit(program, builder, [read_port(builder, encoder, port) for port in ports])
    kinds = (onnx.TensorProto.INT64, onnx.TensorProto.DOUBLE, onnx.TensorProto.DOUBLE)
    widths = (len(encoder.layout.columns), encoder.layout.n_numeric, encoder.layout.n_numeric)
    for name, kind, own, width in zip(("codes", "numbers", "jacobian"), kinds, made, widths, strict=True):
        builder.output(name, kind, own, ("N", width))
    found = Session(builder.finish("encoder", {}), "reference").run(feeds_of(frame, encoder.schema, ports))
    return [found["codes"], found["numbers"], found["jacobian"]]


def assert_same_rows(encoder: TableEncoder, frame: pd.DataFrame) -> None:
    """The graph encodes a table as the encoder does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = encoder.encode(encoder.schema.align(frame), jacobian=True)
        codes, numbers, jacobian = graph_rows(encoder, frame)
    differ = {
        column.name: list(zip(codes[bad, i][:5].tolist(), rows.codes[bad, i][:5].tolist(), strict=True))
        for i, column in enumerate(encoder.layout.columns)
        if (bad := codes[:, i] != rows.codes[:, i]).any()
    }
    assert not differ
    np.testing.assert_allclose(numbers, rows.numeric, rtol=1e-12, atol=1e-12)
    assert rows.log_jacobian is not None
    np.testing.assert_allclose(jacobian, rows.log_jacobian, rtol=1e-12, atol=1e-12)
