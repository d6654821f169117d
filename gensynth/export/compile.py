"""Functions of encoded rows as graphs, for the contract suite."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import torch
from torch import Tensor

from gensynth.export.emit import emit
from gensynth.export.graph import TYPES, GraphBuilder
from gensynth.export.recording import PRIMES, Function, record


def compiled(
    function: Function, examples: Sequence[Tensor], name: str = "graph", primes: Sequence[int] = PRIMES
) -> onnx.ModelProto:
    """Return the graph of a function of rows.

    Parameters
    ----------
    function : callable
        From tensors whose first axis is the rows to a sequence of such.
    examples : sequence of Tensor
        Arguments of it, of one row or more; they become the inputs ``x0``, ``x1`` and so on, and the results the
        outputs ``y0`` and so on.
    name : str
        Of the graph.
    primes : sequence of int
        As for `record`.

    Raises
    ------
    GraphError
        The function is no graph: it decides by values, draws random numbers, or uses what is not translated.
    """

    def example(n: int) -> list[Tensor]:
        at = torch.arange(n) % len(examples[0])
        return [one.index_select(0, at) for one in examples]

    program = record(function, example, primes)
    inputs = [f"x{i}" for i in range(len(program.inputs))]
    outputs = [f"y{i}" for i in range(len(program.outputs))]
    builder = GraphBuilder(program.rows, [*inputs, *outputs])
    for x, one in zip(inputs, examples, strict=True):
        builder.input(x, TYPES[one.dtype], one.shape[1:])
    for y, made, value in zip(outputs, emit(program, builder, inputs), program.outputs, strict=True):
        builder.output(y, TYPES[value.dtype], made, ["N" if builder.grows(s) else s for s in value.shape])
    return builder.finish(name, {})
