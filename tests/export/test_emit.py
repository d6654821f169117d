"""Loops on a graph: one operation, whose step sees what stands around it; nothing of it is seen outside."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from graphs import run_graph
from torch import Tensor

from gensynth.export.compile import compiled
from gensynth.export.program import GraphError
from gensynth.nn.loops import repeat

X = torch.randn(13, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
WEIGHTS = torch.randn(6, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def recurrent(x: Tensor) -> list[Tensor]:
    """Return the state (n, 2) of a small recurrent network, one column a step; and what uses parts of its step."""
    scaled = x * 2.0  # read within the loop and outside

    def step(at: Tensor, state: Tensor) -> Tensor:
        new = scaled.index_select(1, at) * WEIGHTS.index_select(0, at) + state.flip(1)
        return torch.tanh(new) + (x * 3.0).sum(1, keepdim=True)

    state = repeat(step, x.new_zeros(len(x), 2), 6)
    return [state, scaled + (x * 3.0), state.sum(1)]


def written(x: Tensor) -> list[Tensor]:
    """Return cells that are written in place, each from the one before it."""

    def step(at: Tensor, cells: Tensor) -> Tensor:
        before = cells.index_select(1, (at - 1).clamp(min=0))
        return cells.index_copy_(1, at, before * 0.5 + x.index_select(1, at))

    return [repeat(step, torch.zeros_like(x), 6)]


@pytest.mark.parametrize("function", [recurrent, written])
@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_loops(function, runtime):
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    for n in (13, 1):
        found = run_graph(function, X[:n], runtime=runtime)
        for one, wanted in zip(found, function(X[:n]), strict=True):
            np.testing.assert_allclose(one, wanted.numpy(), rtol=1e-12, atol=1e-14)
            assert one.shape == wanted.shape


def test_a_loop_is_one_node_however_many_steps_it_has():
    def steps(n):
        return lambda x: [repeat(lambda at, state: state + x * at, torch.zeros_like(x), n)]

    few, many = (compiled(steps(n), [X]) for n in (2, 1000))
    onnx.checker.check_model(many, full_check=True)
    assert len(few.graph.node) == len(many.graph.node) < 10
    assert [node.op_type for node in many.graph.node].count("Loop") == 1


def test_what_a_step_may_not_do_is_said():
    def deciding(x):
        return [repeat(lambda _, state: state + 1.0 if float(state.sum()) > 0 else state, x, 3)]

    with pytest.raises(GraphError, match="looks at values"):
        compiled(deciding, [X])
    with pytest.raises(GraphError, match=r"torch\.ops\.aten\.sinc, not translated"):
        compiled(lambda x: [repeat(lambda _, state: torch.sinc(state), x, 3)], [X])
