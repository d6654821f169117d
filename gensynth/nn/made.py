"""Masked autoregressive networks (MADE) over the blocks of a vector."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.layers import columnwise, dropout


class BlockMADE(nn.Module):
    """A perceptron of two hidden layers a block; its input is all that stands before the block.

    A masked network (MADE: Germain et al. 2015, arXiv 1502.03509) whose blocks share nothing but their input: a
    block costs the same alone as among the others, so that drawing block by block costs one pass in all.

    Parameters
    ----------
    n_blocks : int
        Blocks of the vector.
    block : int
        Width of a block.
    width : int
        Hidden units a block.
    width_out : int
        Outputs a block; they start at 0.
    dropout : float
        Share of hidden units dropped in training.
    """

    mask: Tensor

    def __init__(self, n_blocks: int, block: int, width: int, width_out: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_blocks, self.block, self.width, self.dropout = n_blocks, block, width, dropout
        owner = torch.arange(n_blocks)
        mask = owner.repeat_interleave(block)[:, None] < owner.repeat_interleave(width)[None, :]
        self.register_buffer("mask", mask.float(), persistent=False)
        fan_in = (mask.sum(0).clamp(min=1)).float()
        self.inner = nn.Parameter(torch.randn(n_blocks * block, n_blocks * width) * fan_in.rsqrt())
        self.inner_bias = nn.Parameter(torch.randn(n_blocks * width) * 0.3)
        self.middle = columnwise(n_blocks, width, width, gain=math.sqrt(2.0))
        self.middle_bias = nn.Parameter(torch.zeros(n_blocks, 1, width))
        self.outer = nn.Parameter(torch.zeros(n_blocks, width, width_out))
        self.outer_bias = nn.Parameter(torch.zeros(n_blocks, 1, width_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n_blocks, n, width_out) for vectors (n, n_blocks * block)."""
        first = torch.addmm(self.inner_bias, x, self.inner * self.mask)
        h = F.relu(first.view(len(x), self.n_blocks, self.width).transpose(0, 1))
        h = h + F.relu(torch.baddbmm(self.middle_bias, dropout(h, self.dropout, training=self.training), self.middle))
        return torch.baddbmm(self.outer_bias, dropout(h, self.dropout, training=self.training), self.outer)

    def one(self, b: int, before: Tensor) -> Tensor:
        """Return (n, width_out) of block b alone; ``before`` (n, b * block) is what stands before it."""
        own = slice(b * self.width, (b + 1) * self.width)
        h = torch.addmm(self.inner_bias[own], before, self.inner[: b * self.block, own]).relu_()
        h = torch.addmm(self.middle_bias[b], h, self.middle[b]).relu_().add_(h)
        return torch.addmm(self.outer_bias[b], h, self.outer[b])
