"""Embeddings of the cells of a row: a vector for the code, plus its number times a second vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch
from gensynth.nn.tabular.active_codes import ActiveCodes
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.ordinal_basis import OrdinalBasis


class Numbers(nn.Module):
    """Positions of the numbers in a layout.

    ``columns`` (p,) have a number beside their code, which stands at ``index`` (p,) of the row's numbers; ``owner``
    (p,) is which of ``columns`` each of those belongs to.
    """

    columns: Tensor
    index: Tensor
    owner: Tensor
    center: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        numbered = [(i, column.numeric) for i, column in enumerate(layout.columns) if column.numeric is not None]
        places, slots = [i for i, _ in numbered], [slot for _, slot in numbered]
        self.any = bool(places)
        self.register_buffer("columns", torch.tensor(places, dtype=torch.long), persistent=False)
        index = torch.tensor([slot.index for slot in slots], dtype=torch.long)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("owner", index.argsort(), persistent=False)
        self.register_buffer("center", torch.tensor([slot.middle for slot in slots]), persistent=False)
        self.active_codes = ActiveCodes(slots)

    def active(self, codes: Tensor) -> Tensor:
        """Return (n, p) bool: whether the cells of ``columns`` have a number beside their code."""
        mask: Tensor = self.active_codes(codes.index_select(1, self.columns))
        return mask

    def forward(self, batch: Batch) -> Tensor:
        """Return (n, p): the numbers of ``columns`` about their centre, bounded; 0 for cells that have none."""
        values = batch.numeric.index_select(1, self.index) - self.center
        return torch.where(self.active(batch.codes), values.clamp(-8.0, 8.0), 0.0)


class CellEmbedding(nn.Module):
    """Embedding of cells: a vector for each code, plus the number beside it times a second vector.

    So a binned number enters with its full resolution, piecewise linear in the value, and no one-hot row exists.
    Codes that stand in the order of their values have vectors on smooth curves (`OrdinalBasis`).
    """

    def __init__(self, layout: Layout, code_slots: CategoricalSlots, dim: int) -> None:
        super().__init__()
        self.numbers = Numbers(layout)
        self.offsets, self.widths = code_slots.offsets.tolist(), layout.cardinalities
        self.register_buffer("slots", code_slots.offsets.clone(), persistent=False)
        self.code = nn.Embedding(code_slots.n_slots, dim)
        nn.init.normal_(self.code.weight, std=0.3)
        self.slope = nn.Embedding(code_slots.n_slots, dim)
        nn.init.normal_(self.slope.weight, std=0.3 if any(c.holds("continuous") for c in layout.columns) else 0.02)
        self.curves = OrdinalBasis(layout, code_slots, dim, 0.3)
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
