"""Sampled one-hot codes with a straight-through gradient to their logits (ReinMax)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from gensynth.nn.categorical import draw_codes
from gensynth.nn.tabular.categorical_slots import CategoricalSlots


class _StraightThrough(torch.autograd.Function):
    """Sample one-hot codes; the backward pass is a second-order estimate of the expectation's gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, code_slots: CategoricalSlots, rng: Generator) -> Tensor:
        """Return one-hot codes drawn from softmax(logits), column by column."""
        probabilities = code_slots.softmax(logits)
        drawn = torch.zeros_like(probabilities)
        for group in code_slots.groups:
            codes = draw_codes(group.view(probabilities), rng)
            group.view(drawn).scatter_(-1, codes.unsqueeze(-1), 1.0)
        ctx.save_for_backward(probabilities, drawn)
        ctx.code_slots = code_slots
        return drawn

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return 2 J(m) g - J(p) g / 2: p the probabilities, m halfway from p to the draw, J the softmax's Jacobian."""
        probabilities, drawn = ctx.saved_tensors
        parts = []
        for group in ctx.code_slots.groups:
            p, g = group.view(probabilities), group.view(gradient)
            middle = 0.5 * (p + group.view(drawn))
            part = 2.0 * middle * (g - (middle * g).sum(-1, keepdim=True))
            parts.append((part - 0.5 * p * (g - (p * g).sum(-1, keepdim=True))).flatten(-2))
        return torch.cat(parts, -1), None, None


def straight_through(code_slots: CategoricalSlots, logits: Tensor, rng: Generator) -> Tensor:
    """Return one-hot codes (n, n_slots) drawn from softmax(logits), with a gradient; never `UNKNOWN`, never padding.

    The gradient is ReinMax's (Liu et al. 2023, "Bridging Discrete and Backpropagation: Straight-Through and Beyond",
    arXiv:2304.08612, algorithm 2): exact for functions of the codes that are quadratic, where Gumbel-softmax trades
    bias for noise by a temperature.
    """
    codes: Tensor = _StraightThrough.apply(logits, code_slots, rng)  # type: ignore[no-untyped-call] # torch types it not
    return codes
