"""Inputs and outputs of a graph in the types that users see; texts are looked up on the way in and out."""

from __future__ import annotations

import onnx
import torch

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.table import TableEncoder
from gensynth.export.cells import LOST, NO_TEXT, UNREAD
from gensynth.export.columns import ColumnPort, level_names, level_texts
from gensynth.export.graph import ML, GraphBuilder

ONNX_TYPES = {
    "double": onnx.TensorProto.DOUBLE,
    "int64": onnx.TensorProto.INT64,
    "bool": onnx.TensorProto.BOOL,
    "string": onnx.TensorProto.STRING,
}
"""Types of inputs and outputs."""
TORCH_TYPES = {"double": torch.float64, "int64": torch.int64, "bool": torch.bool, "string": torch.int64}
"""Types of the cells that functions of tensors take and give for them: texts are numbers there."""


def read_port(builder: GraphBuilder, encoder: TableEncoder, port: ColumnPort) -> str:
    """Add an input; return the cells (rows,) that functions of tensors take: texts are looked up."""
    name = builder.input(port.name, ONNX_TYPES[port.type])
    if port.type == "string":
        texts, other = codes_of_texts(encoder, port)
        name = builder.node(
            "LabelEncoder", name, domain=ML, keys_strings=list(texts), values_int64s=list(texts.values()),
            default_int64=other,
        )  # fmt: skip
    return builder.node("Squeeze", name, builder.ints(1))


def write_port(builder: GraphBuilder, encoder: TableEncoder, port: ColumnPort, cells: str) -> None:
    """Add an output (rows, 1) from cells (rows,) as functions of tensors give them: levels become texts."""
    if port.type == "string":
        texts = texts_of_codes(encoder, port)
        cells = builder.node(
            "LabelEncoder", cells, domain=ML, keys_int64s=list(texts), values_strings=list(texts.values()),
            default_string=texts[_missing_code(port)],
        )  # fmt: skip
    builder.output(port.name, ONNX_TYPES[port.type], builder.node("Unsqueeze", cells, builder.ints(1)), ("N", 1))


def codes_of_texts(encoder: TableEncoder, port: ColumnPort) -> tuple[dict[str, int], int]:
    """Return what the texts of an input stand for, levels or places among the special texts, and what others do."""
    own = encoder.columns[port.column]
    assert isinstance(port.missing, str)
    if port.holds == "special":
        assert isinstance(own, NumberEncoder)
        return {text: i for i, text in enumerate(own.column.specials)} | {port.missing: NO_TEXT}, UNREAD
    assert isinstance(own, CategoryEncoder)
    return level_texts(own.labels.index) | {port.missing: LOST}, -1


def texts_of_codes(encoder: TableEncoder, port: ColumnPort) -> dict[int, str]:
    """Return the texts of levels, or of places among the special texts."""
    own = encoder.columns[port.column]
    assert isinstance(port.missing, str)
    if port.holds == "special":
        assert isinstance(own, NumberEncoder)
        texts = dict(enumerate(own.column.specials))
    else:
        assert isinstance(own, CategoryEncoder)
        texts = dict(enumerate(level_names(own.labels.index)))
    return texts | {_missing_code(port): port.missing}


def _missing_code(port: ColumnPort) -> int:
    return NO_TEXT if port.holds == "special" else LOST
