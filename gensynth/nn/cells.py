"""Cells in and cells out: embeddings of codes and numbers, heads over codes and positions.

Tensors are columns first, (k, n, width): every column has weights of its own, and one batched matrix product
serves all of them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.buckets import LOG_2E, Buckets, draw_powers, shares
from gensynth.nn.curves import OrderedCurves
from gensynth.nn.tower import columnwise

N_CELLS = 32
"""Cells in which `PositionHeads` learns where inside its code a value lies."""


class Numbers(nn.Module):
    """Where the numbers of a layout stand.

    ``columns`` (p,) have a number beside their code, which stands at ``index`` (p,) of the row's numbers; ``owner``
    (p,) is which of ``columns`` each of those belongs to.
    """

    columns: Tensor
    index: Tensor
    owner: Tensor
    center: Tensor
    first: Tensor
    stop: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        places = [i for i, column in enumerate(layout.columns) if column.numeric is not None]
        columns = [layout.columns[i] for i in places]
        self.any = bool(places)
        self.register_buffer("columns", torch.tensor(places, dtype=torch.long), persistent=False)
        index = torch.tensor([column.numeric or 0 for column in columns], dtype=torch.long)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("owner", index.argsort(), persistent=False)
        self.register_buffer("center", torch.tensor([0.5 * (c.role == "position") for c in columns]), persistent=False)
        active = torch.tensor([column.active for column in columns], dtype=torch.long).view(-1, 2)
        self.register_buffer("first", active[:, 0].clone(), persistent=False)
        self.register_buffer("stop", active[:, 1].clone(), persistent=False)

    def active(self, codes: Tensor) -> Tensor:
        """Return (n, p) bool: whether the cells of ``columns`` have a number beside their code."""
        codes = codes.index_select(1, self.columns)
        return (codes >= self.first) & (codes < self.stop)

    def forward(self, batch: Batch) -> Tensor:
        """Return (n, p): the numbers of ``columns`` about their centre, bounded; 0 for cells that have none."""
        values = batch.numeric.index_select(1, self.index) - self.center
        return torch.where(self.active(batch.codes), values.clamp(-8.0, 8.0), 0.0)


class CellEmbedding(nn.Module):
    """Embed every cell: a vector a code, plus the number beside it times a second vector of that code.

    So a binned number enters with its full resolution, piecewise linear in the value, and no one-hot row exists.
    Codes that stand in the order of their values have vectors on smooth curves (`OrderedCurves`).
    """

    def __init__(self, layout: Layout, buckets: Buckets, dim: int) -> None:
        super().__init__()
        self.numbers = Numbers(layout)
        self.offsets, self.widths = buckets.offsets.tolist(), layout.cardinalities
        self.register_buffer("slots", buckets.offsets.clone(), persistent=False)
        self.code = nn.Embedding(buckets.n_slots, dim)
        nn.init.normal_(self.code.weight, std=0.3)
        self.slope = nn.Embedding(buckets.n_slots, dim)
        nn.init.normal_(self.slope.weight, std=0.3 if any(c.role == "value" for c in layout.columns) else 0.02)
        self.curves = OrderedCurves(layout, buckets, dim, 0.3)
        self.curves.start(self.code.weight.data)

    slots: Tensor

    def forward(self, batch: Batch) -> Tensor:
        """Return (k, n, dim)."""
        return self.rows(batch).transpose(0, 1)

    def rows(self, batch: Batch) -> Tensor:
        """Return (n, k, dim): the cells of a row side by side."""
        n, k = batch.codes.shape
        index = batch.codes + self.slots
        # rows of a table, not `nn.Embedding`, whose gradient costs a CPU four times as much
        cells = self.table().index_select(0, index.flatten()).view(n, k, -1)
        if not self.numbers.any:
            return cells
        number = self.numbers(batch)
        slope = self.slope.weight.index_select(0, index.index_select(1, self.numbers.columns).flatten())
        slope = number.unsqueeze(-1) * slope.view(*number.shape, -1)
        return cells.index_add_(1, self.numbers.columns, slope)  # in place: nobody else has ``cells``

    def table(self) -> Tensor:
        """Return (n_slots, dim): the vector of every code."""
        table: Tensor = self.curves(self.code.weight)
        return table

    def column(self, position: int, codes: Tensor, number: Tensor | None) -> Tensor:
        """Return (n, dim): the cells of one column, ``number`` being centred and masked as `Numbers` gives it."""
        first = self.offsets[position]
        stop = first + self.widths[position]
        cells = self.curves.column(position, self.code.weight[first:stop], first).index_select(0, codes)
        return cells if number is None else cells + number.unsqueeze(-1) * self.slope(codes + first)


class CodeHeads(nn.Module):
    """One softmax head a column over hidden vectors (k, n, width).

    Biases start at the log marginals; weights of codes that stand in order lie on smooth curves (`OrderedCurves`).
    """

    def __init__(self, layout: Layout, buckets: Buckets, width: int) -> None:
        super().__init__()
        self.buckets = buckets
        scale = 0.3 / math.sqrt(width)
        self.weight = nn.Parameter(torch.randn(buckets.n_slots, width) * scale)
        self.curves = OrderedCurves(layout, buckets, width, scale)
        self.curves.start(self.weight.data)
        self.bias = nn.Parameter(buckets.log_marginals.clamp(min=-30.0))
        self.first, self.widths = buckets.offsets.tolist(), layout.cardinalities

    def log_likelihood(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code."""
        out = hidden.new_zeros(codes.shape[1], codes.shape[0])
        weight, bias = self.curves(self.weight), self.bias + self.buckets.padding
        for bucket in self.buckets.buckets:
            columns = torch.tensor(bucket.columns, device=hidden.device)
            own = weight[bucket.start : bucket.start + bucket.size].unflatten(0, (len(columns), bucket.width))
            logits = torch.baddbmm(bucket.view(bias).unsqueeze(1), hidden.index_select(0, columns), own.transpose(1, 2))
            chosen = -F.cross_entropy(
                logits.flatten(0, 1), codes.t().index_select(0, columns).flatten(), reduction="none"
            )
            out = out.index_copy(0, columns, chosen.view(len(columns), -1))
        return out.t()

    def logits(self, position: int, hidden: Tensor) -> Tensor:
        """Return (n, cardinality) log-weights of one column's codes, -inf for `UNKNOWN`; ``hidden`` is (n, width)."""
        first = self.first[position]
        own = slice(first, first + self.widths[position])
        weight = self.curves.column(position, self.weight[own], first)
        return torch.addmm(self.bias[own] + self.buckets.never[own], hidden, weight.t())

    def bias_of(self, position: int) -> Tensor:
        """Return (cardinality,): the biases of one column's codes, not a copy."""
        return self.bias[self.first[position] :][: self.widths[position]]


class PositionHeads(nn.Module):
    """Where inside its code a value lies: a density of `N_CELLS` equal steps on [0, 1] a column.

    Conditioned on the hidden vector and on the code, it starts uniform. Beyond [0, 1] (values outside the fitted
    range) the density decays exponentially, so that far away is less likely than near.
    """

    columns: Tensor
    index: Tensor

    def __init__(self, layout: Layout, buckets: Buckets, width: int, dim: int = 32) -> None:
        super().__init__()
        self.positions = [i for i, c in enumerate(layout.columns) if c.role == "position"]
        self.where = {position: i for i, position in enumerate(self.positions)}
        index = [layout.columns[i].numeric or 0 for i in self.positions]
        self.register_buffer("columns", torch.tensor(self.positions, dtype=torch.long), persistent=False)
        self.register_buffer("index", torch.tensor(index, dtype=torch.long), persistent=False)
        self.register_buffer("slots", buckets.offsets[self.positions].clone(), persistent=False)
        active = torch.tensor([layout.columns[i].active for i in self.positions], dtype=torch.long).view(-1, 2)
        self.register_buffer("start", active[:, 0].clone(), persistent=False)
        self.register_buffer("stop", active[:, 1].clone(), persistent=False)
        self.first = buckets.offsets.tolist()
        k = len(self.positions)
        self.code = nn.Embedding(buckets.n_slots, dim)
        nn.init.normal_(self.code.weight, std=0.1)
        self.hidden = columnwise(k, width, dim)
        self.out = nn.Parameter(torch.zeros(k, dim, N_CELLS))
        self.bias = nn.Parameter(torch.zeros(k, 1, N_CELLS))

    slots: Tensor
    start: Tensor
    stop: Tensor

    def log_density(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Return (n, p): log-density of each position, 0 for cells that have none."""
        codes = batch.codes.index_select(1, self.columns)
        number = batch.numeric.index_select(1, self.index)
        feature = torch.bmm(hidden.index_select(0, self.columns), self.hidden)
        own = self.code.weight.index_select(0, (codes + self.slots).t().flatten()).view_as(feature)
        feature = F.relu(feature + own)
        logits = torch.baddbmm(self.bias, feature, self.out)  # (p, n, cells)
        cell = (number * N_CELLS).long().clamp(0, N_CELLS - 1).t()
        chosen = logits.gather(-1, cell.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(-1)
        beyond = (number - number.clamp(0.0, 1.0)).abs()
        density = chosen.t() + math.log(N_CELLS) - beyond
        return torch.where((codes >= self.start) & (codes < self.stop), density, 0.0)

    def sample(self, position: int, hidden: Tensor, codes: Tensor, rng: Generator) -> Tensor:
        """Draw (n,) positions of one column given its hidden vectors (n, width) and its codes (n,)."""
        i = self.where[position]
        feature = F.relu(hidden @ self.hidden[i] + self.code(codes + self.first[position]))
        cell = draw(torch.addmm(self.bias[i], feature, self.out[i]), rng)
        inside = torch.rand(len(codes), generator=rng, device=codes.device, dtype=hidden.dtype)
        return (cell + inside) / N_CELLS


def draw(logits: Tensor, rng: Generator) -> Tensor:
    """Draw (n,) indices from rows of log-weights (n, width); a weight of -inf is never drawn."""
    return draw_powers(logits * LOG_2E, shares(logits.shape[:-1], logits, rng))
