"""Reductions, shapes and look-ups as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gensynth.errors import CapabilityError
from gensynth.export.graph import GraphBuilder
from gensynth.export.recording import Call, Value
from gensynth.export.translations import argument, positive, shape_of, translates, type_of

_LAST = 2**62
"""Ends beyond it are those of the axis."""
_COMPARED = 32
"""Knots up to which a place is found by comparison with all of them."""


def _axes(dim: Any, n_axes: int) -> list[int]:
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        return list(range(n_axes))
    return [positive(d, n_axes) for d in (dim if isinstance(dim, list | tuple) else [dim])]


@translates("sum", "mean", "amax", "amin", "prod")
def _reduce(b: GraphBuilder, call: Call) -> str:
    operation = {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin",
                 "prod": "ReduceProd"}[call.name]  # fmt: skip
    axes = _axes(argument(call, 1, "dim"), len(shape_of(call.args[0])))
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
    axes = _axes(argument(call, 1, "dim"), len(shape))
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
    axes = _axes(call.args[1], len(shape_of(call.args[0])))
    keep = int(argument(call, 2, "keepdim", False))
    return b.node("ReduceLogSumExp", b.get(call.args[0], kind), b.ints(*axes), keepdims=keep)


@translates("_log_softmax", "log_softmax")
def _log_softmax(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    axis = positive(call.args[1], len(shape_of(call.args[0])))
    return log_sum_exp(b, b.get(call.args[0], kind), [axis], kind)[1]


@translates("_softmax", "softmax")
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


@translates("view", "reshape", "_unsafe_view", "_reshape_alias", "flatten", "unflatten")
def _view(b: GraphBuilder, call: Call) -> str:
    return b.reshape(b.get(call.args[0]), call.outs[0].shape)


@translates("t", "transpose", "permute", "numpy_T")
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
    axes = [a for a in _axes(argument(call, 1, "dim"), len(shape)) if shape[a] == 1]
    return b.node("Squeeze", b.get(call.args[0]), b.ints(*axes)) if axes else b.get(call.args[0])


@translates("expand", "expand_as", "repeat", "broadcast_to")
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


@translates("cat", "concat")
def _cat(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    axis = positive(argument(call, 1, "dim", 0), len(call.outs[0].shape))
    return b.node("Concat", *(b.get(p, kind) for p in call.args[0] if shape_of(p) != (0,)), axis=axis)


@translates("stack")
def _stack(b: GraphBuilder, call: Call) -> str:
    kind, axis = call.outs[0].dtype, positive(argument(call, 1, "dim", 0), len(call.outs[0].shape))
    return b.node("Concat", *(b.node("Unsqueeze", b.get(p, kind), b.ints(axis)) for p in call.args[0]), axis=axis)


@translates("split", "split_with_sizes", "chunk")
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
    ends = b.shape([end]) if end < _LAST else b.ints(_LAST)
    return b.node("Slice", b.get(call.args[0]), b.shape([start]), ends, b.ints(axis), b.ints(step))


@translates("select")
def _select(b: GraphBuilder, call: Call) -> str:
    axis = positive(call.args[1], len(shape_of(call.args[0])))
    return b.node("Gather", b.get(call.args[0]), b.constant(call.args[2], torch.int64), axis=axis)


@translates("flip")
def _flip(b: GraphBuilder, call: Call) -> str:
    x, shape = b.get(call.args[0]), shape_of(call.args[0])
    for axis in _axes(call.args[1], len(shape)):
        if b.grows(shape[axis]):
            raise CapabilityError("turns the order of the rows round; a graph takes each row by itself")
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


@translates("index_select", "gather", "take_along_dim", "embedding", "index")
def _look_up(b: GraphBuilder, call: Call) -> str:
    if call.name == "embedding":
        return b.node("Gather", b.get(call.args[0]), b.get(call.args[1], torch.int64), axis=0)
    n = len(shape_of(call.args[0]))
    if call.name == "index":
        return _index(b, call.args[0], call.args[1])
    x, axis, at = b.get(call.args[0]), positive(call.args[1], n), b.get(call.args[2], torch.int64)
    if call.name == "index_select":
        return b.node("Gather", x, at, axis=axis)
    # elements beyond what is looked up in a shorter axis do not count
    own, wanted = list(shape_of(call.args[0])), shape_of(call.args[2])
    for a in range(n):
        if a != axis and own[a] != wanted[a]:
            x = b.node("Slice", x, b.ints(0), b.shape([wanted[a]]), b.ints(a), b.ints(1))
            own[a] = wanted[a]
    return gather(b, x, own, at, wanted, axis)


def gather(b: GraphBuilder, x: str, own: Sequence[int], at: str, wanted: Sequence[int], axis: int) -> str:
    """Add ``x.gather(axis, at)`` as a look-up in what lies flat: runtimes do that faster than GatherElements."""
    n = len(own)
    if axis != n - 1:
        order = [*(a for a in range(n) if a != axis), axis]
        turned = [b.node("Transpose", part, perm=order) for part in (x, at)]
        out = gather(b, turned[0], [own[a] for a in order], turned[1], [wanted[a] for a in order], n - 1)
        return b.node("Transpose", out, perm=[order.index(a) for a in range(n)])
    width, lead = own[-1], list(wanted[:-1])
    growing = [size for size in lead if b.grows(size)]
    if b.grows(width) or len(growing) > 1:
        raise CapabilityError("looks up cells of other rows; a graph takes each row by itself")
    if growing:
        total = b.node("Squeeze", b.node("ReduceProd", b.shape(lead), keepdims=1))
        starts = b.node("Mul", b.node("Range", b.constant(0), total, b.constant(1)), b.constant(width))
        starts = b.reshape(starts, [*lead, 1])
    else:
        starts = b.constant(np.arange(math.prod(lead), dtype=np.int64).reshape(*lead, 1) * width)
    return b.node("Gather", b.node("Reshape", x, b.ints(-1)), b.node("Add", at, starts), axis=0)


def placed(b: GraphBuilder, base: str, new: str, axis: int, at: Sequence[int], size: int) -> str:
    """Add ``base`` (``size`` entries along the axis) with the entries ``at`` replaced by those of ``new``."""
    order = list(range(size))
    for i, place in enumerate(at):
        order[place] = size + i
    return b.node("Gather", b.node("Concat", base, new, axis=axis), b.ints(*order), axis=axis)


def _index(b: GraphBuilder, part: Any, indices: Sequence[Any]) -> str:
    """Add ``part[indices]`` of index tensors that broadcast against each other."""
    axes, arrays = _plain_indices(indices, shape_of(part))
    if len(axes) == 1:
        return b.node("Gather", b.get(part), b.get(arrays[0], torch.int64), axis=axes[0])
    n = len(shape_of(part))
    first = axes[0]
    if axes != list(range(first, first + len(axes))):
        raise CapabilityError("looks up by indices of axes that are not neighbours, which is not translated")
    # the axes that are looked up, in front: one vector of indices for each cell
    order = [*axes, *(a for a in range(n) if a not in axes)]
    x = b.get(part) if order == list(range(n)) else b.node("Transpose", b.get(part), perm=order)
    shape = tuple(torch.broadcast_shapes(*(shape_of(a) for a in arrays)))
    spread = b.shape(shape)
    cells = [b.node("Unsqueeze", b.node("Expand", b.get(a, torch.int64), spread), b.ints(len(shape))) for a in arrays]
    out = b.node("GatherND", x, b.node("Concat", *cells, axis=len(shape)))
    if first == 0:
        return out
    rest = [len(shape) + i for i in range(first)]
    order = [*rest, *range(len(shape)), *range(len(shape) + first, len(shape) + n - len(axes))]
    return b.node("Transpose", out, perm=order)


def _plain_indices(indices: Sequence[Any], shape: tuple[int, ...]) -> tuple[list[int], list[Any]]:
    """Return the axes that are indexed, and their whole-number indices; masks that are constants are turned to such."""
    axes: list[int] = []
    arrays: list[Any] = []
    at = 0
    for one in indices:
        if one is None:
            at += 1
            continue
        if type_of(one) == torch.bool:
            if one.dim() != 1:
                raise CapabilityError("looks up by a mask of several axes, which is not translated")
            one = one.nonzero().squeeze(1)
        axes.append(at)
        arrays.append(one)
        at += 1
    assert at <= len(shape)
    return axes, arrays


@translates("index_copy", "index_add", "index_put", "index_fill")
def _put(b: GraphBuilder, call: Call) -> str:
    kind, shape = call.outs[0].dtype, call.outs[0].shape
    if call.name == "index_put":
        axes, arrays = _plain_indices(call.args[1], shape)
        if len(axes) != 1 or argument(call, 3, "accumulate", False):
            raise CapabilityError("writes to indices of several axes, which is not translated")
        (axis,), (at,), source = axes, arrays, call.args[2]
    else:
        axis, at, source = positive(call.args[1], len(shape)), call.args[2], call.args[3]
    if not isinstance(at, Tensor) or b.grows(shape[axis]) or at.dim() > 1:
        raise CapabilityError("writes to places that depend on values, which is not translated")
    if call.name == "index_add":
        return _sums(b, call, axis)
    places = [p + shape[axis] if p < 0 else p for p in at.reshape(-1).tolist()]
    size = [*shape]
    size[axis] = len(places)
    new = b.get(source, kind)
    if shape_of(source) != tuple(size):
        new = b.node("Expand", new, b.shape(size))
    return placed(b, b.get(call.args[0], kind), new, axis, places, shape[axis])


@translates("scatter", "scatter_add")
def _scatter(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    axis = positive(call.args[1], len(call.outs[0].shape))
    source = argument(call, 3, "src", argument(call, 3, "value"))
    size = list(shape_of(call.args[2]))
    updates = b.get(source, kind)
    if not isinstance(source, Value | Tensor) or not shape_of(source):
        updates = b.node("Expand", updates, b.shape(size))
    else:
        for a, own in enumerate(shape_of(source)):
            if own != size[a]:
                updates = b.node("Slice", updates, b.ints(0), b.shape([size[a]]), b.ints(a), b.ints(1))
    adds = {"reduction": "add"} if call.name == "scatter_add" else {}
    at = b.get(call.args[2], torch.int64)
    return b.node("ScatterElements", b.get(call.args[0], kind), at, updates, axis=axis, **adds)


def _sums(b: GraphBuilder, call: Call, axis: int) -> str:
    """Add ``index_add`` with constant indices as a product with a matrix of zeros and ones."""
    kind, shape = call.outs[0].dtype, call.outs[0].shape
    at, source = call.args[2], call.args[3]
    alpha = call.kwargs.get("alpha", 1)
    where = torch.zeros(len(at), shape[axis], dtype=kind)
    where[torch.arange(len(at)), at.long()] = float(alpha)
    x, last = b.get(source, kind), len(shape) - 1
    order = [a for a in range(len(shape)) if a != axis] + [axis]
    turned = order != list(range(len(shape)))
    x = b.node("Transpose", x, perm=order) if turned else x
    out = b.node("MatMul", x, b.constant(where))
    back = [order.index(a) for a in range(last + 1)]
    out = b.node("Transpose", out, perm=back) if turned else out
    return b.node("Add", b.get(call.args[0], kind), out)


@translates("zeros", "ones", "full", "empty", "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like",
            "ones_like", "full_like", "empty_like", "fill", "zero", "scalar_tensor")  # fmt: skip
def _filled(b: GraphBuilder, call: Call) -> str:
    value: Any = 1 if "ones" in call.name else 0
    if call.name in ("full", "full_like", "fill"):
        value = argument(call, 1, "fill_value", argument(call, 1, "value"))
    elif call.name == "new_full":
        value = call.args[2]
    elif call.name == "scalar_tensor":
        return b.get(call.args[0], call.outs[0].dtype)
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


@translates("write_select", "write_slice", "write_view", "write__unsafe_view", "write_unsqueeze", "write_squeeze",
            "write_t", "write_transpose", "write_permute", "write_detach", "write_alias", "write_unbind", "write_split",
            "write_split_with_sizes")  # fmt: skip
def _write(b: GraphBuilder, call: Call) -> str:
    """Add the tensor of which a part was written: its contents before, the part's, which part (`Call.args`)."""
    base, part, place, *rest = call.args
    kind, shape = call.outs[0].dtype, call.outs[0].shape
    new = b.get(part, kind)
    how = Call(call.name.removeprefix("write_"), (base, *rest), call.kwargs, call.outs)
    if how.name in ("view", "_unsafe_view", "unsqueeze", "squeeze"):
        return b.reshape(new, shape)
    if how.name in ("detach", "alias"):
        return new
    if how.name in ("t", "transpose", "permute"):
        n = len(shape)
        order = [positive(d, n) for d in how.args[1]] if how.name == "permute" else list(range(n))
        if how.name == "transpose":
            one, other = (positive(d, n) for d in how.args[1:3])
            order[one], order[other] = other, one
        elif how.name == "t":
            order = order[::-1]
        return b.node("Transpose", new, perm=[order.index(a) for a in range(n)])
    if how.name == "slice":
        axis = positive(argument(how, 1, "dim", 0), len(shape))
        start, end, step = argument(how, 2, "start") or 0, argument(how, 3, "end"), argument(how, 4, "step", 1)
        if start == 0 and (end is None or end >= shape[axis]) and step == 1:
            return new
        if b.grows(shape[axis]):
            raise CapabilityError("writes into some of the rows, which is not translated")
        at = list(range(shape[axis]))[start : shape[axis] if end is None else min(end, shape[axis]) : step]
    else:
        axis = positive(argument(how, 2 if "split" in how.name else 1, "dim", 0), len(shape))
        if "split" in how.name:
            sizes = how.args[1] if isinstance(how.args[1], list | tuple) else [how.args[1]] * (place + 1)
            first = sum(sizes[:place])
            at = list(range(first, first + shape_of(part)[axis]))
        else:
            at = [place if how.name == "unbind" else positive(how.args[2], shape[axis])]
            new = b.node("Unsqueeze", new, b.ints(axis))
    return placed(b, b.get(base, kind), new, axis, at, shape[axis])


@translates("nll_loss_forward")
def _nll_loss(b: GraphBuilder, call: Call) -> list[str]:
    if argument(call, 3, "reduction", 1) != 0 or argument(call, 2, "weight") is not None:
        raise CapabilityError("takes a mean of losses over rows; a graph takes each row by itself")
    kind = call.outs[0].dtype
    shape = shape_of(call.args[0])
    at = b.node("Unsqueeze", b.get(call.args[1], torch.int64), b.ints(1))
    found = gather(b, b.get(call.args[0], kind), shape, at, (shape[0], 1), 1)
    return [b.node("Neg", b.node("Squeeze", found, b.ints(1)))]


@translates("searchsorted", "bucketize")
def _searchsorted(b: GraphBuilder, call: Call) -> str:
    knots, at = call.args[:2] if call.name == "searchsorted" else call.args[1::-1]
    right = bool(call.kwargs.get("right", argument(call, 3, "right", False)) or call.kwargs.get("side") == "right")
    kind = type_of(knots)
    assert kind is not None
    shape, sizes = shape_of(knots), shape_of(at)
    x = b.get(at, kind)
    less = "GreaterOrEqual" if right else "Greater"
    if shape[-1] <= _COMPARED or isinstance(knots, Value):
        if len(shape) == 1 or not sizes:
            table = b.get(knots, kind)
        else:
            table = b.node("Unsqueeze", b.get(knots, kind), b.ints(len(shape) - 1))  # (..., 1, knots)
        below = b.node(less, b.node("Unsqueeze", x, b.ints(len(sizes))), table)
        return b.node("ReduceSum", b.cast(below, torch.int64), b.ints(len(sizes)), keepdims=0)
    return _bisected(b, knots, x, less)


def _bisected(b: GraphBuilder, knots: Tensor, x: str, less: str) -> str:
    """Add the number of knots (..., n) below x by bisection: a few look-ups in place of n comparisons.

    Tables are padded to a power of two with infinity, which nothing is above; flat, with the start of each row's.
    """
    n = knots.shape[-1]
    bits = n.bit_length()  # the places are 0 to n, fewer than 2 ** bits
    fill = torch.iinfo(knots.dtype).max if not knots.dtype.is_floating_point else math.inf
    table = torch.full((*knots.shape[:-1], 2**bits), fill, dtype=knots.dtype)
    table[..., :n] = knots
    flat = b.constant(table.reshape(-1))
    starts = torch.arange(table[..., 0].numel()).reshape(knots.shape[:-1]) * 2**bits
    place = b.constant((starts.unsqueeze(-1) if knots.dim() > 1 else starts) - 1)  # before the first
    start = place
    for bit in reversed(range(bits)):
        step = b.node("Add", place, b.constant(2**bit, torch.int64))
        value = b.node("Gather", flat, step, axis=0)
        if fill is not math.inf and less == "GreaterOrEqual":
            raise CapabilityError("looks up whole numbers from the right, which is not translated")
        above = b.node(less, x, value)
        if less == "GreaterOrEqual":  # padding is below nothing, not even infinity
            inside = b.node("Less", b.node("Sub", step, start), b.constant(n + 1, torch.int64))
            above = b.node("And", above, inside)
        place = b.node("Where", above, step, place)
    return b.node("Sub", place, start)


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
