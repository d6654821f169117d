"""Functions are recorded as they compute, changes in place included; what is no graph is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from graphs import run_graph

from gensynth.errors import CapabilityError
from gensynth.export.recording import record

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def in_place(x):
    out = torch.zeros_like(x)
    out[:, 1] = x[:, 0]
    out[:, 2:] += 2.0 * x[:, 2:]
    out.mul_(3.0)
    return [out]


def through_views(x):
    whole = x.clone()
    halves = whole.view(len(x), 2, 2)
    halves[:, 0].sub_(halves[:, 1])
    first, _ = whole.split(2, 1)
    first.square_()
    return [whole, halves.sum(2)]


def through_turned_views(x):
    whole = x.clone()
    whole.t()[1].add_(1.0)
    whole.unsqueeze(1).mul_(2.0)
    whole.unsqueeze(0).squeeze(0).sub_(0.5)
    whole.view(len(x), 2, 2).transpose(1, 2)[:, 0].mul_(3.0)
    whole.view(len(x), 2, 2).permute(2, 0, 1)[1].neg_()
    whole.unbind(1)[2].abs_()
    whole.split([1, 3], 1)[1].mul_(0.5)
    whole.detach().add_(1.0)
    return [whole]


def views_made_before_a_change(x):
    whole = x + 0.0
    left = whole[:, :2]
    turned = whole.t()
    whole[:, 0] = 7.0
    return [left * 1.0, turned.t() - 1.0]


def constants_that_change(x):
    table = torch.zeros(4, dtype=x.dtype)
    before = x + table
    table += 1.0
    return [before, x + table]


@pytest.mark.parametrize(
    "function",
    [in_place, through_views, through_turned_views, views_made_before_a_change, constants_that_change],
    ids=lambda f: f.__name__,
)
def test_same_as_computed(function):
    for n in (9, 1, 2):
        wanted = function(X[:n].clone())
        for found, own in zip(run_graph(function, X[:n]), wanted, strict=True):
            np.testing.assert_array_equal(found, own.numpy())


def test_sizes_that_grow_with_the_rows():
    def function(x):
        n = len(x)
        one = torch.ones(n, 1, dtype=x.dtype) * torch.arange(4, dtype=x.dtype)
        stacked = torch.cat([x, one]).view(2, n, 4)
        return [stacked[1] + x, x.unsqueeze(1).expand(n, 3, 4).reshape(3 * n, 4).view(n, 3, 4).sum(1)]

    for n in (9, 1):
        for found, own in zip(run_graph(function, X[:n]), function(X[:n]), strict=True):
            np.testing.assert_allclose(found, own.numpy(), rtol=1e-15)


def test_numbers_and_sizes_that_are_multiples_of_the_rows_of_the_run():
    table = torch.arange(422, dtype=torch.float64)
    (found,) = run_graph(lambda x: [x.sum(1) * 211 + table.view(2, 211).sum(1)[0]], X)
    np.testing.assert_allclose(found, (X.sum(1) * 211 + table[:211].sum()).numpy(), rtol=1e-14)
    assert record(lambda x: [x.sum(1) + table.sum()], lambda n: [torch.zeros(n, 3)]).rows == 211
    assert record(lambda x: [x @ torch.ones(211, 2)], lambda n: [torch.zeros(n, 211)]).rows != 211


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: [x if x.sum() > 0 else -x], "looks at values"),
        (lambda x: [x[x[:, 0] > 0]], "looks at values"),
        (lambda x: [x + torch.rand(len(x), 1)], "draws random numbers"),
        (lambda x: [torch.linalg.inv(x.unsqueeze(1) * x.unsqueeze(2) + torch.eye(4))[:, 0]], "not translated to ONNX"),
    ],
)
def test_what_is_no_graph_is_refused(function, words):
    with pytest.raises(CapabilityError, match=words):
        run_graph(function, X)
