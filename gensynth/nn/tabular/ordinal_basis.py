"""Cosine basis for the weights of ordinal codes, plus a residual with a low learning rate.

A hundred bins of a number have a vector each; learned one by one from a few thousand rows they overfit. Here the
vectors of a column are sums of few cosines over its order, which all rows train, plus a residual of damped
steps: the weights are smooth where the data do not determine them. (Damped by a factor d, a residual of the same size
costs an optimiser of unit steps 1 / d as many.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gensynth.layout import Layout
from gensynth.nn.tabular.categorical_slots import CategoricalSlots

N_COSINES = 16
"""Cosines a column."""
DAMPING = 0.2
"""Factor of the residual network's output."""
MIN_CODES = 16
"""Ordered columns with at most this many codes have no basis: they need no smoothing."""


def cosines(n: int) -> Tensor:
    """Return (n, N_COSINES): the first cosines over n codes, the faster ones the smaller."""
    frequency = torch.arange(N_COSINES).float()
    place = (torch.arange(n).float() + 0.5) / n
    return math.sqrt(2.0) * torch.cos(math.pi * place[:, None] * frequency) / (1.0 + frequency / 6.0)


class OrdinalBasis(nn.Module):
    """The smooth part of a table of weights (n_slots, dim), a row for each slot of `CategoricalSlots`.

    Parameters
    ----------
    layout : Layout
        Whose columns the slots belong to.
    code_slots : CategoricalSlots
        Its code slots.
    dim : int
        Width of the table.
    scale : float
        Standard deviation of the table to begin with.
    """

    damping: Tensor

    def __init__(self, layout: Layout, code_slots: CategoricalSlots, dim: int, scale: float) -> None:
        super().__init__()
        damping = torch.ones(code_slots.n_slots, 1)
        self.place: dict[int, tuple[int, int]] = {}
        self.coefficients = nn.ParameterDict()
        self.parts = [(group.start, group.size) for group in code_slots.groups]
        # cosines of n codes have a mean square of 1 / (1 + f / 6)^2 each
        spread = scale / cosines(N_COSINES).square().mean(0).sum().sqrt()
        for b, group in enumerate(code_slots.groups):
            basis = torch.zeros(len(group.columns), group.width, N_COSINES)
            for j, position in enumerate(group.columns):
                codes = layout.columns[position].codes_in_order
                if len(codes) > MIN_CODES:
                    basis[j, codes.start : codes.stop] = cosines(len(codes))
                    first = group.start + j * group.width
                    damping[first + codes.start : first + codes.stop] = DAMPING
                    self.place[position] = (b, j)
            if basis.any():
                self.register_buffer(f"basis_{b}", basis, persistent=False)
                shape = (len(group.columns), N_COSINES, dim)
                self.coefficients[str(b)] = nn.Parameter(torch.randn(shape) * spread)
        self.register_buffer("damping", damping, persistent=False)

    def start(self, residual: Tensor) -> None:
        """Set ``residual`` (n_slots, dim) to 0 where there is a basis, which training starts from."""
        residual.masked_fill_(self.damping < 1.0, 0.0)

    def forward(self, residual: Tensor) -> Tensor:
        """Return the table (n_slots, dim) that ``residual`` (n_slots, dim) belongs to."""
        if not self.place:
            return residual
        smooth = []
        for b, (_, size) in enumerate(self.parts):
            if str(b) in self.coefficients:
                own = torch.bmm(self.get_buffer(f"basis_{b}"), self.coefficients[str(b)])
                smooth.append(own.flatten(0, 1))
            else:
                smooth.append(residual.new_zeros(size, residual.shape[1]))
        return torch.addcmul(torch.cat(smooth), residual, self.damping)

    def column(self, position: int, residual: Tensor, first: int) -> Tensor:
        """Return the table's rows of one column, of which ``residual`` (width, dim) begins at slot ``first``."""
        if position not in self.place:
            return residual
        b, j = self.place[position]
        smooth = self.get_buffer(f"basis_{b}")[j, : len(residual)] @ self.coefficients[str(b)][j]
        return torch.addcmul(smooth, residual, self.damping[first : first + len(residual)])
