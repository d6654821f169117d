"""Shapes, slices, concatenations and constants as ONNX nodes."""

from __future__ import annotations

from typing import Any

import torch

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call, GraphError
from gensynth.export.translations import argument, axes_of, positive, shape_of, translates

_LAST = 2**62
"""Slice ends beyond this mean the end of the axis."""


@translates("view", "_unsafe_view")
def _view(b: GraphBuilder, call: Call) -> str:
    return b.reshape(b.get(call.args[0]), call.outs[0].shape)


@translates("t", "transpose", "permute")
def _transpose(b: GraphBuilder, call: Call) -> str:
    n = len(shape_of(call.args[0]))
    order = list(range(n))
    if call.name == "permute":
        order = [positive(d, n) for d in call.args[1]]
    elif call.name == "transpose":
        one, other = (positive(d, n) for d in call.args[1:3])
        order[one], order[other] = order[other], order[one]
    else:
        order = order[::-1]
    return b.node("Transpose", b.get(call.args[0]), perm=order)


@translates("unsqueeze")
def _unsqueeze(b: GraphBuilder, call: Call) -> str:
    return b.node("Unsqueeze", b.get(call.args[0]), b.ints(positive(call.args[1], len(call.outs[0].shape))))


@translates("squeeze")
def _squeeze(b: GraphBuilder, call: Call) -> str:
    shape = shape_of(call.args[0])
    axes = [a for a in axes_of(argument(call, 1, "dim"), len(shape)) if shape[a] == 1]
    return b.node("Squeeze", b.get(call.args[0]), b.ints(*axes)) if axes else b.get(call.args[0])


@translates("expand", "repeat")
def _expand(b: GraphBuilder, call: Call) -> str:
    own, wanted = shape_of(call.args[0]), call.outs[0].shape
    x = b.get(call.args[0])
    if call.name == "repeat":
        times = [w // o for w, o in zip(wanted, (1,) * (len(wanted) - len(own)) + own, strict=True)]
        if len(wanted) > len(own):
            x = b.node("Unsqueeze", x, b.ints(*range(len(wanted) - len(own))))
        return b.node("Tile", x, b.shape(times))
    # what has its size already is asked for size 1: the size of the rows is then not computed
    aligned = (1,) * (len(wanted) - len(own)) + own
    if own == tuple(wanted):
        return x
    sizes = [1 if o == w else w for o, w in zip(aligned, wanted, strict=True)]
    return b.node("Expand", x, b.shape(sizes))


@translates("cat")
def _cat(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    axis = positive(argument(call, 1, "dim", 0), len(call.outs[0].shape))
    return b.node("Concat", *(b.get(p, kind) for p in call.args[0] if shape_of(p) != (0,)), axis=axis)


@translates("stack")
def _stack(b: GraphBuilder, call: Call) -> str:
    kind, axis = call.outs[0].dtype, positive(argument(call, 1, "dim", 0), len(call.outs[0].shape))
    return b.node("Concat", *(b.node("Unsqueeze", b.get(p, kind), b.ints(axis)) for p in call.args[0]), axis=axis)


@translates("split", "split_with_sizes")
def _split(b: GraphBuilder, call: Call) -> list[str]:
    axis = positive(argument(call, 2, "dim", 0), len(shape_of(call.args[0])))
    if len(call.outs) == 1:
        return [b.get(call.args[0])]
    sizes = [out.shape[axis] for out in call.outs]
    return b.nodes_of("Split", [b.get(call.args[0]), b.shape(sizes)], len(sizes), axis=axis)


@translates("unbind")
def _unbind(b: GraphBuilder, call: Call) -> list[str]:
    axis = positive(argument(call, 1, "dim", 0), len(shape_of(call.args[0])))
    x = b.get(call.args[0])
    return [b.node("Gather", x, b.constant(i, torch.int64), axis=axis) for i in range(len(call.outs))]


@translates("slice")
def _slice(b: GraphBuilder, call: Call) -> str:
    shape = shape_of(call.args[0])
    axis = positive(argument(call, 1, "dim", 0), len(shape))
    start, end, step = (argument(call, i, n, d) for i, n, d in ((2, "start", 0), (3, "end", None), (4, "step", 1)))
    start, end = start or 0, _LAST if end is None else end
    if start == 0 and end >= shape[axis] and step == 1:
        return b.get(call.args[0])
    # of an axis that does not grow with the rows no place does, whatever number it is
    place = b.shape if b.grows(shape[axis]) else lambda at: b.ints(*at)
    ends = place([end]) if end < _LAST else b.ints(_LAST)
    return b.node("Slice", b.get(call.args[0]), place([start]), ends, b.ints(axis), b.ints(step))


@translates("select")
def _select(b: GraphBuilder, call: Call) -> str:
    axis = positive(call.args[1], len(shape_of(call.args[0])))
    return b.node("Gather", b.get(call.args[0]), b.constant(call.args[2], torch.int64), axis=axis)


@translates("flip")
def _flip(b: GraphBuilder, call: Call) -> str:
    x, shape = b.get(call.args[0]), shape_of(call.args[0])
    for axis in axes_of(call.args[1], len(shape)):
        if b.grows(shape[axis]):
            raise GraphError("reverses the order of the rows; a graph processes each row by itself")
        x = b.node("Gather", x, b.ints(*range(shape[axis] - 1, -1, -1)), axis=axis)
    return x


@translates("constant_pad_nd")
def _pad(b: GraphBuilder, call: Call) -> str:
    pads, n, kind = list(call.args[1]), len(shape_of(call.args[0])), call.outs[0].dtype
    before, after = [0] * n, [0] * n
    for i in range(len(pads) // 2):
        before[n - 1 - i], after[n - 1 - i] = pads[2 * i], pads[2 * i + 1]
    value = b.constant(argument(call, 2, "value", 0.0), kind)
    return b.node("Pad", b.get(call.args[0]), b.ints(*before, *after), value)


@translates("zeros", "ones", "full", "empty", "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like",
            "ones_like", "full_like", "empty_like", "fill", "zero")  # fmt: skip
def _filled(b: GraphBuilder, call: Call) -> str:
    value: Any = 1 if "ones" in call.name else 0
    if call.name in ("full", "full_like", "fill"):
        value = argument(call, 1, "fill_value", argument(call, 1, "value"))
    elif call.name == "new_full":
        value = call.args[2]
    kind = call.outs[0].dtype
    return b.node("Expand", b.get(value, kind), b.shape(call.outs[0].shape))


@translates("arange")
def _arange(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    start, end = (0, call.args[0]) if len(call.args) == 1 else call.args[:2]
    step = argument(call, 2, "step", 1)
    if isinstance(end, float) or isinstance(start, float):
        return b.node("Range", b.get(start, kind), b.get(end, kind), b.constant(step, kind))
    return b.node("Range", b.size(start, kind), b.size(end, kind), b.constant(step, kind))
