"""Inputs and outputs of a graph in user types; categories are looked up at both ends."""

from __future__ import annotations

from typing import TypeAlias

import onnx
import torch
from torch import Tensor

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.table import TableEncoder
from gensynth.engine.fitted_model import FittedModel
from gensynth.export.cells import LOST, NO_TEXT, UNREAD
from gensynth.export.columns import MAP, NOISE, SCORES, ColumnPort, level_names, level_texts, ports_of
from gensynth.export.graph import ML, GraphBuilder
from gensynth.export.pixels import ImagePort, image_ports, read_image, write_image

Port: TypeAlias = ColumnPort | ImagePort

ONNX_TYPES = {
    "double": onnx.TensorProto.DOUBLE,
    "int64": onnx.TensorProto.INT64,
    "bool": onnx.TensorProto.BOOL,
    "string": onnx.TensorProto.STRING,
}
"""Types of inputs and outputs."""
TORCH_TYPES = {"double": torch.float64, "int64": torch.int64, "bool": torch.bool, "string": torch.int64}
"""The torch types for these; texts are represented by numbers."""


def table_ports(fitted: FittedModel, reserved: str) -> list[Port]:
    """Return a port for each column that is learned, and for the images, which stand last.

    Raises
    ------
    CapabilityError
        A column is of a kind that no graph can read; names it.
    """
    encoder = fitted.encoder
    taken = {*SCORES, *NOISE} | ({MAP} if encoder.image is not None else set())
    ports = ports_of(encoder, tuple(encoder.columns), reserved, taken)
    return [*ports, *image_ports(fitted, taken | {port.name for port in ports})]


def example_cells(port: Port, n: int) -> Tensor:
    """Return n cells as functions of tensors take them: zeros."""
    if isinstance(port, ImagePort):
        return torch.zeros(n, *port.widths, dtype=port.read_as)
    return torch.zeros(n, dtype=TORCH_TYPES[port.type])


def read_port(builder: GraphBuilder, encoder: TableEncoder, port: Port) -> str:
    """Add an input; return the cells (rows,), or images, that functions of tensors take: texts are looked up."""
    if isinstance(port, ImagePort):
        return read_image(builder, port)
    name = builder.input(port.name, ONNX_TYPES[port.type])
    if port.type == "string":
        texts, other = codes_of_texts(encoder, port)
        name = builder.node(
            "LabelEncoder", name, domain=ML, keys_strings=list(texts), values_int64s=list(texts.values()),
            default_int64=other,
        )  # fmt: skip
    return builder.node("Squeeze", name, builder.ints(1))


def write_port(builder: GraphBuilder, encoder: TableEncoder, port: Port, cells: str) -> None:
    """Add an output (rows, 1) from cells (rows,) as functions of tensors give them: levels become texts, or values."""
    if isinstance(port, ImagePort):
        assert encoder.image is not None
        write_image(builder, encoder.image.image, port, cells)
        return
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
