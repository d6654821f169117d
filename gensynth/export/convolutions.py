"""Convolutions, normalisations and resized maps as ONNX nodes that run in float64 too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call, GraphError
from gensynth.export.translations import shape_of, translates


@translates("convolution")
def _convolution(b: GraphBuilder, call: Call) -> str:
    weight, bias = call.args[1:3]
    stride, padding, dilation, transposed, extra, groups = call.args[3:9]
    if len(shape_of(weight)) != 4:
        raise GraphError("convolves along other than two axes, which is not translated")
    kind = call.outs[0].dtype
    if kind != torch.float32:
        return _as_product(b, call)
    inputs = [b.get(part, kind) for part in (call.args[0], weight)] + ([] if bias is None else [b.get(bias, kind)])
    options = {"strides": list(stride), "pads": [*padding, *padding], "dilations": list(dilation), "group": groups}
    if transposed:
        return b.node("ConvTranspose", *inputs, output_padding=list(extra), **options)
    return b.node("Conv", *inputs, **options)


def _as_product(b: GraphBuilder, call: Call) -> str:
    """Add a convolution as a look-up of what each place sees and a matrix product: onnxruntime has none in float64."""
    weight, bias = call.args[1:3]
    stride, padding, dilation, transposed, _, groups = call.args[3:9]
    if groups != 1 or not isinstance(weight, Tensor):
        raise GraphError("convolves in groups, or by weights that depend on values, which is not translated in float64")
    kind, shape, out = call.outs[0].dtype, shape_of(call.args[0]), call.outs[0].shape
    n, channels, size = shape[0], shape[1], shape[2:]
    by_output = weight.transpose(0, 1) if transposed else weight
    kernel = by_output.shape[2:]
    x = b.reshape(b.get(call.args[0], kind), [n, channels, size[0] * size[1]])
    if tuple(kernel) != (1, 1) or tuple(size) != tuple(out[2:]) or any(padding):
        seen = [
            _seen(*axis, transposed=transposed)
            for axis in zip(size, out[2:], kernel, stride, padding, dilation, strict=True)
        ]
        nothing = size[0] * size[1]  # the entry behind the last one: 0
        places = seen[0].view(kernel[0], 1, -1, 1) * size[1] + seen[1].view(1, kernel[1], 1, -1)
        inside = (seen[0] >= 0).view(kernel[0], 1, -1, 1) & (seen[1] >= 0).view(1, kernel[1], 1, -1)
        at = torch.where(inside, places, nothing).flatten()
        x = b.node("Pad", x, b.ints(0, 0, 0, 0, 0, 1), b.constant(0.0, kind))
        x = b.node("Gather", x, b.constant(at), axis=2)
        x = b.reshape(x, [n, channels * kernel[0] * kernel[1], out[2] * out[3]])
    product = b.node("MatMul", b.constant(by_output.flatten(1).to(kind)), x)
    if bias is not None:
        product = b.node("Add", product, b.get(bias.unsqueeze(1), kind))
    return b.reshape(product, out)


def _seen(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int, *, transposed: bool) -> Tensor:
    """Return (kernel, out): the place along an axis that a kernel's entry sees from a place of the output, or -1."""
    taps, places = torch.arange(kernel).unsqueeze(1) * dilation, torch.arange(out)
    if not transposed:
        at = places * stride - padding + taps
        return torch.where((at >= 0) & (at < size), at, -1)
    away = places + padding - taps
    at = away // stride
    return torch.where((away % stride == 0) & (at >= 0) & (at < size), at, -1)


def _normalised(b: GraphBuilder, x: str, axes: Sequence[int], eps: float, kind: torch.dtype) -> str:
    """Add (x - mean) / sqrt(variance + eps) over some axes."""
    centred = b.node("Sub", x, b.node("ReduceMean", x, b.ints(*axes), keepdims=1))
    variance = b.node("ReduceMean", b.node("Mul", centred, centred), b.ints(*axes), keepdims=1)
    return b.node("Div", centred, b.node("Sqrt", b.node("Add", variance, b.constant(eps, kind))))


def _affine(b: GraphBuilder, x: str, weight: Any, bias: Any, n_axes: int, kind: torch.dtype) -> str:
    """Add a scale and a shift, each (...) with ``n_axes`` axes more behind, where there are such."""
    for operation, part in (("Mul", weight), ("Add", bias)):
        if part is not None:
            x = b.node(operation, x, b.get(part[(...,) + (None,) * n_axes], kind))
    return x


@translates("native_group_norm")
def _group_norm(b: GraphBuilder, call: Call) -> list[str]:
    weight, bias = call.args[1:3]
    groups, eps = call.args[6:8]
    kind, shape = call.outs[0].dtype, call.outs[0].shape
    size = 1
    for own in shape[1:]:
        size *= own
    x = b.reshape(b.get(call.args[0], kind), [shape[0], groups, size // groups])
    x = b.reshape(_normalised(b, x, [2], eps, kind), shape)
    return [_affine(b, x, weight, bias, len(shape) - 2, kind)]


@translates("native_layer_norm")
def _layer_norm(b: GraphBuilder, call: Call) -> list[str]:
    kind, n = call.outs[0].dtype, len(call.outs[0].shape)
    axes = list(range(n - len(call.args[1]), n))
    x = _normalised(b, b.get(call.args[0], kind), axes, call.args[4], kind)
    return [_affine(b, x, call.args[2], call.args[3], 0, kind)]


@translates("native_batch_norm", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit")
def _batch_norm(b: GraphBuilder, call: Call) -> list[str]:
    weight, bias, mean, variance = call.args[1:5]
    training = call.name != "_native_batch_norm_legit_no_training" and call.args[5]
    if training or not isinstance(mean, Tensor):
        raise GraphError("normalises by the other rows of a batch; a graph takes each row by itself")
    kind, n_axes = call.outs[0].dtype, len(call.outs[0].shape) - 2
    scale = (variance + call.args[-1]).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return [_affine(b, b.get(call.args[0], kind), scale, shift, n_axes, kind)]


@translates("_unsafe_index")
def _resized(b: GraphBuilder, call: Call) -> str:
    """Add a look-up by a grid of places, which is what resizing to the nearest place is made of."""
    x, n = b.get(call.args[0]), len(call.outs[0].shape)
    for axis, at in enumerate(call.args[1]):
        if at is None:
            continue
        if not isinstance(at, Tensor) or at.numel() != call.outs[0].shape[axis] or at.dim() != n - axis:
            raise GraphError("looks up places that are no grid, which is not translated")
        x = b.node("Gather", x, b.constant(at.long().flatten()), axis=axis)
    return x


@translates("_adaptive_avg_pool2d")
def _pooled(b: GraphBuilder, call: Call) -> str:
    kind, shape, out = call.outs[0].dtype, shape_of(call.args[0]), call.outs[0].shape
    rows, columns = (
        F.adaptive_avg_pool1d(torch.eye(shape[axis], dtype=torch.float64).unsqueeze(0), out[axis])[0].to(kind)
        for axis in (2, 3)
    )  # (size, size of the output)
    x = b.node("MatMul", b.get(call.args[0], kind), b.constant(columns))
    return b.node("MatMul", b.constant(rows.t().contiguous()), x)
