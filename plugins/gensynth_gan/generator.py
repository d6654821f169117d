"""The generator of rows of a table: it writes them block by block."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.tabular.causal_network import CausalNetwork, CausalState
from gensynth.nn.tabular.embeddings import CellEmbedding, Numbers
from gensynth.nn.tabular.heads import WithinBinHeads
from gensynth.nn.tabular.marginals import bias_change
from gensynth.nn.tabular.one_hot import OneHotRows
from gensynth.nn.tabular.ordinal_basis import OrdinalBasis

from .blocks import MAX_BLOCKS, cut, flat_order

CELL_DIM = 16
"""Width of the embedding of a cell."""
HIDDEN = 32
"""Width of a block's own hidden vectors: wider ones fit small tables less well, and cost twice as much."""

Adjust = Callable[[int, Tensor], Tensor]
"""From a block's number and its outputs to the outputs that are drawn from."""


class RowGenerator(nn.Module):
    """Writes rows block by block: each block of columns sees the noise and the cells of the blocks before it.

    A block is a column, up to `blocks.MAX_BLOCKS` of them; in wider tables the columns of one block are tied by what
    stands before it alone, and neighbours in the table stand in different blocks. What a block sees comes twice: as a
    sum of linear contributions of the cells, and as a sum of features of the hidden vectors, so that it is deep; all
    blocks of known rows are computed at once (`log_likelihood`), those of new rows one after the other. Biases of the
    logits start at the log marginals: an untrained generator draws every column with its own distribution.
    Numbers of role "value" are drawn from a normal distribution of learnt mean and spread.

    Parameters
    ----------
    layout : Layout
        Shape of the rows.
    rows : OneHotRows
        Its flat rows.
    n_given : int
        The first columns are given with every row, not written.
    noise_dim : int
        Width of the normal noise.
    width : int
        Width of what the blocks share.
    dropout : float
        Share of hidden units dropped by `log_likelihood` in training.
    """

    block_of: Tensor
    flat_order: Tensor
    cell_order: Tensor
    columns: Tensor
    code_order: Tensor
    numerics: Tensor
    numeric_order: Tensor

    def __init__(
        self, layout: Layout, rows: OneHotRows, *, n_given: int, noise_dim: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        self.noise_dim, self.n_given = noise_dim, n_given
        self.blocks = cut(layout, n_given)
        k, hidden = len(self.blocks), HIDDEN
        self.parts = nn.ModuleList(OneHotRows(block.layout) for block in self.blocks)
        self.part_numbers = nn.ModuleList(Numbers(block.layout) for block in self.blocks)
        self.cells = CellEmbedding(layout, rows.code_slots, CELL_DIM)
        self.first = nn.Linear(noise_dim, width)
        self.second = nn.Linear(width, width)
        self.causal_network = CausalNetwork(k, k, CELL_DIM, width, hidden, dropout)
        self.heads, self.biases, self.spreads = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        parts, scale = self._parts(), 0.3 / math.sqrt(hidden)
        self.curves = nn.ModuleList(
            OrdinalBasis(block.layout, part.code_slots, hidden, scale)
            for block, part in zip(self.blocks, parts, strict=True)
        )
        for part, curves in zip(parts, self._curves(), strict=True):
            head = torch.randn(part.width, hidden) * scale
            curves.start(head[part.n_numbers :])
            self.heads.append(head)
            self.biases.append(torch.cat([torch.zeros(part.n_numbers), part.code_slots.log_marginals.clamp(min=-30.0)]))
            self.spreads.append(torch.zeros(part.n_numbers))
        single = len(layout.columns) - n_given <= MAX_BLOCKS
        self.places = WithinBinHeads(layout, rows.code_slots, hidden) if single and layout.n_numeric else None
        block_of = {column: i for i, block in enumerate(self.blocks) for column in block.columns}
        self.slots = [[self.cells.offsets[c] for c in b.columns] for b in self.blocks]
        columns = torch.tensor([i for block in self.blocks for i in block.columns])
        numerics = torch.tensor([i for block in self.blocks for i in block.numerics], dtype=torch.long)
        order = flat_order(rows, parts, self.blocks)
        for name, entries in (
            ("block_of", torch.tensor([block_of[i] for i in range(len(layout.columns))])),
            ("flat_order", order),
            # the slots of the parts side by side, as they stand in the cells' embedding
            ("cell_order", order.argsort()[order.argsort() >= rows.n_numbers] - rows.n_numbers),
            ("columns", columns),
            ("code_order", columns.argsort()),
            ("numerics", numerics),
            ("numeric_order", numerics.argsort()),
        ):
            self.register_buffer(name, entries, persistent=False)

    def log_likelihood(self, batch: Batch, noise: Tensor) -> Tensor:
        """Return (n,): log-density of the written cells of each row given the noise, in encoded units.

        The sum over blocks of that of a block's cells given the cells before it: rows of teacher-forced training.
        """
        h = self._hidden(batch, noise)
        total = noise.new_zeros(len(batch))
        cells = zip(self.blocks, self._parts(), self._split(batch), strict=True)
        for i, (block, part, own) in enumerate(cells):
            if block.given:
                continue
            outputs = torch.addmm(self.biases[i], h[i], self._head(i).t())
            total = total + part.log_likelihood(own, outputs, self.spreads[i])
        if self.places is not None:
            given = sum(position < self.n_given for position in self.places.positions)
            h = h.index_select(0, self.block_of)
            total = total + self.places.log_density(h, batch)[:, given:].sum(1)
        return total

    def forward(self, noise: Tensor, rng: Generator, given: Batch | None = None) -> Tensor:
        """Map noise (n, noise_dim), and n rows whose given cells are read, to flat rows (n, rows.width).

        Their codes are one-hot, with the gradient of soft ones. Places inside codes are drawn uniformly: the critic
        does not see them.
        """
        parts, sums, flats = self._parts(), self._start(noise, given), list[Tensor]()
        sizes = [part.n_slots for part in parts]
        codes = self.cells.table().index_select(0, self.cell_order).split(sizes)
        slopes = self.cells.slope.weight.index_select(0, self.cell_order).split(sizes)
        groups = self.causal_network.group_weights()
        for i, (block, part, layers) in enumerate(zip(self.blocks, parts, groups, strict=True)):
            h = self.causal_network.step(layers, sums)[0]
            if block.given and given is not None:
                flats.append(part.flatten(block.pick(given)))
            else:
                flats.append(part.sample_relaxed(self._outputs(i, h, rng), rng))
            slots = flats[-1][:, part.n_numbers :]
            cells = slots @ codes[i]
            if block.numerics:
                own = block.pick(given) if block.given and given is not None else None
                cells = cells + (slots * part.numbers_of_slots(flats[-1], own, rng)) @ slopes[i]
            sums.context = torch.addmm(sums.context, cells, layers.contribute[0])
        return torch.cat(flats, 1).index_select(1, self.flat_order)

    @torch.no_grad()
    def draw(
        self,
        noise: Tensor,
        rng: Generator,
        given: Batch | None = None,
        *,
        places: bool = True,
        adjust: Adjust | None = None,
    ) -> Batch:
        """Draw n rows; the given cells come back as they are. Has no gradient.

        Without ``places`` those inside codes are drawn uniformly, which is faster. ``adjust`` may change the outputs
        of each block before it is drawn.
        """
        parts, sums, batches = self._parts(), self._start(noise, given), list[Batch]()
        table = self.cells.table()
        groups = self.causal_network.group_weights()
        for i, (block, part, layers) in enumerate(zip(self.blocks, parts, groups, strict=True)):
            h = self.causal_network.step(layers, sums)[0]
            if block.given and given is not None:
                own = block.pick(given)
            else:
                outputs = self._outputs(i, h, rng)
                own = part.draw(outputs if adjust is None else adjust(i, outputs), rng)
                if places and self.places is not None and block.columns[0] in self.places.where:
                    place = self.places.sample(block.columns[0], h, own.codes[:, 0], rng)
                    own = Batch(torch.where(own.numeric != 0, place.unsqueeze(1), 0.0), own.codes)
            batches.append(own)
            sums.context = torch.addmm(sums.context, self._embed(i, own, table), layers.contribute[0])
        numeric = torch.cat([b.numeric for b in batches], 1).index_select(1, self.numeric_order)
        return Batch(numeric, torch.cat([b.codes for b in batches], 1).index_select(1, self.code_order))

    def correct_marginals(self, rows: Batch, noise: Tensor, rng: Generator) -> None:
        """Change the biases so that every code is drawn, from this noise, as often as it stands in the rows.

        Block by block, in the order of writing, so that each is corrected given corrected blocks before it. Given
        columns are those of random rows.
        """
        parts = self._parts()

        def adjust(i: int, outputs: Tensor) -> Tensor:
            part, change = parts[i], torch.zeros_like(self.biases[i])
            for column, offset in zip(self.blocks[i].columns, part.code_slots.offsets.tolist(), strict=True):
                first = part.n_numbers + offset
                own = slice(first, first + self.cells.widths[column])
                change[own] = bias_change(outputs[:, own], rows.codes[:, column])
            self.biases[i] += change
            return outputs + change

        pick = torch.randint(len(rows), (len(noise),), generator=rng, device=noise.device)
        self.draw(noise, rng, rows[pick] if self.n_given else None, places=False, adjust=adjust)

    def _split(self, batch: Batch) -> list[Batch]:
        """Return the cells of each block."""
        codes = batch.codes.index_select(1, self.columns).split([len(b.columns) for b in self.blocks], 1)
        numeric = batch.numeric.index_select(1, self.numerics).split([len(b.numerics) for b in self.blocks], 1)
        return [Batch(a, b) for a, b in zip(numeric, codes, strict=True)]

    def _head(self, i: int) -> Tensor:
        """Return the weights (part.width, hidden) of block i's outputs."""
        curves, head, m = self._curves()[i], self.heads[i], len(self.spreads[i])
        return torch.cat([head[:m], curves(head[m:])]) if m else curves(head)

    def _curves(self) -> list[OrdinalBasis]:
        return [curves for curves in self.curves if isinstance(curves, OrdinalBasis)]

    def _outputs(self, i: int, h: Tensor, rng: Generator) -> Tensor:
        """Return what block i is drawn from (n, part.width): numbers of role "value", and logits."""
        outputs = torch.addmm(self.biases[i], h, self._head(i).t())
        m = len(self.spreads[i])
        if not m:
            return outputs
        noise = torch.randn((len(h), m), generator=rng, device=h.device, dtype=h.dtype)
        return torch.cat([outputs[:, :m] + noise * self.spreads[i].exp(), outputs[:, m:]], 1)

    def _noise_context(self, noise: Tensor) -> Tensor:
        first = self.first(noise)
        context: Tensor = first + self.second(F.silu(first))
        return context

    def _start(self, noise: Tensor, given: Batch | None) -> CausalState:
        if self.n_given and given is None:
            raise ValueError("this generator needs rows with the given cells")
        return CausalState.start(self._noise_context(noise))

    def _hidden(self, batch: Batch, noise: Tensor) -> Tensor:
        """Return (blocks, n, hidden): for each block, what the blocks before it and the noise say."""
        cells = self.cells(batch)
        if len(self.blocks) < len(self.block_of):
            cells = cells.new_zeros(len(self.blocks), *cells.shape[1:]).index_add(0, self.block_of, cells)
        hidden: Tensor = self.causal_network(cells, self._noise_context(noise))
        return hidden

    def _embed(self, i: int, own: Batch, table: Tensor) -> Tensor:
        """Return (n, CELL_DIM): the sum of the embeddings of a block's cells, ``table`` being that of all codes."""
        index = own.codes + own.codes.new_tensor(self.slots[i])
        cells = F.embedding_bag(index, table, mode="sum")
        numbers = self.part_numbers[i]
        if isinstance(numbers, Numbers) and numbers.any:
            index = index.index_select(1, numbers.columns)
            cells = cells + F.embedding_bag(index, self.cells.slope.weight, mode="sum", per_sample_weights=numbers(own))
        return cells

    def _parts(self) -> list[OneHotRows]:
        return [part for part in self.parts if isinstance(part, OneHotRows)]
