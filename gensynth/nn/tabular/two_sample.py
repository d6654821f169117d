"""Two-sample statistic of encoded rows: total variation of columns and of pairs of columns."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from gensynth.layout import ColumnLayout, Layout
from gensynth.model import Batch


def group_codes(column: ColumnLayout, n_groups: int) -> list[int]:
    """Return the group in [0, n_groups) of every code: equal shares in order, or the most frequent codes first."""
    shares = column.frequencies
    if column.cardinality <= n_groups:
        return list(range(column.cardinality))
    missing = column.missing is not None
    n_plain = n_groups - missing  # missing values keep a group of their own
    out = [0] * len(shares)
    plain = [code for code in range(len(shares)) if code != column.missing]
    if column.ordered:
        total, below = sum(shares[code] for code in plain) or 1.0, 0.0
        for code in plain:
            out[code] = min(int((below + shares[code] / 2) / total * n_plain), n_plain - 1)
            below += shares[code]
    else:
        for rank, code in enumerate(sorted(plain, key=lambda code: -shares[code])):
            out[code] = min(rank, n_plain - 1)
    if column.missing is not None:
        out[column.missing] = n_groups - 1
    return out


class TwoSample:
    """A two-sample statistic of encoded rows: marginals and pairs of columns; 0 for equal samples, lower is nearer.

    It is the mean over columns of the total variation between the codes (cut to 32 groups) plus, for numbers of
    role "value", the Kolmogorov-Smirnov distance, plus the mean over pairs of columns of the total variation
    between their contingency tables (8 x 8 groups). Finite samples of one distribution have a value above 0 that
    depends on their sizes alone: compare values of equal sizes only. It draws nothing: equal inputs, equal values.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    max_pairs : int
        Most pairs of columns looked at; the same ones at every call.
    """

    def __init__(self, layout: Layout, max_pairs: int = 300) -> None:
        self.layout = layout
        columns = layout.columns
        self.fine = [torch.tensor(group_codes(c, 32)) for c in columns]
        self.coarse = [torch.tensor(group_codes(c, 8)) for c in columns]
        pairs = torch.combinations(torch.arange(len(columns)))
        if len(pairs) > max_pairs:
            order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))
            pairs = pairs[order[:max_pairs]]
        self.pairs = pairs

    def __call__(self, real: Batch, fake: Batch) -> Tensor:
        """Return the statistic (a scalar in [0, 3]) of two batches."""
        columns = _variation(_look_up(real, self.fine), _look_up(fake, self.fine), 32)
        distance = columns.mean()
        slots = [c.numeric for c in self.layout.columns if c.numeric is not None]
        values = [slot.index for slot in slots if slot.kind == "continuous"]
        if values:
            distance = distance + _kolmogorov_smirnov(real.numeric[:, values], fake.numeric[:, values]).mean()
        if len(self.pairs):
            tables = [self._cut(batch) for batch in (real, fake)]
            left, right = self.pairs.to(real.codes.device).unbind(1)
            joint = [table.index_select(1, left) * 8 + table.index_select(1, right) for table in tables]
            distance = distance + _variation(joint[0], joint[1], 64).mean()
        return distance

    def collapse_bound(self, real: Batch, rng: Generator) -> Tensor:
        """Return what the statistic exceeds for degenerate rows only, those of ``real`` (n) being the other sample.

        It lies a third of the way from the statistic of independent columns (each drawn anew from its own cells:
        right marginals, no dependence) to that of n copies of one row.
        """
        n = len(real)
        draws = torch.randint(n, (n, len(self.layout.columns)), generator=rng, device=real.codes.device)
        numeric = real.numeric.clone()
        for i, column in enumerate(self.layout.columns):
            if column.numeric is not None:
                numeric[:, column.numeric.index] = real.numeric[draws[:, i], column.numeric.index]
        independent = self(real, Batch(numeric, real.codes.gather(0, draws)))
        one = torch.randint(n, (1,), generator=rng, device=real.codes.device).expand(n)
        return torch.lerp(independent, self(real, real[one]), 1 / 3)

    def _cut(self, batch: Batch) -> Tensor:
        """Return the coarse group (n, k) of every cell; a "continuous" number is cut at normal quantiles."""
        out = _look_up(batch, self.coarse)
        for i, column in enumerate(self.layout.columns):
            slot = column.numeric
            if slot is None or slot.kind != "continuous" or column.cardinality > 8:
                continue  # columns with many codes are compared by their codes
            present = slot.beside(batch.codes[:, i])
            free = 8 - column.cardinality
            share = 0.5 * (1.0 + torch.erf(batch.numeric[:, slot.index] / math.sqrt(2.0)))
            cut = column.cardinality + (share * free).long().clamp(0, max(free - 1, 0))
            out[:, i] = torch.where(present & (free > 0), cut, out[:, i])
        return out


def _look_up(batch: Batch, groups: list[Tensor]) -> Tensor:
    """Return the group (n, k) of every code."""
    return torch.stack([g.to(batch.codes.device)[batch.codes[:, i]] for i, g in enumerate(groups)], 1)


def _variation(a: Tensor, b: Tensor, n_groups: int) -> Tensor:
    """Return (k,): total variation in [0, 1] between the groups of each column of ``a`` (n, k) and ``b`` (m, k)."""
    k = a.shape[1]
    first = torch.arange(k, device=a.device) * n_groups

    def shares(x: Tensor) -> Tensor:
        return torch.bincount((x + first).flatten(), minlength=k * n_groups) / x.shape[0]

    return 0.5 * (shares(a) - shares(b)).abs().view(k, n_groups).sum(1)


def _kolmogorov_smirnov(a: Tensor, b: Tensor) -> Tensor:
    """Return (d,): the largest gap in [0, 1] between the distribution functions of the columns of ``a`` and ``b``."""
    both, order = torch.cat([a, b]).sort(0)
    first = order < len(a)
    gap = (first.cumsum(0) / len(a) - (~first).cumsum(0) / len(b)).abs()
    tied = torch.zeros_like(both, dtype=torch.bool)
    tied[:-1] = both[1:] == both[:-1]  # a distribution function steps at the last of equal values
    return gap.masked_fill(tied, 0.0).amax(0)
