"""Emission of recorded programs as nodes of a graph."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import helper

from gensynth.export import (  # noqa: F401 - register translations
    arithmetic,
    arranging,
    convolutions,
    functions,
    lookups,
    reductions,
)
from gensynth.export.graph import TYPES, GraphBuilder
from gensynth.export.program import LOOP, Call, GraphError, Program
from gensynth.export.translations import TRANSLATIONS, translates


def emit(program: Program, builder: GraphBuilder, inputs: Sequence[str]) -> list[str]:
    """Add the nodes of a recorded program; return the names of its outputs.

    Parameters
    ----------
    program : Program
        What was recorded.
    builder : GraphBuilder
        Gets the nodes.
    inputs : sequence of str
        Names of what stands for the program's inputs.

    Raises
    ------
    GraphError
        There is no translation of an operation.
    """
    unknown = sorted(program.operations() - set(TRANSLATIONS))
    if unknown:
        raise GraphError(f"uses {', '.join(f'torch.ops.aten.{n}' for n in unknown)}, not translated to ONNX")
    for value, name in zip(program.inputs, inputs, strict=True):
        builder.names[id(value)] = name
    for call in program.calls:
        made = TRANSLATIONS[call.name](builder, call)
        outs = [made] if isinstance(made, str) else made
        for value, name in zip(call.outs, outs, strict=False):
            builder.names[id(value)] = name
    return [builder.get(output) for output in program.outputs]


@translates(LOOP)
def _loop(b: GraphBuilder, call: Call) -> str:
    """Add a loop; its step reads what stands around it, and the state goes from one to the next."""
    body, times, start = call.args[:3]
    (state,), kind = call.outs, TYPES[call.outs[0].dtype]
    number, condition, before, onward, after, out = (b.free(name) for name in ("i", "on", "s", "go", "t", "loop"))
    first = b.get(start)
    b.count()  # what is made within the loop is not to be had outside
    with b.scope() as nodes:
        (made,) = emit(body, b, [b.node("Unsqueeze", number, b.ints(0)), before])
        nodes += [helper.make_node("Identity", [condition], [onward]), helper.make_node("Identity", [made], [after])]
        sizes = ["N" if b.grows(size) else size for size in state.shape]
        step = helper.make_graph(
            nodes,
            "step",
            [
                helper.make_tensor_value_info(number, onnx.TensorProto.INT64, []),
                helper.make_tensor_value_info(condition, onnx.TensorProto.BOOL, []),
                helper.make_tensor_value_info(before, kind, sizes),
            ],
            [
                helper.make_tensor_value_info(onward, onnx.TensorProto.BOOL, []),
                helper.make_tensor_value_info(after, kind, sizes),
            ],
        )
    b.nodes.append(helper.make_node("Loop", [b.constant(times), b.constant(True), first], [out], body=step))
    return out
