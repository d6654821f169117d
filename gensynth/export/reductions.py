"""Reductions, sorting and cumulative operations along axes as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call, Value
from gensynth.export.translations import argument, axes_of, positive, shape_of, translates, type_of


@translates("sum", "mean", "amax", "amin", "prod")
def _reduce(b: GraphBuilder, call: Call) -> str:
    operation = {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin",
                 "prod": "ReduceProd"}[call.name]  # fmt: skip
    axes = axes_of(argument(call, 1, "dim"), len(shape_of(call.args[0])))
    keep = int(argument(call, 2, "keepdim", False))
    return b.node(operation, b.get(call.args[0], call.outs[0].dtype), b.ints(*axes), keepdims=keep)


@translates("max", "min")
def _max(b: GraphBuilder, call: Call) -> list[str] | str:
    operation = "Max" if call.name == "max" else "Min"
    kind = call.outs[0].dtype
    x = b.get(call.args[0], kind)
    if isinstance(argument(call, 1, "other"), Value | Tensor):
        return b.node(operation, x, b.get(call.args[1], kind))
    dim, keep = argument(call, 1, "dim"), int(argument(call, 2, "keepdim", False))
    if dim is None:
        return b.node(f"Reduce{operation}", x, keepdims=0)
    axis = positive(dim, len(shape_of(call.args[0])))
    place = b.node(f"Arg{operation}", x, axis=axis, keepdims=keep)
    return [b.node(f"Reduce{operation}", x, b.ints(axis), keepdims=keep), place]


@translates("var", "std")
def _variance(b: GraphBuilder, call: Call) -> str:
    kind, shape = call.outs[0].dtype, shape_of(call.args[0])
    correction = call.kwargs.get("correction", 1)
    axes = axes_of(argument(call, 1, "dim"), len(shape))
    keep = int(call.kwargs.get("keepdim", argument(call, 3, "keepdim", False)))
    x, n = b.get(call.args[0], kind), math.prod(shape[a] for a in axes)
    centred = b.node("Sub", x, b.node("ReduceMean", x, b.ints(*axes), keepdims=1))
    total = b.node("ReduceSum", b.node("Mul", centred, centred), b.ints(*axes), keepdims=keep)
    out = b.node("Div", total, b.constant(float(n - (1 if correction is None else correction)), kind))
    return out if call.name == "var" else b.node("Sqrt", out)


@translates("argmax", "argmin")
def _argmax(b: GraphBuilder, call: Call) -> str:
    operation = "ArgMax" if call.name == "argmax" else "ArgMin"
    dim, keep = argument(call, 1, "dim"), int(argument(call, 2, "keepdim", False))
    part = call.args[0]
    x = b.get(part, torch.int64 if type_of(part) in (torch.int32, torch.bool) else None)
    if type_of(part) == torch.int64:  # ArgMax of onnxruntime has no int64
        x = b.cast(x, torch.float64)
    if dim is None:
        x, dim, keep = b.node("Reshape", x, b.ints(-1)), 0, 0
    return b.node(operation, x, axis=positive(dim, max(len(shape_of(part)), 1)), keepdims=keep)


def log_sum_exp(b: GraphBuilder, x: str, axes: Sequence[int], kind: torch.dtype) -> tuple[str, str]:
    """Add log(sum(exp(x))) with the axes kept, and x less the maximum."""
    top = b.node("ReduceMax", x, b.ints(*axes), keepdims=1)
    finite = b.node("Greater", top, b.constant(-torch.finfo(kind).max, kind))
    top = b.node("Where", finite, top, b.constant(0.0, kind))
    moved = b.node("Sub", x, top)
    log = b.node("Log", b.node("ReduceSum", b.node("Exp", moved), b.ints(*axes), keepdims=1))
    return b.node("Add", log, top), log if not axes else b.node("Sub", moved, log)


@translates("logsumexp")
def _logsumexp(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    axes = axes_of(call.args[1], len(shape_of(call.args[0])))
    keep = int(argument(call, 2, "keepdim", False))
    return b.node("ReduceLogSumExp", b.get(call.args[0], kind), b.ints(*axes), keepdims=keep)


@translates("_log_softmax")
def _log_softmax(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    axis = positive(call.args[1], len(shape_of(call.args[0])))
    return log_sum_exp(b, b.get(call.args[0], kind), [axis], kind)[1]


@translates("_softmax")
def _softmax(b: GraphBuilder, call: Call) -> str:
    axis = positive(call.args[1], len(shape_of(call.args[0])))
    return b.node("Softmax", b.get(call.args[0], call.outs[0].dtype), axis=axis)


@translates("logaddexp")
def _logaddexp(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    x, y = (b.node("Unsqueeze", b.get(a, kind), b.ints(0)) for a in call.args[:2])
    return b.node("Squeeze", log_sum_exp(b, b.node("Concat", x, y, axis=0), [0], kind)[0], b.ints(0))


@translates("cumsum")
def _cumsum(b: GraphBuilder, call: Call) -> str:
    axis = positive(call.args[1], len(shape_of(call.args[0])))
    return b.node("CumSum", b.get(call.args[0], call.outs[0].dtype), b.constant(axis, torch.int64))


@translates("sort")
def _sort(b: GraphBuilder, call: Call) -> list[str]:
    axis = positive(argument(call, 1, "dim", -1), len(call.outs[0].shape))
    largest = int(argument(call, 2, "descending", False))
    size = b.shape([call.outs[0].shape[axis]])
    return b.nodes_of("TopK", [b.get(call.args[0]), size], 2, axis=axis, largest=largest)


@translates("topk")
def _topk(b: GraphBuilder, call: Call) -> list[str]:
    axis = positive(argument(call, 2, "dim", -1), len(call.outs[0].shape))
    largest = int(argument(call, 3, "largest", True))
    return b.nodes_of("TopK", [b.get(call.args[0]), b.ints(call.args[1])], 2, axis=axis, largest=largest)
