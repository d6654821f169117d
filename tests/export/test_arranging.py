"""Reductions, shapes and look-ups on a graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from graphs import run_graph

RNG = torch.Generator().manual_seed(0)
X = torch.randn(13, 6, generator=RNG, dtype=torch.float64)
BOOK = torch.randn(5, 3, generator=RNG, dtype=torch.float64)
KNOTS = torch.randn(100, generator=RNG, dtype=torch.float64).sort().values
TABLES = torch.randn(6, 70, generator=RNG, dtype=torch.float64).sort().values


def codes(x):
    return (x.abs() * 2).long().clamp(max=4)


FUNCTIONS = {
    "sums": lambda x: [
        x.sum(1),
        x.mean(1, keepdim=True),
        x.amax(1),
        x.view(-1, 2, 3).amin((1, 2)),
        x.prod(1),
        x.cumsum(1),
    ],
    "spread": lambda x: [
        x.var(1),
        x.std(1, correction=0),
        x.max(1).values,
        x.max(1).indices,
        x.min(1).values,
        x.argmax(1),
        x.argmin(1, keepdim=True),
        codes(x).argmax(1),
    ],
    "softmax": lambda x: [
        x.softmax(1),
        x.log_softmax(1),
        x.logsumexp(1),
        (x * 1e3).logsumexp((1,), keepdim=True),
        torch.where(x > 0, x, -torch.inf).logsumexp(1),
        torch.logaddexp(x, -x),
    ],
    "shapes": lambda x: [
        x.view(-1, 2, 3),
        x.t(),
        x.unsqueeze(1).transpose(1, 2),
        x.view(-1, 2, 3).permute(1, 0, 2),
        x.flatten(),
        x.view(-1, 6, 1).squeeze(2),
        x.unsqueeze(1).expand(-1, 4, -1),
        x.repeat(1, 2),
    ],
    "parts": lambda x: [
        *x.split([1, 2, 3], 1),
        *x.chunk(3, 1),
        *x.unbind(1),
        x[:, 1:5:2],
        x[:, -1],
        x.flip(1),
        x.narrow(1, 2, 2),
        F.pad(x, (1, 2), value=3.0),
    ],
    "together": lambda x: [torch.cat([x, x[:, :1]], 1), torch.stack([x, -x], 1), torch.cat([x, x])[len(x) :]],
    "look-ups": lambda x: [
        x.gather(1, codes(x)),
        x.index_select(1, torch.tensor([4, 0])),
        x[:, [5, 5, 1]],
        BOOK[codes(x)],
        BOOK[codes(x)[:, 0], codes(x)[:, 1].clamp(max=2)],
        F.embedding(codes(x), BOOK),
        BOOK.t().gather(1, codes(x)[:, :3].t()),
        x[:, torch.tensor([True, False] * 3)],
    ],
    "writing": lambda x: [
        x.index_add(1, torch.tensor([0, 3]), x[:, :2]),
        x.index_copy(1, torch.tensor([2]), x[:, :1]),
        x.scatter(1, codes(x)[:, :1], 9.0),
        x.scatter_add(1, codes(x)[:, :1], x[:, :1]),
        torch.zeros_like(x).index_add_(1, torch.tensor([1, 1, 0]), x[:, 3:]),
    ],
    "places": lambda x: [
        torch.searchsorted(KNOTS, x),
        torch.searchsorted(KNOTS, x, right=True),
        torch.searchsorted(KNOTS[:9], x, right=True),
        torch.bucketize(x, KNOTS),
        torch.searchsorted(TABLES, x.t().contiguous()).t(),
        torch.searchsorted(KNOTS, KNOTS[:1] + 0 * x),
        torch.searchsorted(x.abs().cumsum(1), x.abs()[:, :2].contiguous()),
        torch.searchsorted(KNOTS, KNOTS[-1:] + 0 * x, right=True),
        torch.searchsorted(KNOTS, x / 0.0, right=True),
    ],
    "order": lambda x: [x.sort(1).values, x.sort(1, descending=True).indices, x.topk(2, 1).values],
    "filled": lambda x: [
        torch.zeros(len(x), 2),
        x.new_full((len(x),), 2.0),
        torch.full((len(x), 2), 4.0),
        (x + 1.0).zero_(),
        torch.ones_like(x),
        torch.full_like(x, 3.0),
        torch.arange(len(x)),
        x.new_zeros(len(x), 3),
    ],
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_same_as_torch(name, runtime):
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    for n in (13, 1):
        wanted = FUNCTIONS[name](X[:n])
        for i, (found, own) in enumerate(zip(run_graph(FUNCTIONS[name], X[:n], runtime=runtime), wanted, strict=True)):
            np.testing.assert_allclose(found, own.numpy(), rtol=1e-13, atol=1e-15, err_msg=f"{name} {i}")
            assert found.dtype == own.numpy().dtype, f"{name} {i}"


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_places_do_not_grow_with_the_rows(runtime):
    """Whatever number they are: functions are recorded with 211 rows."""
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    wide = torch.arange(3 * 900, dtype=torch.float64).view(3, 900)
    found = run_graph(lambda x: [x[:, 211:213], x[:, :422], x[:, 633:]], wide, runtime=runtime)
    for part, wanted in zip(found, (wide[:, 211:213], wide[:, :422], wide[:, 633:]), strict=True):
        np.testing.assert_array_equal(part, wanted.numpy())


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_shapes_without_entries(runtime):
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    found = run_graph(lambda x: [x[:, :0].reshape(len(x), 0, 2), x.new_zeros(len(x), 0)], X, runtime=runtime)
    assert [part.shape for part in found] == [(13, 0, 2), (13, 0)]
