"""Builder of an ONNX graph: nodes, constants, shapes that depend on the number of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor

from gensynth.export.program import Value

OPSET, ML_OPSET, IR_VERSION = 20, 4, 10
ML = "ai.onnx.ml"

TYPES: dict[torch.dtype, int] = {
    torch.float64: onnx.TensorProto.DOUBLE,
    torch.float32: onnx.TensorProto.FLOAT,
    torch.int64: onnx.TensorProto.INT64,
    torch.int32: onnx.TensorProto.INT32,
    torch.bool: onnx.TensorProto.BOOL,
    torch.uint8: onnx.TensorProto.UINT8,
}
"""Types of tensors that graphs have."""


class GraphBuilder:
    """Nodes and constants of one graph.

    Parameters
    ----------
    rows : int
        Number of rows of the run that was recorded: sizes that it divides grow with the rows.
    ports : collection of str
        Names of the inputs and outputs, any text: nothing within the graph gets one of them.
    """

    def __init__(self, rows: int, ports: Collection[str]) -> None:
        self.rows = rows
        self.used = set(ports)
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.nodes: list[Any] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.initializers: list[Any] = []
        self.names: dict[int, str] = {}
        self.known: dict[tuple[Any, ...], list[str]] = {}
        self.arrays: dict[str, NDArray[Any]] = {}
        self.sums: dict[str, tuple[str, str]] = {}
        self.n_rows: str | None = None

    def input(self, name: str, dtype: int, widths: Sequence[int] = (1,)) -> str:
        """Add an input (rows, *widths)."""
        self.inputs.append(helper.make_tensor_value_info(name, dtype, ["N", *widths]))
        return name

    def output(self, name: str, dtype: int, made: str, shape: Sequence[str | int] = ("N",)) -> None:
        """Add an output from what is already made; "N" is the number of rows."""
        self.outputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))
        self.nodes.append(helper.make_node("Identity", [made], [name]))

    def node(self, operation: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; the same node again is the one that there is.

        Constants that are added one after the other are added at once.
        """
        if operation == "Add" and inputs[1] in self.arrays and inputs[0] not in self.arrays:
            value, added = self.sums.get(inputs[0], (inputs[0], ""))
            total = self.arrays[inputs[1]]
            if added and total.dtype.kind == "f" and total.ndim <= self.arrays[added].ndim:
                inputs = (value, self.constant(self.arrays[added] + total))
            (out,) = self.nodes_of(operation, inputs, 1)
            self.sums[out] = inputs[0], inputs[1]
            return out
        (out,) = self.nodes_of(operation, inputs, 1, domain, **attributes)
        return out

    def nodes_of(
        self, operation: str, inputs: Sequence[str], n_outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        key = (operation, tuple(inputs), n_outputs, domain, repr(attributes))
        if key not in self.known:
            outs = [self.free(f"v{len(self.nodes)}_{i}") for i in range(n_outputs)]
            self.nodes.append(helper.make_node(operation, list(inputs), outs, domain=domain, **attributes))
            self.known[key] = outs
        return self.known[key]

    def free(self, name: str) -> str:
        """Return a name that nothing in the graph has: this one, or with underscores behind it."""
        while name in self.used:
            name += "_"
        self.used.add(name)
        return name

    def constant(self, value: Any, dtype: torch.dtype | None = None) -> str:
        """Return the name of a constant: a number, a list of numbers, an array or a tensor."""
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        elif not isinstance(value, np.ndarray):
            value = torch.tensor(value, dtype=dtype).numpy()
        array: NDArray[Any] = np.array(value, order="C")  # keeps the shape () of numbers
        if dtype is not None:
            array = array.astype(torch.empty(0, dtype=dtype).numpy().dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            name = self.free(f"c{len(self.constants)}")
            self.constants[key] = name
            self.initializers.append(numpy_helper.from_array(array, name))
            self.arrays[name] = array
        return self.constants[key]

    def ints(self, *values: int) -> str:
        """Return the name of a constant vector of whole numbers."""
        return self.constant(np.array(values, dtype=np.int64))

    def get(self, part: Any, dtype: torch.dtype | None = None) -> str:
        """Return the name of a value, a constant tensor or a number, in a type."""
        if isinstance(part, Value):
            name = self.names[id(part)]
            return name if dtype is None or part.dtype == dtype else self.cast(name, dtype)
        if isinstance(part, Tensor):
            return self.constant(part if dtype is None else part.to(dtype))
        return self.constant(part, dtype)

    def cast(self, name: str, dtype: torch.dtype) -> str:
        """Return a tensor in another type."""
        return self.node("Cast", name, to=TYPES[dtype])

    def grows(self, size: int) -> bool:
        """Whether a size grows with the rows."""
        return bool(size) and size % self.rows == 0

    def count(self) -> str:
        """Return the number of rows, as a vector of one entry."""
        if self.n_rows is None:
            self.n_rows = self.node("Shape", self.inputs[0].name, start=0, end=1)
        return self.n_rows

    def size(self, size: int, dtype: torch.dtype) -> str:
        """Return a size as a number."""
        number = self.node("Squeeze", self.shape([size])) if self.grows(size) else self.constant(size, torch.int64)
        return number if dtype == torch.int64 else self.cast(number, dtype)

    def shape(self, sizes: Sequence[int], *, inferred: bool = False) -> str:
        """Return a shape as a tensor; ``inferred``: for a reshaping, which tells one growing size by itself."""
        growing = [size for size in sizes if self.grows(size)]
        if not growing:
            return self.ints(*sizes)
        if inferred and len(growing) == 1:
            return self.ints(*(-1 if self.grows(size) else size for size in sizes))
        parts = [
            self.node("Mul", self.count(), self.ints(size // self.rows)) if self.grows(size) else self.ints(size)
            for size in sizes
        ]
        return self.node("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]

    def reshape(self, name: str, sizes: Sequence[int]) -> str:
        """Return a tensor in another shape."""
        if 0 in sizes:  # no growing size follows from the others, and a 0 else stands for the size that was there
            return self.node("Reshape", name, self.shape(sizes), allowzero=1)
        return self.node("Reshape", name, self.shape(sizes, inferred=True))

    @contextlib.contextmanager
    def scope(self) -> Iterator[list[Any]]:
        """Collect the nodes made within the block: those of a loop step, which sees all earlier nodes."""
        outside = self.nodes, self.known, self.sums
        self.nodes, self.known, self.sums = [], dict(self.known), dict(self.sums)
        try:
            yield self.nodes
        finally:
            self.nodes, self.known, self.sums = outside

    def _needed(self) -> list[Any]:
        """Return the nodes that the outputs depend on."""
        wanted, kept = {output.name for output in self.outputs}, []
        for node in reversed(self.nodes):
            if any(out in wanted for out in node.output):
                kept.append(node)
                wanted.update(_read_by(node))
        return kept[::-1]

    def finish(self, name: str, properties: dict[str, str]) -> onnx.ModelProto:
        """Return the checked model."""
        nodes = self._needed()
        read = {one for node in nodes for one in _read_by(node)}
        constants = [constant for constant in self.initializers if constant.name in read]
        graph = helper.make_graph(nodes, name, self.inputs, self.outputs, constants)
        domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION, producer_name="gensynth")
        helper.set_model_props(model, properties)
        onnx.checker.check_model(model)
        return model


def _read_by(node: Any) -> Iterator[str]:
    """Yield what a node reads, and the nodes within it."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read_by(inner)
        yield from (output.name for output in attribute.g.output)
