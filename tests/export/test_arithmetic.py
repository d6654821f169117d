"""Arithmetic on a graph, in float64 and at the ends of its range."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from graphs import run_graph

EXTREMES = [0.0, -0.0, 1e-300, -1e-300, 1e-17, -1e-17, 0.3, -0.7, 1.0, -1.0, 2.5, -3.5, 20.5, -21.0, 700.0, -750.0]
X = torch.tensor([[v, 1.0 + abs(v)] for v in EXTREMES], dtype=torch.float64)
COUNTS = torch.tensor([[-7, 3], [7, -3], [-6, 3], [0, 5], [9, 4], [-9, -4]])

FUNCTIONS = {
    "exponentials": lambda x: [x.clamp(max=600).exp(), x.clamp(max=600).exp2(), x.clamp(max=600).expm1()],
    "logarithms": lambda x: [x.abs().log(), x.abs().log2(), x.abs().log1p(), (x.clamp(min=-0.9)).log1p()],
    "softplus": lambda x: [F.softplus(x), F.logsigmoid(x), F.softplus(x, beta=2.0, threshold=5.0)],
    "activations": lambda x: [
        F.silu(x),
        F.leaky_relu(x, 0.1),
        F.relu(x),
        F.elu(x),
        torch.tanh(x),
        torch.sigmoid(x),
        F.leaky_relu(x, 1.5),
        F.hardtanh(x),
    ],
    "powers": lambda x: [
        x.square(),
        x.abs().sqrt(),
        x.abs().clamp(min=1e-3) ** 0.3,
        1.0 / x.abs().clamp(min=1e-3).sqrt(),
        x.clamp(-9, 9) ** 3,
        x.abs().clamp(min=0.1).rsqrt(),
        1.0 - x,
        2 * x,
        x / 3,
    ],
    "rounding": lambda x: [x.floor(), x.ceil(), x.round(), x.sign(), x.abs(), -x, torch.remainder(x, 0.7)],
    "choices": lambda x: [
        torch.where(x > 0, x, 0.0),
        x.masked_fill(x < 0, 7.0),
        x.clamp(-1, 1),
        x.clamp(min=0.5),
        x.clamp_min(0.5),
        x.clamp_max(0.5),
        torch.maximum(x, -x),
        torch.minimum(x, x * 2),
        torch.lerp(x, -x, 0.3),
        torch.lerp(x, -x, 0.8),
    ],
    "comparisons": lambda x: [
        x > 0,
        x >= 0,
        x < 1,
        x <= 1,
        x == 0,
        x != 0,
        x > x.flip(1),
        ~(x > 0),
        (x > 0) & (x < 1),
        (x > 0) | (x < -1),
        (x > 0) ^ (x > 1),
        (x > 0).any(1),
        (x > 0).all(1),
        torch.logical_and(x > 0, x < 1),
        torch.logical_or(x > 0, x < -1),
        torch.logical_xor(x > 0, x > 1),
        torch.logical_not(x > 0),
        torch.isinf(x / 0.0),
    ],
    "products": lambda x: [
        x @ x.new_ones(2, 3),
        torch.addmm(x.new_ones(3), x, x.new_ones(2, 3), beta=2, alpha=0.5),
        torch.addcmul(x, x, x.clamp(-1, 1), value=0.5),
        torch.baddbmm(x.new_ones(1, 1, 3), x.unsqueeze(0), x.new_ones(1, 2, 3)),
    ],
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_same_as_torch(name, runtime):
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    wanted = FUNCTIONS[name](X)
    for i, (found, own) in enumerate(zip(run_graph(FUNCTIONS[name], X, runtime=runtime), wanted, strict=True)):
        assert found.dtype == own.numpy().dtype
        np.testing.assert_allclose(found, own.numpy(), rtol=1e-13, atol=1e-14, err_msg=f"{name} {i}")


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_whole_numbers(runtime):
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

    def function(x):
        a, b = x[:, 0], x[:, 1]
        floor = torch.div(a, b, rounding_mode="floor")
        return [floor, torch.div(a, b, rounding_mode="trunc"), a // b, a % b, a * b - 2, a.double() / b, (a > b).long()]

    for found, own in zip(run_graph(function, COUNTS, runtime=runtime), function(COUNTS), strict=True):
        np.testing.assert_array_equal(found, own.numpy())


def test_normal_quantiles():
    p = torch.tensor([1e-300, 1e-20, 1e-9, 0.02, 0.07, 0.08, 0.5, 0.91, 0.98, 1 - 1e-9], dtype=torch.float64).unsqueeze(
        1
    )
    (found,) = run_graph(lambda x: [torch.special.ndtri(x)], p)
    np.testing.assert_allclose(found, torch.special.ndtri(p).numpy(), rtol=1e-13, atol=1e-15)
