"""Layers of an ensemble: one batched product computes the same layer of all members.

Tensors are members first, (members, n, width).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class EnsembleLinear(nn.Module):
    """Linear layers, one for each member.

    Parameters
    ----------
    members : int
        Networks of the ensemble.
    width_in, width_out : int
        Widths of the input and of the output.
    gain : float
        Standard deviation of the weights at the start, in units of ``width_in ** -0.5``.
    mask : Tensor or None
        What the weights (members, width_in, width_out) are multiplied by, broadcasting: 0 cuts an input off an output.
    """

    mask: Tensor | None

    def __init__(
        self, members: int, width_in: int, width_out: int, gain: float = 1.0, mask: Tensor | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("mask", mask, persistent=False)
        self.weight = nn.Parameter(torch.randn(members, width_in, width_out) * gain / math.sqrt(width_in))
        self.bias = nn.Parameter(torch.zeros(members, 1, width_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, n, width_in) to (members, n, width_out)."""
        return torch.baddbmm(self.bias, x, self.weight if self.mask is None else self.weight * self.mask)


class EnsembleMLP(nn.Module):
    """Multilayer perceptrons with leaky rectifiers, one for each member.

    Parameters
    ----------
    members : int
        Networks of the ensemble.
    widths : sequence of int
        Width of the input, of the hidden layers, and of the output.
    """

    def __init__(self, members: int, widths: Sequence[int]) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        hidden = (EnsembleLinear(members, a, b, math.sqrt(2.0)) for a, b in pairs[:-1])
        self.hidden = nn.ModuleList(hidden)
        self.out = EnsembleLinear(members, *pairs[-1])
        self.activation = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, n, widths[0]) to (members, n, widths[-1])."""
        out: Tensor = self.out(self.features(x))
        return out

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer (members, n, widths[-2])."""
        for layer in self.hidden:
            x = self.activation(layer(x))
        return x


def member_mask(widths: Sequence[int]) -> Tensor:
    """Return (members, 1, max(widths)): 1 for the entries of a vector that are within a member's width, else 0."""
    mask = torch.arange(max(widths)) < torch.tensor(widths).unsqueeze(1)
    return mask.float().unsqueeze(1)


def standard_normal(shape: Sequence[int], like: Tensor, rng: torch.Generator) -> Tensor:
    """Draw N(0, 1) of this shape on the device and in the type of ``like``."""
    return torch.randn(tuple(shape), generator=rng, device=like.device, dtype=like.dtype)


def fixed_normal(shape: Sequence[int], seed: int) -> Tensor:
    """Return fixed antithetic N(0, 1) draws along the first axis: common random numbers make scores exact."""
    half = torch.randn(shape[0] // 2, *shape[1:], generator=torch.Generator().manual_seed(seed))
    return torch.cat([half, -half])


def balanced_normal(n: int, dim: int) -> Tensor:
    """Return (m, dim) fixed antithetic draws from N(0, I) with exact mean 0 and covariance I.

    m is ``n``, or 4 ``dim`` if that is more.
    """
    half = torch.randn(max(n // 2, 2 * dim), dim, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    factor = torch.linalg.cholesky(half.T @ half / len(half))
    half = torch.linalg.solve_triangular(factor, half.T, upper=False).T
    return torch.cat([half, -half])
