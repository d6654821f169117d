"""Exponential moving average of weights (Polyak & Juditsky 1992), which can replace the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

STRIDE, WARMUP = 4, 16
"""Steps between updates, and initial steps with an update each: averaging many small tensors costs a good part of a
step."""


class WeightEMA:
    """Exponential moving average of parameters; a no-op if ``decay`` is 0.

    The decay after step t is min(decay, (1 + t) / (10 + t)), so that the random start is forgotten. After the first
    `WARMUP` steps there is an update every `STRIDE` steps, with that to the power of `STRIDE`.

    Parameters
    ----------
    parameters : sequence of Parameter
        What is averaged.
    decay : float
        Fraction of the old average in [0, 1) that each step keeps.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters: list[Tensor] = list(dict.fromkeys(parameters)) if decay else []
        self.decay = decay
        self.values: list[Tensor] = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the parameters; ``step`` counts from 1."""
        stride = 1 if step <= WARMUP else STRIDE
        if self.parameters and step % stride == 0:
            decay = min(self.decay, (1 + step) / (10 + step)) ** stride
            torch._foreach_lerp_(self.values, self.parameters, 1.0 - decay)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Replace the parameters by their averages within the block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, value in zip(self.parameters, self.values, strict=True):
            own = parameter.detach().clone()
            parameter.copy_(value)
            value.copy_(own)
