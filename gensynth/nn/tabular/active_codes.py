"""Which cells have a number beside their code."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gensynth.layout import ColumnLayout


class ActiveCodes(nn.Module):
    """The codes of some columns that have a number beside them (`ColumnLayout.active`).

    Parameters
    ----------
    columns : sequence of ColumnLayout
        The p columns.
    """

    first: Tensor
    stop: Tensor

    def __init__(self, columns: Sequence[ColumnLayout]) -> None:
        super().__init__()
        active = torch.tensor([column.active for column in columns], dtype=torch.long).view(-1, 2)
        self.register_buffer("first", active[:, 0].clone(), persistent=False)
        self.register_buffer("stop", active[:, 1].clone(), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Return (n, p) bool: whether cells of these columns, with the codes (n, p), have a number."""
        return (codes >= self.first) & (codes < self.stop)
