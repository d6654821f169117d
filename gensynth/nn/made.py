"""Masked autoregressive networks (MADE: Germain et al. 2015, arXiv 1502.03509) and the masks of their layers.

Every unit has a position: an input's is its own, a hidden unit's says which inputs it may depend on. A first layer, or
one around the hidden ones, lets units see positions before their own (strict); all others let them see their own too.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.ensemble import EnsembleLinear
from gensynth.nn.layers import columnwise, dropout


def autoregressive_mask(inputs: Tensor, outputs: Tensor, *, strict: bool = False) -> Tensor:
    """Return 1 where an output sees an input, else 0.

    Parameters
    ----------
    inputs, outputs : Tensor of shape (..., width_in), (..., width_out), int
        Positions; leading axes broadcast.
    strict : bool
        Whether an output sees the positions before its own only, not its own.

    Returns
    -------
    Tensor of shape (..., width_in, width_out), float32
    """
    before, own = inputs.unsqueeze(-1), outputs.unsqueeze(-2)
    return (before < own if strict else before <= own).float()


class MaskedLinear(nn.Linear):
    """A linear layer with an autoregressive mask; see `autoregressive_mask` for its parameters."""

    mask: Tensor

    def __init__(self, inputs: Tensor, outputs: Tensor, *, strict: bool = False) -> None:
        super().__init__(len(inputs), len(outputs))
        mask = autoregressive_mask(inputs, outputs, strict=strict)
        self.register_buffer("mask", mask.t().contiguous(), persistent=False)  # as the weights: (width_out, width_in)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width_in) to (..., width_out)."""
        return F.linear(x, self.weight * self.mask, self.bias)


class EnsembleMADE(nn.Module):
    """Masked autoregressive networks with a context, one for each member.

    Inputs and outputs stand at positions; an output sees the inputs at positions before its own, and all of the
    context.

    Parameters
    ----------
    inputs, outputs : Tensor of shape (members, width_in), (members, width_out), int
        Their positions, from 0.
    hidden : int
        Width of the two hidden layers.
    context : int
        Width of the context; 0 for none.
    gain : float
        Of the last weights at the start; near 0, outputs start near 0.
    """

    def __init__(self, inputs: Tensor, outputs: Tensor, hidden: int, context: int, gain: float = 1.0) -> None:
        super().__init__()
        (m, width_in), width_out = inputs.shape, outputs.shape[1]
        units = torch.linspace(0, int(outputs.max()), hidden).round().long()
        to_units, direct = (autoregressive_mask(inputs, own, strict=True) for own in (units, outputs))
        among_units, from_units = (autoregressive_mask(units, own) for own in (units, outputs))
        self.first = EnsembleLinear(m, width_in, hidden, math.sqrt(2.0), to_units)
        self.middle = EnsembleLinear(m, hidden, hidden, math.sqrt(2.0), among_units)
        self.last = EnsembleLinear(m, hidden, width_out, gain, from_units)
        self.direct = EnsembleLinear(m, width_in, width_out, 0.1 * gain, direct)
        self.from_context = EnsembleLinear(m, context, hidden + width_out, gain) if context else None
        self.activation = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Map (members, n, width_in) and the context (members, n, context) to (members, n, width_out)."""
        h, skip = self.first(x), self.direct(x)
        if self.from_context is not None and context is not None:
            to_hidden, to_out = self.from_context(context).split([h.shape[-1], skip.shape[-1]], -1)
            h, skip = h + to_hidden, skip + to_out
        out: Tensor = skip + self.last(self.activation(self.middle(self.activation(h))))
        return out


class BlockMADE(nn.Module):
    """Perceptrons with two hidden layers, one for each block, on all inputs before the block.

    A masked network whose blocks share nothing but their input: a block costs the same alone as among the others, so
    that drawing block by block costs one pass in all.

    Parameters
    ----------
    n_blocks : int
        Blocks of the vector.
    block : int
        Width of a block.
    width : int
        Hidden units per block.
    width_out : int
        Outputs a block; they start at 0.
    dropout : float
        Share of hidden units dropped in training.
    context : int
        Width of what every block sees as well; 0 for nothing.
    """

    mask: Tensor

    def __init__(
        self, n_blocks: int, block: int, width: int, width_out: int, dropout: float = 0.0, context: int = 0
    ) -> None:
        super().__init__()
        self.n_blocks, self.block, self.width, self.dropout = n_blocks, block, width, dropout
        owner = torch.arange(n_blocks)
        mask = autoregressive_mask(owner.repeat_interleave(block), owner.repeat_interleave(width), strict=True)
        self.register_buffer("mask", mask, persistent=False)
        fan_in = mask.sum(0).clamp(min=1)
        self.inner = nn.Parameter(torch.randn(n_blocks * block, n_blocks * width) * fan_in.rsqrt())
        self.inner_bias = nn.Parameter(torch.randn(n_blocks * width) * 0.3)
        self.middle = columnwise(n_blocks, width, width, gain=math.sqrt(2.0))
        self.middle_bias = nn.Parameter(torch.zeros(n_blocks, 1, width))
        self.outer = nn.Parameter(torch.zeros(n_blocks, width, width_out))
        self.outer_bias = nn.Parameter(torch.zeros(n_blocks, 1, width_out))
        self.from_context = nn.Linear(context, n_blocks * (width + width_out), bias=False) if context else None
        if self.from_context is not None:
            nn.init.zeros_(self.from_context.weight[n_blocks * width :])

    def told(self, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return biases of hidden units and outputs, shifted by a context (n, context).

        (n, n_blocks * width) and (n_blocks, n, width_out); without a context (n_blocks * width,) and those of one row.
        """
        if self.from_context is None or context is None:
            return self.inner_bias, self.outer_bias
        of_inner, of_outer = self.from_context(context).tensor_split([len(self.inner_bias)], 1)
        return self.inner_bias + of_inner, self.outer_bias + of_outer.unflatten(1, (self.n_blocks, -1)).transpose(0, 1)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return (n_blocks, n, width_out) for vectors (n, n_blocks * block), and a context (n, context)."""
        inner_bias, outer_bias = self.told(context)
        first = torch.addmm(inner_bias, x, self.inner * self.mask)
        h = F.relu(first.view(len(x), self.n_blocks, self.width).transpose(0, 1))
        h = h + F.relu(torch.baddbmm(self.middle_bias, dropout(h, self.dropout, training=self.training), self.middle))
        return torch.baddbmm(outer_bias, dropout(h, self.dropout, training=self.training), self.outer)

    def one(self, b: int, before: Tensor, told: tuple[Tensor, Tensor]) -> Tensor:
        """Return the outputs (n, width_out) of block b alone; ``before`` (n, b * block) are its inputs.

        ``told`` is what `told` returns of a context.
        """
        own = slice(b * self.width, (b + 1) * self.width)
        h = torch.addmm(told[0][..., own], before, self.inner[: b * self.block, own]).relu_()
        h = torch.addmm(self.middle_bias[b], h, self.middle[b]).relu_().add_(h)
        return torch.addmm(told[1][b], h, self.outer[b])
