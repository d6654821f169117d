"""Recorded programs as nodes of a graph."""

from __future__ import annotations

from collections.abc import Sequence

from gensynth.export import (  # noqa: F401 - register translations
    arithmetic,
    arranging,
    convolutions,
    functions,
    lookups,
    reductions,
)
from gensynth.export.graph import GraphBuilder
from gensynth.export.program import GraphError, Program
from gensynth.export.translations import TRANSLATIONS


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
    unknown = sorted({call.name for call in program.calls} - set(TRANSLATIONS))
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
