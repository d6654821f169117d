"""Gather, search and scatter operations as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call, GraphError, Value
from gensynth.export.translations import argument, positive, shape_of, translates, type_of

_COMPARED = 32
"""Number of knots up to which a position is found by comparing with all of them."""


@translates("index_select", "gather", "embedding", "index")
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
        raise GraphError("looks up cells of other rows; a graph takes each row by itself")
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
        raise GraphError("looks up by indices of axes that are not neighbours, which is not translated")
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
                raise GraphError("looks up by a mask of several axes, which is not translated")
            one = one.nonzero().squeeze(1)
        axes.append(at)
        arrays.append(one)
        at += 1
    assert at <= len(shape)
    return axes, arrays


@translates("index_copy", "index_add", "index_put")
def _put(b: GraphBuilder, call: Call) -> str:
    kind, shape = call.outs[0].dtype, call.outs[0].shape
    if call.name == "index_put":
        axes, arrays = _plain_indices(call.args[1], shape)
        if len(axes) != 1 or argument(call, 3, "accumulate", False):
            raise GraphError("writes to indices of several axes, which is not translated")
        (axis,), (at,), source = axes, arrays, call.args[2]
    else:
        axis, at, source = positive(call.args[1], len(shape)), call.args[2], call.args[3]
    if call.name == "index_copy" and isinstance(at, Value) and shape_of(at) == (1,) and not b.grows(shape[axis]):
        size = [1 if a == axis else own for a, own in enumerate(shape)]
        spread = b.node("Expand", b.reshape(b.get(at, torch.int64), [1] * len(shape)), b.shape(size))
        return b.node("ScatterElements", b.get(call.args[0], kind), spread, b.get(source, kind), axis=axis)
    if not isinstance(at, Tensor) or b.grows(shape[axis]) or at.dim() > 1:
        raise GraphError("writes to places that depend on values, which is not translated")
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


@translates("write_select", "write_slice", "write_view", "write_unsqueeze", "write_squeeze",
            "write_t", "write_transpose", "write_permute", "write_detach", "write_alias", "write_unbind",
            "write_split", "write_split_with_sizes")  # fmt: skip
def _write(b: GraphBuilder, call: Call) -> str:
    """Add the tensor of which a part was written: its contents before, the part's, which part (`Call.args`)."""
    base, part, place, *rest = call.args
    kind, shape = call.outs[0].dtype, call.outs[0].shape
    new = b.get(part, kind)
    how = Call(call.name.removeprefix("write_"), (base, *rest), call.kwargs, call.outs)
    if how.name in ("view", "unsqueeze", "squeeze"):
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
            raise GraphError("writes into some of the rows, which is not translated")
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
        raise GraphError("takes a mean of losses over rows; a graph takes each row by itself")
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
            raise GraphError("looks up whole numbers from the right, which is not translated")
        above = b.node(less, x, value)
        if less == "GreaterOrEqual":  # padding is below nothing, not even infinity
            inside = b.node("Less", b.node("Sub", step, start), b.constant(n + 1, torch.int64))
            above = b.node("And", above, inside)
        place = b.node("Where", above, step, place)
    return b.node("Sub", place, start)
