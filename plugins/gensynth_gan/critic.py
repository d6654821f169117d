"""The critic of rows of a table."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.tabular.one_hot import OneHotRows

from .blocks import smooth


class RowCritic(nn.Module):
    """From packs of rows to one value a pack, higher = more like real rows.

    ``pack`` rows are judged together, so that a generator of too little variety is found out (Lin et al. 2018,
    "PacGAN", arXiv:1712.04086; here the first layers are shared by the rows of a pack, which then meet in the last
    hidden layer, where the paper widens the first layer).
    Real rows enter by a lookup: one-hot times matrix without the one-hot.
    No batch normalisation: a penalty on the gradient of each row needs rows that do not interact beyond their pack.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    rows : OneHotRows
        Its flat rows.
    width : int
        Width of the three hidden layers.
    pack : int
        Rows judged together.
    """

    def __init__(self, layout: Layout, rows: OneHotRows, width: int, pack: int) -> None:
        super().__init__()
        self.rows = rows
        self.pack = pack
        active = rows.n_numbers + len(layout.columns)  # entries of a flat row that are not 0
        self.weight = nn.Parameter(smooth(layout, rows, width, 1.0 / math.sqrt(active)))
        self.bias = nn.Parameter(torch.zeros(width))
        self.hidden = nn.Linear(width, width)
        self.together = nn.Linear(pack * width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, packs: Tensor) -> Tensor:
        """Map packs (n, pack * rows.width) of flat rows to values (n,)."""
        return self.value(packs.reshape(-1, self.rows.width) @ self.weight)

    def enter(self, batch: Batch) -> Tensor:
        """Return the first layer's products (n, width) of rows."""
        return self.rows.project(batch, self.weight)

    def value(self, products: Tensor) -> Tensor:
        """Map the products of pack * n rows, in any shape, to values (n,); rows of a pack follow each other."""
        return self._value(self._pack_features(self._row_features(products.reshape(-1, self.bias.shape[0]))))

    def value_and_features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the value (n,) and the last hidden layer (n, width) of each row, packed with itself."""
        rows = self._row_features(self.enter(batch))
        features = self._pack_features(rows.repeat_interleave(self.pack, 0))
        return self._value(features), features

    def _row_features(self, first: Tensor) -> Tensor:
        return F.leaky_relu(self.hidden(F.leaky_relu(first + self.bias, 0.2)), 0.2)

    def _pack_features(self, rows: Tensor) -> Tensor:
        return F.leaky_relu(self.together(rows.view(-1, self.together.in_features)), 0.2)

    def _value(self, h: Tensor) -> Tensor:
        out: Tensor = self.out(h)
        return out.squeeze(1)
