"""Basic layers: dropout, one linear map per column, a smooth bound, a residual perceptron."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gensynth.nn.randomness import held_generator

_LEVELS = 1 << 16


def fitting_rate(n_rows: int) -> float:
    """Return the default dropout: .5 at most for few rows, .2 for 20,000, .075 for a million."""
    return min(0.5, max(0.05, 0.2 * math.pow(20_000 / max(n_rows, 1), 0.25)))


def dropout(h: Tensor, p: float, *, training: bool) -> Tensor:
    """Zero a share ``p`` of the entries and scale the others by 1 / (1 - p); the identity outside training.

    Four entries share one 64-bit draw (``p`` is rounded to 1 / 65,536): on a CPU, torch's own mask of independent
    Bernoulli draws takes a quarter of a training step of an autoregressive decoder. The draws come from the training
    step's generator (`gensynth.nn.randomness.drawing_from`), outside one from torch's global generator.
    """
    if not training or p == 0.0:
        return h
    return h * (kept_entries(h, p) * (1.0 / (1.0 - p)))


def kept_entries(h: Tensor, p: float) -> Tensor:
    """Return 1 for the entries of ``h`` that `dropout` keeps, 0 for the others, in its dtype."""
    bits = torch.empty((h.numel() + 3) // 4, dtype=torch.int64, device=h.device)
    bits.random_(-(1 << 63), None, generator=held_generator())
    kept = torch.empty(h.shape, dtype=h.dtype, device=h.device)
    # into floats at once: a mask of booleans and its conversion take a CPU ten times as long
    return torch.ge(bits.view(torch.int16)[: h.numel()].view(h.shape), round(p * _LEVELS) - _LEVELS // 2, out=kept)


def columnwise(k: int, width_in: int, width_out: int, gain: float = 1.0) -> nn.Parameter:
    """Return weights (k, width_in, width_out) of one linear map per step, initialised to keep the variance."""
    return nn.Parameter(torch.randn(k, width_in, width_out) * (gain * width_in**-0.5))


def bounded(x: Tensor, bound: float) -> Tensor:
    """Return ``x`` smoothly bounded to plus or minus ``bound``; the identity near 0."""
    return bound * torch.tanh(x / bound)


class ResidualMLP(nn.Module):
    """A multilayer perceptron with residual connections between hidden layers of equal width.

    Parameters
    ----------
    width_in, width_out : int
        Widths of the input and of the output.
    hidden : sequence of int
        Widths of the hidden layers; layers of the same width as the one before are residual.
    dropout : float
        Share of hidden units dropped in training.
    """

    def __init__(self, width_in: int, hidden: Sequence[int], width_out: int, dropout: float = 0.0) -> None:
        super().__init__()
        widths = [width_in, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.out = nn.Linear(widths[-1], width_out)
        self.activation = nn.SiLU()
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width_in) to (..., width_out)."""
        out: Tensor = self.out(self.features(x))
        return out

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer (..., hidden[-1])."""
        for layer in self.layers:
            h = dropout(self.activation(layer(x)), self.dropout, training=self.training)
            x = x + h if h.shape == x.shape else h
        return x
