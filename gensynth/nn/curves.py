"""Weights of codes that stand in order: smooth curves over the order, plus a rest that learns slowly.

A hundred bins of a number have a vector each; learned one by one from a few thousand rows they overfit. Here the
vectors of a column are few cosines over its order, which all rows teach, and what those cannot say is left to a rest
whose steps are damped: smooth where the data leave it open, sharp where they insist. (Damped by a factor d, a rest of
the same size costs an optimiser of unit steps 1 / d as many.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gensynth.encoding.layout import UNKNOWN, ColumnLayout, Layout
from gensynth.nn.buckets import Buckets

N_CURVES = 16
"""Cosines a column."""
DAMPING = 0.2
"""What the steps of the rest are multiplied by."""
LEAST_CODES = 16
"""Columns of no more codes in order than this have no curves: there is nothing to be smooth about."""


def codes_in_order(column: ColumnLayout) -> tuple[int, int]:
    """Return the half-open range of codes that stand in the order of their values (of the bins, beside atoms)."""
    if column.ordered:
        return (UNKNOWN if column.missing is None else column.missing) + 1, column.cardinality
    return column.active


def cosines(n: int) -> Tensor:
    """Return (n, N_CURVES): the first cosines over n places, the faster ones the smaller."""
    frequency = torch.arange(N_CURVES).float()
    place = (torch.arange(n).float() + 0.5) / n
    return math.sqrt(2.0) * torch.cos(math.pi * place[:, None] * frequency) / (1.0 + frequency / 6.0)


class OrderedCurves(nn.Module):
    """The smooth part of a table of weights (n_slots, dim), a row for each slot of `Buckets`.

    Parameters
    ----------
    layout : Layout
        Whose columns the slots belong to.
    buckets : Buckets
        Its code slots.
    dim : int
        Width of the table.
    scale : float
        Standard deviation of the table to begin with.
    """

    damping: Tensor

    def __init__(self, layout: Layout, buckets: Buckets, dim: int, scale: float) -> None:
        super().__init__()
        damping = torch.ones(buckets.n_slots, 1)
        self.place: dict[int, tuple[int, int]] = {}
        self.coefficients = nn.ParameterDict()
        self.parts = [(bucket.start, bucket.size) for bucket in buckets.buckets]
        # cosines of n places have a mean square of 1 / (1 + f / 6)^2 each
        spread = scale / cosines(N_CURVES).square().mean(0).sum().sqrt()
        for b, bucket in enumerate(buckets.buckets):
            basis = torch.zeros(len(bucket.columns), bucket.width, N_CURVES)
            for j, position in enumerate(bucket.columns):
                start, stop = codes_in_order(layout.columns[position])
                if stop - start > LEAST_CODES:
                    basis[j, start:stop] = cosines(stop - start)
                    first = bucket.start + j * bucket.width
                    damping[first + start : first + stop] = DAMPING
                    self.place[position] = (b, j)
            if basis.any():
                self.register_buffer(f"basis_{b}", basis, persistent=False)
                shape = (len(bucket.columns), N_CURVES, dim)
                self.coefficients[str(b)] = nn.Parameter(torch.randn(shape) * spread)
        self.register_buffer("damping", damping, persistent=False)

    def start(self, rest: Tensor) -> None:
        """Leave nothing of ``rest`` (n_slots, dim) where there are curves: they are what training starts from."""
        rest.masked_fill_(self.damping < 1.0, 0.0)

    def forward(self, rest: Tensor) -> Tensor:
        """Return the table (n_slots, dim) that ``rest`` (n_slots, dim) belongs to."""
        if not self.place:
            return rest
        smooth = []
        for b, (_, size) in enumerate(self.parts):
            if str(b) in self.coefficients:
                own = torch.bmm(self.get_buffer(f"basis_{b}"), self.coefficients[str(b)])
                smooth.append(own.flatten(0, 1))
            else:
                smooth.append(rest.new_zeros(size, rest.shape[1]))
        return torch.addcmul(torch.cat(smooth), rest, self.damping)

    def column(self, position: int, rest: Tensor, first: int) -> Tensor:
        """Return the table's rows of one column, of which ``rest`` (width, dim) begins at slot ``first``."""
        if position not in self.place:
            return rest
        b, j = self.place[position]
        smooth = self.get_buffer(f"basis_{b}")[j, : len(rest)] @ self.coefficients[str(b)][j]
        return torch.addcmul(smooth, rest, self.damping[first : first + len(rest)])
