"""Dropout whose mask is cheap to draw."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gensynth.nn.randomness import held_generator

_LEVELS = 1 << 16


def fitting_rate(n_rows: int) -> float:
    """Return the share of units to drop: .2 for 20,000 rows, the more the fewer (at most .5), .075 for a million."""
    return min(0.5, max(0.05, 0.2 * math.pow(20_000 / max(n_rows, 1), 0.25)))


def dropout(h: Tensor, p: float, training: bool) -> Tensor:
    """Zero a share ``p`` of the entries and scale the others by 1 / (1 - p); the identity outside training.

    Four entries share one 64-bit draw (``p`` is rounded to 1 / 65,536): on a CPU, torch's own mask of independent
    Bernoulli draws takes a quarter of a training step of `vlae`. The draws come from the training step's generator
    (`gensynth.nn.randomness.drawing_from`), outside one from torch's global generator.
    """
    if not training or p == 0.0:
        return h
    bits = torch.empty((h.numel() + 3) // 4, dtype=torch.int64, device=h.device)
    bits.random_(-(1 << 63), None, generator=held_generator())
    keep = bits.view(torch.int16)[: h.numel()] >= round(p * _LEVELS) - _LEVELS // 2
    return h * (keep.view(h.shape).to(h.dtype) * (1.0 / (1.0 - p)))
