"""Exponentials, logarithms, activations and the normal quantile as ONNX nodes that run in float64 too."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call
from gensynth.export.translations import argument, translates


@translates("exp2")
def _exp2(b: GraphBuilder, call: Call) -> str:
    # in float64: in float32 the product would lose bits of large exponents
    kind, double = call.outs[0].dtype, torch.float64
    out = b.node("Exp", b.node("Mul", b.get(call.args[0], double), b.constant(math.log(2.0), double)))
    return out if kind == double else b.cast(out, kind)


@translates("log2")
def _log2(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    return b.node("Div", b.node("Log", b.get(call.args[0], kind)), b.constant(math.log(2.0), kind))


def log1p(b: GraphBuilder, x: str, kind: torch.dtype) -> str:
    """Add log(1 + x), exact for small x: log(y) * x / (y - 1) with y = 1 + x (Kahan; Goldberg 1991, theorem 4)."""
    one = b.constant(1.0, kind)
    y = b.node("Add", x, one)
    above = b.node("Sub", y, one)
    zero = b.node("Equal", above, b.constant(0.0, kind))
    ratio = b.node("Div", x, b.node("Where", zero, one, above))
    large = b.node("IsInf", y)
    return b.node("Where", zero, x, b.node("Where", large, y, b.node("Mul", b.node("Log", y), ratio)))


@translates("log1p")
def _log1p(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    return log1p(b, b.get(call.args[0], kind), kind)


@translates("expm1")
def _expm1(b: GraphBuilder, call: Call) -> str:
    # (u - 1) x / log u with u = e^x (Kahan), x itself where u is 1
    kind = call.outs[0].dtype
    x, one = b.get(call.args[0], kind), b.constant(1.0, kind)
    u = b.node("Exp", x)
    flat = b.node("Equal", u, one)
    far = b.node("Or", b.node("Equal", u, b.constant(0.0, kind)), b.node("IsInf", u))
    log = b.node("Log", b.node("Where", b.node("Or", flat, far), b.constant(2.0, kind), u))
    own = b.node("Div", b.node("Mul", b.node("Sub", u, one), x), log)
    return b.node("Where", flat, x, b.node("Where", far, b.node("Sub", u, one), own))


def softplus(b: GraphBuilder, x: str, kind: torch.dtype) -> str:
    """Add log(1 + e^x) as max(x, 0) + log1p(e^-|x|)."""
    small = b.node("Exp", b.node("Neg", b.node("Abs", x)))
    return b.node("Add", b.node("Max", x, b.constant(0.0, kind)), log1p(b, small, kind))


@translates("softplus")
def _softplus(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    x = b.get(call.args[0], kind)
    beta, threshold = argument(call, 1, "beta", 1), argument(call, 2, "threshold", 20)
    scaled = x if beta == 1 else b.node("Mul", x, b.constant(beta, kind))
    soft = softplus(b, scaled, kind)
    soft = soft if beta == 1 else b.node("Div", soft, b.constant(beta, kind))
    return b.node("Where", b.node("Greater", scaled, b.constant(threshold, kind)), x, soft)


@translates("log_sigmoid_forward")
def _log_sigmoid(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    return b.node("Neg", softplus(b, b.node("Neg", b.get(call.args[0], kind)), kind))


@translates("silu")
def _silu(b: GraphBuilder, call: Call) -> str:
    x = b.get(call.args[0], call.outs[0].dtype)
    return b.node("Mul", x, b.node("Sigmoid", x))


@translates("leaky_relu")
def _leaky_relu(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    x, slope = b.get(call.args[0], kind), argument(call, 1, "negative_slope", 0.01)
    scaled = b.node("Mul", x, b.constant(slope, kind))
    if 0 <= slope <= 1:
        return b.node("Max", x, scaled)
    return b.node("Where", b.node("Greater", x, b.constant(0.0, kind)), x, scaled)


@translates("elu")
def _elu(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    alpha, scale, inner = (argument(call, i, n, 1) for i, n in ((1, "alpha"), (2, "scale"), (3, "input_scale")))
    x, zero = b.get(call.args[0], kind), b.constant(0.0, kind)
    below = b.node("Mul", b.node("Min", x, zero), b.constant(inner, kind))
    curve = b.node("Mul", b.node("Sub", b.node("Exp", below), b.constant(1.0, kind)), b.constant(alpha, kind))
    out = b.node("Where", b.node("Greater", x, zero), x, curve)
    return out if scale == 1 else b.node("Mul", out, b.constant(scale, kind))


@translates("hardtanh")
def _hardtanh(b: GraphBuilder, call: Call) -> str:
    kind = call.outs[0].dtype
    low, high = argument(call, 1, "min_val", -1.0), argument(call, 2, "max_val", 1.0)
    return b.node("Clip", b.get(call.args[0], kind), b.constant(low, kind), b.constant(high, kind))


@translates("special_ndtri")
def _ndtri(b: GraphBuilder, call: Call) -> str:
    return normal_quantile(b, b.get(call.args[0], call.outs[0].dtype), call.outs[0].dtype)


def normal_quantile(b: GraphBuilder, p: str, kind: torch.dtype) -> str:
    """Add the quantile function of N(0, 1): Wichura 1988, algorithm AS 241 (PPND16), relative error 1e-16."""
    half, one = b.constant(0.5, kind), b.constant(1.0, kind)
    q = b.node("Sub", p, half)
    central = b.node("LessOrEqual", b.node("Abs", q), b.constant(0.425, kind))
    inner = b.node("Sub", b.constant(0.180625, kind), b.node("Mul", q, q))
    middle = b.node("Mul", q, _ratio(b, b.node("Where", central, inner, one), _CENTRAL, kind))
    tail = b.node("Where", b.node("Less", q, b.constant(0.0, kind)), p, b.node("Sub", one, p))
    r = b.node("Sqrt", b.node("Neg", b.node("Log", b.node("Where", central, half, tail))))
    near = b.node("LessOrEqual", r, b.constant(5.0, kind))
    inside = _ratio(b, b.node("Sub", b.node("Min", r, b.constant(5.0, kind)), b.constant(1.6, kind)), _NEAR, kind)
    far = _ratio(b, b.node("Sub", b.node("Min", b.node("Max", r, b.constant(5.0, kind)), b.constant(40.0, kind)),
                           b.constant(5.0, kind)), _FAR, kind)  # fmt: skip
    size = b.node("Where", near, inside, b.node("Where", b.node("IsInf", r), r, far))
    return b.node("Where", central, middle, b.node("Mul", b.node("Sign", q), size))


def _ratio(b: GraphBuilder, x: str, coefficients: tuple[Sequence[float], Sequence[float]], kind: torch.dtype) -> str:
    """Add a ratio of polynomials, their coefficients from the constant up."""
    parts = []
    for own in coefficients:
        out = b.constant(own[-1], kind)
        for c in reversed(own[:-1]):
            out = b.node("Add", b.node("Mul", out, x), b.constant(c, kind))
        parts.append(out)
    return b.node("Div", *parts)


_CENTRAL = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_NEAR = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip
