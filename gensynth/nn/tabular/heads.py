"""Output heads of the columns: a softmax over the codes, and a density of the number within its code.

Tensors have the column axis first, (k, n, width): every column has its own weights, in one batched matrix product.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch
from gensynth.nn.categorical import draw
from gensynth.nn.layers import columnwise
from gensynth.nn.tabular.active_codes import ActiveCodes
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.column_softmax import ColumnSoftmax
from gensynth.nn.tabular.ordinal_basis import OrdinalBasis

N_CELLS = 32
"""Steps of the density on [0, 1] in which `WithinBinHeads` learns where inside its code a value lies."""


class CodeHeads(nn.Module):
    """One softmax head per column over hidden vectors (k, n, width).

    Biases start at the log marginals; weights of codes that stand in order lie on smooth curves (`OrdinalBasis`).
    """

    def __init__(self, layout: Layout, code_slots: CategoricalSlots, width: int) -> None:
        super().__init__()
        self.code_slots = code_slots
        scale = 0.3 / math.sqrt(width)
        self.weight = nn.Parameter(torch.randn(code_slots.n_slots, width) * scale)
        self.curves = OrdinalBasis(layout, code_slots, width, scale)
        self.curves.start(self.weight.data)
        self.bias = nn.Parameter(code_slots.log_marginals.clamp(min=-30.0))
        self.first, self.widths = code_slots.offsets.tolist(), layout.cardinalities

    def log_likelihood(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code."""
        weight, bias = self.curves(self.weight), self.bias + self.code_slots.padding
        out: Tensor = ColumnSoftmax.apply(hidden, weight, bias, codes.t(), self.code_slots.groups)  # type: ignore[no-untyped-call]
        return out.t()

    def logits(self, position: int, hidden: Tensor) -> Tensor:
        """Return (n, cardinality) log-weights of one column's codes, -inf for `UNKNOWN`; ``hidden`` is (n, width)."""
        first = self.first[position]
        own = slice(first, first + self.widths[position])
        weight = self.curves.column(position, self.weight[own], first)
        return torch.addmm(self.bias[own] + self.code_slots.never[own], hidden, weight.t())

    def bias_of(self, position: int) -> Tensor:
        """Return (cardinality,): the biases of one column's codes, not a copy."""
        return self.bias[self.first[position] :][: self.widths[position]]


class WithinBinHeads(nn.Module):
    """Density of positions within a bin: `N_CELLS` equal steps on [0, 1] for each column.

    Conditioned on the hidden vector and on the code, it starts uniform. Beyond [0, 1] (values outside the fitted
    range) the density decays exponentially, so that far away is less likely than near.
    """

    columns: Tensor
    index: Tensor

    def __init__(self, layout: Layout, code_slots: CategoricalSlots, width: int, dim: int = 32) -> None:
        super().__init__()
        slots = {i: c.numeric for i, c in enumerate(layout.columns) if c.numeric and c.numeric.kind == "within_bin"}
        self.positions = list(slots)
        self.where = {position: i for i, position in enumerate(self.positions)}
        index = [slot.index for slot in slots.values()]
        self.register_buffer("columns", torch.tensor(self.positions, dtype=torch.long), persistent=False)
        self.register_buffer("index", torch.tensor(index, dtype=torch.long), persistent=False)
        self.register_buffer("slots", code_slots.offsets[self.positions].clone(), persistent=False)
        self.active = ActiveCodes(list(slots.values()))
        self.first = code_slots.offsets.tolist()
        k = len(self.positions)
        self.code = nn.Embedding(code_slots.n_slots, dim)
        nn.init.normal_(self.code.weight, std=0.1)
        self.hidden = columnwise(k, width, dim)
        self.out = nn.Parameter(torch.zeros(k, dim, N_CELLS))
        self.bias = nn.Parameter(torch.zeros(k, 1, N_CELLS))

    slots: Tensor

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
        return torch.where(self.active(codes), density, 0.0)

    def log_density_of(self, position: int, hidden: Tensor, codes: Tensor, number: Tensor) -> Tensor:
        """Return (n,): `log_density` of one column, whose hidden vectors are (n, width)."""
        i = self.where[position]
        feature = F.relu(hidden @ self.hidden[i] + self.code(codes + self.first[position]))
        logits = torch.addmm(self.bias[i], feature, self.out[i])
        cell = (number * N_CELLS).long().clamp(0, N_CELLS - 1)
        chosen = logits.log_softmax(-1).gather(1, cell.unsqueeze(1)).squeeze(1)
        beyond = (number - number.clamp(0.0, 1.0)).abs()
        return torch.where(self.active.slots[i].beside(codes), chosen + math.log(N_CELLS) - beyond, 0.0)

    def sample(self, position: int, hidden: Tensor, codes: Tensor, rng: Generator) -> Tensor:
        """Draw (n,) positions of one column given its hidden vectors (n, width) and its codes (n,)."""
        i = self.where[position]
        feature = F.relu(hidden @ self.hidden[i] + self.code(codes + self.first[position]))
        cell = draw(torch.addmm(self.bias[i], feature, self.out[i]), rng)
        inside = torch.rand(len(codes), generator=rng, device=codes.device, dtype=hidden.dtype)
        return (cell + inside) / N_CELLS
