"""Repeated equal steps: a `for` in Python, and a single loop operation in a recorded graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeAlias

import torch
from torch import Tensor

Step: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A function from the step's number, (1,) int64, and the state to the next state, possibly changed in place."""
Loop: TypeAlias = Callable[[Step, Tensor, int], Tensor]
_loop: ContextVar[Loop | None] = ContextVar("loop", default=None)


@contextlib.contextmanager
def loops_by(loop: Loop) -> Iterator[None]:
    """Replace `repeat` by another function within the block."""
    token = _loop.set(loop)
    try:
        yield
    finally:
        _loop.reset(token)


def repeat(step: Step, state: Tensor, n: int) -> Tensor:
    """Return the state after ``n`` steps.

    Parameters
    ----------
    step : callable
        A `Step`: looks up by its number (`Tensor.index_select`) what differs between the steps, random draws too, and
        decides nothing by values.
    state : Tensor
        The first state; may be changed in place.
    n : int
        Number of steps, > 0.
    """
    loop = _loop.get()
    if loop is not None:
        return loop(step, state, n)
    for number in torch.arange(n, device=state.device).split(1):
        state = step(number, state)
    return state
