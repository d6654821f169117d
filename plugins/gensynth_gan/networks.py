"""Generator and critic for rows of a table."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.soft import FlatRows

from .conditions import ConditionEmbedding


def _smooth(layout: Layout, rows: FlatRows, width: int, gain: float) -> Tensor:
    """Return initial weights (rows.width, width) whose rows for neighbouring ordered codes are alike."""
    weight = torch.randn(rows.width, width) * gain
    for column, first in zip(layout.columns, rows.buckets.offsets.tolist(), strict=True):
        if column.ordered and column.cardinality > 8:
            place = torch.tensor(column.frequencies).cumsum(0).unsqueeze(1) * 2.0 - 1.0
            curve = torch.cos(place * torch.randn(1, width) * 3.0 + torch.rand(width) * 2.0 * math.pi)
            start = rows.n_numbers + first
            weight[start : start + column.cardinality] = math.sqrt(2.0) * gain * curve
    return weight


class RowGenerator(nn.Module):
    """From noise, and an embedded condition, to the numbers and the logits of the codes of a row.

    A residual network. The biases of the logits start at the log marginals: an untrained generator draws columns
    independently, each with its own distribution.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    rows : FlatRows
        Its flat rows.
    noise_dim : int
        Width of the normal noise.
    width, depth : int
        Width and number of the hidden layers.
    condition : ConditionEmbedding or None
        Embeds the condition cells into vectors of the hidden width; None for an unconditional generator.
    """

    def __init__(
        self,
        layout: Layout,
        rows: FlatRows,
        noise_dim: int,
        width: int,
        depth: int,
        condition: ConditionEmbedding | None = None,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.condition = condition
        self.first = nn.Linear(noise_dim, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, rows.width)
        with torch.no_grad():
            self.head.weight.copy_(_smooth(layout, rows, width, 0.3 / math.sqrt(width)))
            self.head.bias.zero_()
            self.head.bias[rows.n_numbers :] = rows.buckets.log_marginals.clamp(min=-30.0)

    def forward(self, noise: Tensor, condition: Batch | None = None) -> Tensor:
        """Map noise (n, noise_dim), and n rows whose condition cells are read, to outputs (n, rows.width)."""
        h = self.first(noise)
        if self.condition is not None and condition is not None:
            h = h + self.condition(condition)
        for norm, layer in zip(self.norms, self.hidden, strict=True):
            h = h + F.silu(layer(norm(h)))
        out: Tensor = self.head(h)
        return out


class RowCritic(nn.Module):
    """From packs of rows to one value a pack, higher = more like real rows.

    ``pack`` rows are judged together, so that a generator of too little variety is found out (Lin et al. 2018,
    "PacGAN", arXiv:1712.04086). Real rows enter by a lookup: one-hot times matrix without the one-hot.
    No batch normalisation: a penalty on the gradient of each row needs rows that do not interact beyond their pack.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    rows : FlatRows
        Its flat rows.
    width, depth : int
        Width and number of the hidden layers.
    pack : int
        Rows judged together.
    """

    def __init__(self, layout: Layout, rows: FlatRows, width: int, depth: int, pack: int) -> None:
        super().__init__()
        self.rows = rows
        self.pack = pack
        active = pack * (rows.n_numbers + len(layout.columns))  # entries of a pack of rows that are not 0
        weight = torch.cat([_smooth(layout, rows, width, 1.0 / math.sqrt(active)) for _ in range(pack)])
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(width))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.out = nn.Linear(width, 1)

    def forward(self, packs: Tensor) -> Tensor:
        """Map packs (n, pack * rows.width) of flat rows to values (n,)."""
        return self._value(self._deep(packs @ self.weight + self.bias))

    def real(self, batch: Batch) -> Tensor:
        """Map pack * n real rows to values (n,); rows of a pack follow each other."""
        return self._value(self._deep(self._look_up(batch)))

    def value_and_features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the value (n,) and the last hidden layer (n, width) of each row, packed with itself."""
        first = self.rows.numbers(batch) @ self._parts()[:, : self.rows.n_numbers].sum(0)
        table = self._parts()[:, self.rows.n_numbers :].sum(0)
        first = first + F.embedding_bag(batch.codes + self.rows.buckets.offsets, table, mode="sum") + self.bias
        features = self._deep(first)
        return self._value(features), features

    def _parts(self) -> Tensor:
        """Return the first layer's weights as (pack, rows.width, width)."""
        return self.weight.view(self.pack, self.rows.width, -1)

    def _look_up(self, batch: Batch) -> Tensor:
        """Return the first layer's sums (n / pack, width)."""
        start = torch.arange(self.pack, device=batch.codes.device) * self.rows.width + self.rows.n_numbers
        slots = (batch.codes + self.rows.buckets.offsets).view(-1, self.pack, batch.codes.shape[1])
        sums = F.embedding_bag((slots + start.unsqueeze(1)).flatten(1), self.weight, mode="sum")
        if self.rows.n_numbers:
            numbers = self.rows.numbers(batch).view(-1, self.pack * self.rows.n_numbers)
            sums = sums + numbers @ self._parts()[:, : self.rows.n_numbers].flatten(0, 1)
        return sums + self.bias

    def _deep(self, h: Tensor) -> Tensor:
        h = F.leaky_relu(h, 0.2)
        for layer in self.hidden:
            h = F.leaky_relu(layer(h), 0.2)
        return h

    def _value(self, h: Tensor) -> Tensor:
        out: Tensor = self.out(h)
        return out.squeeze(1)
