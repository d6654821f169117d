"""Generator and critic for rows of a table."""

from __future__ import annotations

import dataclasses
import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.soft import FlatRows

MOST_BLOCKS = 16
"""Blocks that a row is written in, at most."""


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
    """Writes rows block by block: each block of columns sees the noise and the codes of the blocks before it.

    Columns of one block are tied by the noise alone; so columns that determine each other (a code and its label)
    need no share of it. Neighbours in the table stand in different blocks. Biases of the logits start at the log
    marginals: an untrained generator draws every column with its own distribution.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    rows : FlatRows
        Its flat rows.
    n_given : int
        The first columns are given with every row, not written.
    noise_dim : int
        Width of the normal noise.
    width, depth : int
        Width and number of the hidden layers.
    """

    flat_order: Tensor
    code_order: Tensor
    numeric_order: Tensor

    def __init__(
        self,
        layout: Layout,
        rows: FlatRows,
        *,
        n_given: int,
        noise_dim: int,
        width: int,
        depth: int,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        n_columns = len(layout.columns)
        n_blocks = min(n_columns - n_given, MOST_BLOCKS)
        columns = [list(range(n_given + i, n_columns, n_blocks)) for i in range(n_blocks)]
        self.n_given_parts = int(n_given > 0)
        if n_given:
            columns.insert(0, list(range(n_given)))
        self.columns = columns
        self.numerics = [[n for c in block if (n := layout.columns[c].numeric) is not None] for block in columns]
        layouts = [_part(layout, block) for block in columns]
        self.parts = nn.ModuleList(FlatRows(part) for part in layouts)
        self.first = nn.Linear(noise_dim, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        parts = list(zip(layouts, self._flat_parts(), strict=True))
        self.block_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(n_blocks))
        self.heads = nn.ModuleList(_head(own, part, width) for own, part in parts[self.n_given_parts :])
        self.inputs = nn.ParameterList(nn.Parameter(_smooth(own, part, width, 0.3)) for own, part in parts[:-1])
        self.register_buffer("flat_order", _flat_order(rows, self._flat_parts(), columns), persistent=False)
        for name, order in (("code_order", self.columns), ("numeric_order", self.numerics)):
            written = torch.tensor([i for block in order for i in block], dtype=torch.long)
            self.register_buffer(name, written.argsort(), persistent=False)

    def forward(self, noise: Tensor, rng: Generator, given: Batch | None = None) -> Tensor:
        """Map noise (n, noise_dim), and n rows whose given cells are read, to flat rows (n, rows.width).

        Their codes are one-hot, with the gradient of soft ones.
        """
        parts, h = self._flat_parts(), self._hidden(noise, given)
        flats = [] if given is None else [parts[0].flatten(self._pick(given))]
        for i, (norm, head) in enumerate(zip(self.block_norms, self.heads, strict=True), self.n_given_parts):
            flats.append(parts[i].write(head(F.silu(norm(h))), rng))
            if i < len(self.inputs):
                h = h + flats[-1] @ self.inputs[i]
        return torch.cat(flats, 1).index_select(1, self.flat_order)

    @torch.no_grad()
    def draw(self, noise: Tensor, rng: Generator, given: Batch | None = None) -> Batch:
        """Draw n rows; the given cells come back as they are. Has no gradient."""
        parts, h = self._flat_parts(), self._hidden(noise, given)
        batches = [] if given is None else [self._pick(given)]
        for i, (norm, head) in enumerate(zip(self.block_norms, self.heads, strict=True), self.n_given_parts):
            batches.append(parts[i].draw(head(F.silu(norm(h), inplace=True)), rng))
            if i < len(self.inputs):
                h += parts[i].project(batches[-1], self.inputs[i])
        numeric = torch.cat([b.numeric for b in batches], 1).index_select(1, self.numeric_order)
        return Batch(numeric, torch.cat([b.codes for b in batches], 1).index_select(1, self.code_order))

    def _hidden(self, noise: Tensor, given: Batch | None) -> Tensor:
        """Return what the first block is written from (n, width)."""
        h: Tensor = self.first(noise)
        if self.n_given_parts:
            if given is None:
                raise ValueError("this generator needs rows with the given cells")
            h = h + self._flat_parts()[0].project(self._pick(given), self.inputs[0])
        for norm, layer in zip(self.norms, self.hidden, strict=True):
            h = h + F.silu(layer(norm(h)))
        return h

    def _pick(self, given: Batch) -> Batch:
        """Return the given columns alone."""
        return Batch(given.numeric[:, self.numerics[0]], given.codes[:, self.columns[0]])

    def _flat_parts(self) -> list[FlatRows]:
        return [part for part in self.parts if isinstance(part, FlatRows)]


def _head(layout: Layout, rows: FlatRows, width: int) -> nn.Linear:
    """Return a layer from hidden vectors to flat rows that starts near the marginals."""
    head = nn.Linear(width, rows.width)
    with torch.no_grad():
        head.weight.copy_(_smooth(layout, rows, width, 0.3 / math.sqrt(width)))
        head.bias.zero_()
        head.bias[rows.n_numbers :] = rows.buckets.log_marginals.clamp(min=-30.0)
    return head


def _part(layout: Layout, columns: list[int]) -> Layout:
    """Return the layout of some of the columns, their numbers counted anew."""
    own = [layout.columns[i] for i in columns]
    numerics = [c.numeric for c in own if c.numeric is not None]
    place = {numeric: i for i, numeric in enumerate(numerics)}
    renumbered = (c if c.numeric is None else dataclasses.replace(c, numeric=place[c.numeric]) for c in own)
    return Layout(tuple(renumbered), layout.n_rows)


def _flat_order(rows: FlatRows, parts: list[FlatRows], columns: list[list[int]]) -> Tensor:
    """Return where each entry of a flat row stands in the flat rows of the parts side by side."""
    values = {int(rows.owner[numeric]): i for i, numeric in enumerate(rows.values.tolist())}
    entries: list[int] = []
    for part, own in zip(parts, columns, strict=True):
        entries += [values[own[int(part.owner[numeric])]] for numeric in part.values.tolist()]
        for bucket in part.buckets.buckets:
            for i in bucket.columns:
                first = rows.n_numbers + int(rows.buckets.offsets[own[i]])
                entries += range(first, first + bucket.width)
    return torch.tensor(entries).argsort()


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
        active = rows.n_numbers + len(layout.columns)  # entries of a flat row that are not 0
        self.weight = nn.Parameter(_smooth(layout, rows, width, 1.0 / math.sqrt(active)))
        self.bias = nn.Parameter(torch.zeros(width))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
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
        h = F.leaky_relu(first + self.bias, 0.2)
        for layer in self.hidden:
            h = F.leaky_relu(layer(h), 0.2)
        return h

    def _pack_features(self, rows: Tensor) -> Tensor:
        return F.leaky_relu(self.together(rows.view(-1, self.together.in_features)), 0.2)

    def _value(self, h: Tensor) -> Tensor:
        out: Tensor = self.out(h)
        return out.squeeze(1)
