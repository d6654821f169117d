"""Encoder of rows: embedded cells through one linear map per column, summed, then a perceptron."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch
from gensynth.nn.layers import ResidualMLP, columnwise
from gensynth.nn.tabular.embeddings import CellEmbedding


class CellEncoder(nn.Module):
    """Encoder from rows to posterior parameters: a sum over cells, then a perceptron.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    cells : CellEmbedding
        Embedding of the cells (may be shared with a decoder).
    hidden : sequence of int
        Hidden widths; the first is the width of the sum.
    width_out : int
        Width of the output: means and log-variances, or vectors to be quantised.
    dropout : float
        Share of units dropped in training.
    """

    def __init__(
        self, layout: Layout, cells: CellEmbedding, hidden: Sequence[int], width_out: int, dropout: float
    ) -> None:
        super().__init__()
        self.cells = cells
        k = len(layout.columns)
        self.contribute = columnwise(k, cells.code.embedding_dim, hidden[0], gain=k**-0.5)
        self.bias = nn.Parameter(torch.zeros(hidden[0]))
        self.network = ResidualMLP(hidden[0], hidden[1:], width_out, dropout)
        nn.init.zeros_(self.network.out.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Return (n, width_out)."""
        # one product over all cells: summing one product per column would write k times as much
        total = torch.addmm(self.bias, self.cells.rows(batch).flatten(1), self.contribute.flatten(0, 1), alpha=3.0)
        out: Tensor = self.network(torch.relu(total))
        return out
