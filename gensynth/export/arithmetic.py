"""Arithmetic as ONNX nodes that run in float64 too."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call, Value
from gensynth.export.translations import TRANSLATIONS, Translation, argument, common_type, shape_of, translates

# one node, in the type of the result
_UNARY = {
    "abs": "Abs",
    "exp": "Exp",
    "log": "Log",
    "neg": "Neg",
    "sqrt": "Sqrt",
    "sign": "Sign",
    "sin": "Sin",
    "cos": "Cos",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "floor": "Floor",
    "ceil": "Ceil",
    "round": "Round",
    "relu": "Relu",
    "reciprocal": "Reciprocal",
    "detach": "Identity",
    "alias": "Identity",
    "clone": "Identity",
    "isnan": "IsNaN",
    "isinf": "IsInf",
    "bitwise_not": "Not",
    "logical_not": "Not",
}


def _unary(operation: str) -> Translation:
    def translate(b: GraphBuilder, call: Call) -> str:
        wanted = call.outs[0].dtype
        own = None if operation in ("IsNaN", "IsInf", "Not") else wanted
        return b.node(operation, b.get(call.args[0], torch.bool if operation == "Not" else own))

    return translate


TRANSLATIONS.update({name: _unary(operation) for name, operation in _UNARY.items()})

_BINARY = {"mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min"}


def _binary(operation: str) -> Translation:
    def translate(b: GraphBuilder, call: Call) -> str:
        kind = call.outs[0].dtype
        if call.name == "div" and argument(call, 2, "rounding_mode") is not None:
            return _divided(b, call)
        if operation == "Mul" and kind == torch.bool:
            operands = [b.get(a, torch.bool) for a in call.args[:2]]
            return b.node("And", *operands)
        return b.node(operation, b.get(call.args[0], kind), b.get(call.args[1], kind))

    return translate


TRANSLATIONS.update({name: _binary(operation) for name, operation in _BINARY.items()})


def _divided(b: GraphBuilder, call: Call) -> str:
    mode, kind = argument(call, 2, "rounding_mode"), call.outs[0].dtype
    x, y = b.get(call.args[0], kind), b.get(call.args[1], kind)
    if not kind.is_floating_point:  # integer division of ONNX cuts off
        return b.node("Div", x, y) if mode == "trunc" else b.node("Div", b.node("Sub", x, b.node("Mod", x, y)), y)
    ratio = b.node("Div", x, y)
    if mode == "floor":
        return b.node("Floor", ratio)
    return b.node("Mul", b.node("Sign", ratio), b.node("Floor", b.node("Abs", ratio)))


@translates("floor_divide")
def _floor_divide(b: GraphBuilder, call: Call) -> str:
    return _divided(b, Call("div", (*call.args[:2], "floor"), {}, call.outs))


@translates("remainder")
def _remainder(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    x, y = b.get(call.args[0], kind), b.get(call.args[1], kind)
    if not kind.is_floating_point:
        return b.node("Mod", x, y)
    rest, zero = b.node("Mod", x, y, fmod=1), b.constant(0.0, kind)
    other = b.node("Less", b.node("Mul", b.node("Sign", rest), b.node("Sign", y)), zero)
    return b.node("Where", other, b.node("Add", rest, y), rest)


@translates("add", "sub", "rsub")
def _add(b: GraphBuilder, call: Call) -> str:
    kind, alpha = call.outs[0].dtype, argument(call, 2, "alpha", 1)
    x, y = b.get(call.args[0], kind), b.get(call.args[1], kind)
    if call.name == "rsub":
        x, y = y, x
    if kind == torch.bool:
        return b.node("Or", x, y)
    if alpha != 1:
        scaled = b.constant(alpha, kind)
        x, y = (b.node("Mul", x, scaled), y) if call.name == "rsub" else (x, b.node("Mul", y, scaled))
    return b.node("Add" if call.name == "add" else "Sub", x, y)


_COMPARISONS = {
    "eq": "Equal", "ne": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
}  # fmt: skip


def _comparison(operation: str) -> Translation:
    def translate(b: GraphBuilder, call: Call) -> str:
        kind = common_type(*call.args[:2])
        if kind == torch.bool and operation != "Equal":
            kind = torch.int64
        out = b.node(operation, b.get(call.args[0], kind), b.get(call.args[1], kind))
        return b.node("Not", out) if call.name == "ne" else out

    return translate


TRANSLATIONS.update({name: _comparison(operation) for name, operation in _COMPARISONS.items()})


@translates("bitwise_and", "logical_and", "bitwise_or", "logical_or", "bitwise_xor", "logical_xor")
def _logical(b: GraphBuilder, call: Call) -> str:
    if call.outs[0].dtype != torch.bool:
        operation = {"and": "BitwiseAnd", "or": "BitwiseOr", "xor": "BitwiseXor"}[call.name.split("_")[1]]
        return b.node(operation, *(b.get(a, call.outs[0].dtype) for a in call.args[:2]))
    operation = {"and": "And", "or": "Or", "xor": "Xor"}[call.name.split("_")[1]]
    return b.node(operation, *(b.get(a, torch.bool) for a in call.args[:2]))


@translates("any", "all")
def _any(b: GraphBuilder, call: Call) -> str:
    dim = argument(call, 1, "dim")
    x = b.cast(b.get(call.args[0], torch.bool), torch.int64)
    axes = [] if dim is None else [b.ints(*([dim] if isinstance(dim, int) else dim))]
    operation = "ReduceMax" if call.name == "any" else "ReduceMin"
    return b.cast(b.node(operation, x, *axes, keepdims=int(argument(call, 2, "keepdim", False))), torch.bool)


@translates("pow")
def _power(b: GraphBuilder, call: Call) -> str:
    base, exponent = call.args[:2]
    kind = call.outs[0].dtype
    x = b.get(base, kind)
    if exponent == 2 and not isinstance(exponent, Value | Tensor):
        return b.node("Mul", x, x)
    return b.node("Pow", x, b.get(exponent, kind))


@translates("rsqrt")
def _rsqrt(b: GraphBuilder, call: Call) -> str:
    return b.node("Reciprocal", b.node("Sqrt", b.get(call.args[0], call.outs[0].dtype)))


@translates("clamp", "clamp_min", "clamp_max")
def _clamp(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    x = b.get(call.args[0], kind)
    low = argument(call, 1, "max" if call.name == "clamp_max" else "min")
    low, high = (None, low) if call.name == "clamp_max" else (low, argument(call, 2, "max"))
    # `Max` and `Min`, not `Clip`: NaN stays, and bounds may be tensors
    if low is not None:
        x = b.node("Max", x, b.get(low, kind))
    return x if high is None else b.node("Min", x, b.get(high, kind))


@translates("where")
def _where(b: GraphBuilder, call: Call) -> str:
    return chosen(b, call.args[0], call.args[1], call.args[2], call.outs[0].dtype)


@translates("masked_fill")
def _masked_fill(b: GraphBuilder, call: Call) -> str:
    return chosen(b, call.args[1], call.args[2], call.args[0], call.outs[0].dtype)


def chosen(b: GraphBuilder, condition: Any, one: Any, other: Any, kind: torch.dtype) -> str:
    """Add ``where(condition, one, other)``; onnxruntime has none of booleans."""
    mask, x, y = b.get(condition, torch.bool), b.get(one, kind), b.get(other, kind)
    if kind == torch.bool:
        return b.node("Or", b.node("And", mask, x), b.node("And", b.node("Not", mask), y))
    return b.node("Where", mask, x, y)


@translates("lerp")
def _lerp(b: GraphBuilder, call: Call) -> str:
    # as torch: from the nearer end
    kind = call.outs[0].dtype
    start, end, weight = (b.get(a, kind) for a in call.args[:3])
    reach = b.node("Sub", end, start)
    near = b.node("Add", start, b.node("Mul", weight, reach))
    rest = b.node("Sub", b.constant(1.0, kind), weight)
    far = b.node("Sub", end, b.node("Mul", reach, rest))
    return b.node("Where", b.node("Less", b.node("Abs", weight), b.constant(0.5, kind)), near, far)


@translates("addcmul")
def _addcmul(b: GraphBuilder, call: Call) -> str:
    kind, value = call.outs[0].dtype, call.kwargs.get("value", 1)
    x, one, two = (b.get(a, kind) for a in call.args[:3])
    part = b.node("Mul", one, two)
    return b.node("Add", x, part if value == 1 else b.node("Mul", part, b.constant(value, kind)))


@translates("mm", "bmm")
def _matmul(b: GraphBuilder, call: Call) -> str:
    return b.node("MatMul", *(b.get(a, call.outs[0].dtype) for a in call.args[:2]))


@translates("addmm", "baddbmm")
def _addmm(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    beta, alpha = (argument(call, i, n, 1) for i, n in ((3, "beta"), (4, "alpha")))
    product = b.node("MatMul", *(b.get(a, kind) for a in call.args[1:3]))
    if alpha != 1:
        product = b.node("Mul", product, b.constant(alpha, kind))
    added = b.get(call.args[0], kind)
    return b.node("Add", product, added if beta == 1 else b.node("Mul", added, b.constant(beta, kind)))


@translates("_to_copy")
def _to_copy(b: GraphBuilder, call: Call) -> str:
    return b.get(call.args[0], call.outs[0].dtype)


@translates("copy")
def _copy(b: GraphBuilder, call: Call) -> str:
    source = b.get(call.args[1], call.outs[0].dtype)
    if shape_of(call.args[1]) == call.outs[0].shape:
        return source
    return b.node("Expand", source, b.shape(call.outs[0].shape))
