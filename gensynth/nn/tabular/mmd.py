"""Maximum mean discrepancy (MMD) between generated and real rows, as a loss on pairs of columns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.tabular.one_hot import OneHotRows
from gensynth.nn.tabular.two_sample import group_codes

N_GROUPS = 16
"""Groups of codes that a column is cut to."""


class MMDLoss(nn.Module):
    """Squared distance of all second moments: contingency tables of pairs of columns, and their marginals.

    The maximum mean discrepancy of Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13, lemma 6 (the unbiased
    estimate), with the kernel (share of columns that agree)^2. Codes are cut to `N_GROUPS` groups a column; the
    product of two numbers of role "value" counts as their agreement. Costs n^2 x columns, never columns^2.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    rows : OneHotRows
        Its one-hot rows.
    """

    groups: Tensor

    def __init__(self, layout: Layout, rows: OneHotRows) -> None:
        super().__init__()
        self.rows = rows
        self.n_columns = rows.n_numbers + len(layout.columns)
        sizes = [min(column.cardinality, N_GROUPS) for column in layout.columns]
        groups = torch.zeros(rows.width, rows.n_numbers + sum(sizes))
        groups[: rows.n_numbers, : rows.n_numbers] = torch.eye(rows.n_numbers)
        start = rows.n_numbers
        for column, first, size in zip(layout.columns, rows.code_slots.offsets.tolist(), sizes, strict=True):
            slots = rows.n_numbers + first + torch.arange(column.cardinality)
            groups[slots, start + torch.tensor(group_codes(column, N_GROUPS))] = 1.0
            start += size
        self.register_buffer("groups", groups, persistent=False)

    def forward(self, real: Batch, fake: Tensor) -> Tensor:
        """Return the distance of one-hot rows ``fake`` (m, width) from rows ``real`` (n); 0 in the mean if alike."""
        a, b = self.rows.project(real, self.groups), fake @ self.groups
        return self._alike(a, a, own=True) + self._alike(b, b, own=True) - 2.0 * self._alike(a, b, own=False)

    def _alike(self, a: Tensor, b: Tensor, *, own: bool) -> Tensor:
        """Return the mean kernel of all pairs; of two different rows if both are the ``own`` rows of one sample."""
        kernel = (a @ b.T / self.n_columns).square()
        if not own:
            return kernel.mean()
        n = len(a)
        return (kernel.sum() - kernel.diagonal().sum()) / max(n * (n - 1), 1)
