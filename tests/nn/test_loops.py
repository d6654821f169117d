"""Loops of steps that are alike."""

from __future__ import annotations

import torch
from torch import Tensor

from gensynth.nn.loops import loops_by, repeat


def running_sums(x: Tensor) -> Tensor:
    """Return running sums (n, width) of x (n, width), a column a step."""

    def step(at: Tensor, sums: Tensor) -> Tensor:
        before = sums.index_select(1, (at - 1).clamp(min=0)) * (at > 0)
        return sums.index_copy_(1, at, before + x.index_select(1, at))

    return repeat(step, torch.zeros_like(x), x.shape[1])


def test_steps_follow_each_other() -> None:
    x = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(running_sums(x), x.cumsum(1))


def test_a_block_may_do_it_otherwise_and_ends() -> None:
    x = torch.ones(2, 3)
    with loops_by(lambda step, state, n: state + n):
        assert running_sums(x).equal(torch.full((2, 3), 3.0))
    assert running_sums(x).equal(x.cumsum(1))
