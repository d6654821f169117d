"""Causal (autoregressive) decoder of rows, with a cost linear in the number of columns.

Columns are drawn in groups: one column a group, or fewer, larger groups, whose columns are independent given the groups
before them and the latent. Neighbours in the table are in different groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch, Observed
from gensynth.nn.categorical import draw
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_network import CausalNetwork, CausalState
from gensynth.nn.tabular.column_conditional import ColumnConditional
from gensynth.nn.tabular.decoder import Decoder, ImputedRows
from gensynth.nn.tabular.embeddings import CellEmbedding
from gensynth.nn.tabular.heads import CodeHeads, WithinBinHeads
from gensynth.nn.tabular.imputation import Particles
from gensynth.nn.tabular.marginals import bias_change
from gensynth.nn.tabular.rank_heads import RankHeads, usable_predictors

Adjust = Callable[[ColumnConditional], Tensor]
"""A function from a column's conditional to the logits (n, cardinality) to draw from."""


@dataclass
class _Trail:
    """Cells of the particles with their ancestry, from which one particle's row is read."""

    cells: list[tuple[int, int, Tensor, Tensor | None]]
    """Group, column, codes and numbers."""
    moves: list[tuple[int, Tensor]]
    """Group after which candidates moved, and whose place each took."""

    def follow(self, chosen: Tensor, codes: Tensor, numeric: Tensor, layout: Layout) -> None:
        """Write the cells of the chosen candidates (n,) into ``codes`` and ``numeric``."""
        moves = list(self.moves)
        for step, i, own, number in reversed(self.cells):
            while moves and moves[-1][0] >= step:  # resampled after this cell was drawn
                chosen = moves.pop()[1].index_select(0, chosen)
            codes[:, i] = own.index_select(0, chosen)
            slot = layout.columns[i].numeric
            if slot is not None and number is not None:
                numeric[:, slot.index] = number.index_select(0, chosen)


class CausalDecoder(Decoder):
    """p(row | z) = prod_i p(code_i | cells before i, z) p(position_i | code_i, cells before i, z).

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    code_slots : CategoricalSlots
        Its code slots.
    cells : CellEmbedding
        Embedding of the cells.
    width : int
        Width of the shared context.
    hidden : int
        Width of each column's own hidden vector.
    dropout : float
        Share of units dropped in training.
    latent_dim : int
        Width of z; 0 where there is none (z is (n, 0) then).
    column_groups : int or None
        Groups (autoregressive steps) that the columns are drawn in; None for one a column.
    """

    candidates = 32
    most_candidates = 1024

    def __init__(
        self,
        layout: Layout,
        code_slots: CategoricalSlots,
        cells: CellEmbedding,
        width: int,
        hidden: int,
        dropout: float,
        latent_dim: int,
        column_groups: int | None = None,
    ) -> None:
        super().__init__()
        k, dim = len(layout.columns), cells.code.embedding_dim
        self.layout, self.cells = layout, cells
        self.n_groups = k if column_groups is None else min(column_groups, k)
        self.causal_network = CausalNetwork(k, self.n_groups, dim, width, hidden, dropout)
        self.latent = nn.Parameter(torch.randn(latent_dim, width) / max(latent_dim, 1) ** 0.5)
        self.code_heads = CodeHeads(layout, code_slots, hidden)
        self.within_bin_heads = WithinBinHeads(layout, code_slots, hidden)
        pairs = usable_predictors(layout, self.n_groups)
        self.rank_heads = RankHeads(layout, code_slots, hidden, pairs) if pairs else None

    def hidden(self, batch: Batch, z: Tensor) -> Tensor:
        """Return hidden vectors (k, n, hidden) of each column given z and the columns before it."""
        hidden: Tensor = self.causal_network(self.cells(batch), z @ self.latent)
        return hidden

    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-density of each cell given the cells before it (in encoded units)."""
        h = self.hidden(batch, z)
        cells = self.code_heads.log_likelihood(h, batch.codes)
        if self.within_bin_heads.positions:
            cells = cells.index_add(1, self.within_bin_heads.columns, self.within_bin_heads.log_density(h, batch))
        return cells if self.rank_heads is None else self.rank_heads.mix(cells, h, batch)

    def draw(self, z: Tensor, rng: Generator, adjust: Adjust | None = None) -> Batch:
        """Sample one row for each latent, group by group; ``adjust`` may change the logits of each column."""
        state, rows = CausalState.start(z @ self.latent), self._no_rows(len(z), z)
        for columns, layers in zip(self._column_groups(), self.causal_network.group_weights(), strict=True):
            for i, h in zip(columns, self.causal_network.step(layers, state), strict=True):
                own = self._conditional(i, h, state)
                if adjust is not None:
                    own.logits = adjust(own)
                codes = draw(own.log_weights(), rng)
                self._note(rows, i, codes, self._advance(i, codes, own.draw_number(codes, rng), state))
        return rows

    @torch.no_grad()
    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:
        """Correct the marginals column by column, each given the corrected columns before it."""

        def adjust(own: ColumnConditional) -> Tensor:
            change = bias_change(own.logits, rows.codes[:, own.position], own.shares)
            self.code_heads.bias_of(own.position).add_(change)
            return own.logits + change

        self.draw(z, rng, adjust)

    def _column_groups(self) -> list[range]:
        """Return the columns of each group."""
        return [range(i, len(self.layout.columns), self.n_groups) for i in range(self.n_groups)]

    def fill(self, observed: Observed, z: Tensor, log_weight: Tensor, rng: Generator) -> ImputedRows:
        """Sample the unobserved cells, group by group, by sequential Monte Carlo.

        Candidates are weighted by the probability of each observed cell (of being there at all, for a cell that must
        not be missing), and resampled within their row where few of them count. After the last group with such cells
        one is taken for each row. Exact in the limit of candidates; with the observed columns first, exact up to z.
        """
        n = len(observed)
        particles, state = Particles(log_weight, n), CausalState.start(z @ self.latent)
        rows, trail = self._no_rows(n, z), _Trail([], [])
        last = self._last_weighed(observed)
        for step, (columns, layers) in enumerate(
            zip(self._column_groups(), self.causal_network.group_weights(), strict=True)
        ):
            if step == last + 1:
                state = self._settle(particles, trail, rows, state, rng)
            for i, h in zip(columns, self.causal_network.step(layers, state), strict=True):
                own = self._conditional(i, h, state)
                codes, number = self._cell(own, observed, particles if step <= last else None, rng)
                number = self._advance(i, codes, number, state)
                if step > last:
                    self._note(rows, i, codes, number)
                elif not bool(observed.mask[:, i].all()):
                    trail.cells.append((step, i, codes, number))
            moved = particles.resample(rng) if step < last else None
            if moved is not None:
                state = state.pick(moved)
                trail.moves.append((step, moved))
        if last + 1 == self.n_groups:
            self._settle(particles, trail, rows, state, rng)
        return ImputedRows(observed.put_into(rows, self.layout), particles.log_evidence, particles.effective)

    def _last_weighed(self, observed: Observed) -> int:
        """Return the last group with observed cells, which weight the candidates; -1 for none."""
        some, every = observed.mask.any(0).tolist(), observed.mask.all(0).tolist()
        may_miss = [observed.impute and column.missing is not None for column in self.layout.columns]
        weighed = [i for i in range(len(some)) if some[i] or (may_miss[i] and not every[i])]
        return max((i % self.n_groups for i in weighed), default=-1)

    def _settle(
        self, particles: Particles, trail: _Trail, rows: Batch, state: CausalState, rng: Generator
    ) -> CausalState:
        """Select one candidate for each row: copy its cells into ``rows`` and keep its state."""
        chosen = particles.choose(rng)
        trail.follow(chosen, rows.codes, rows.numeric, self.layout)
        return state.pick(chosen)

    def _conditional(self, i: int, h: Tensor, state: CausalState) -> ColumnConditional:
        """Return the distribution of column i given hidden vectors (n, hidden)."""
        source = None if self.rank_heads is None else self.rank_heads.source_of.get(i)
        known = None if source is None else state.ranks[source]
        return ColumnConditional(i, h, self.code_heads.logits(i, h), self.within_bin_heads, self.rank_heads, known)

    def _cell(
        self, own: ColumnConditional, observed: Observed, particles: Particles | None, rng: Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return codes and numbers of a column, observed or sampled, and weight the candidates by them."""
        i = own.position
        column, here = self.layout.columns[i], observed.mask[:, i]
        times = len(own.logits) // len(here)
        wanted = observed.rows.codes[:, i].repeat_interleave(times)
        known = here.repeat_interleave(times)
        known_number = None
        if column.numeric is not None:
            known_number = observed.rows.numeric[:, column.numeric.index].repeat_interleave(times)
        gain = own.logits.new_zeros(len(wanted))
        if bool(here.any()):
            gain = torch.where(known, own.log_density(wanted, known_number), gain)
        codes, number = wanted, known_number
        if not bool(here.all()):
            log_probability = own.log_weights().log_softmax(-1)
            if observed.impute and column.missing is not None:
                log_probability[:, column.missing] = -torch.inf
                gain = torch.where(known, gain, log_probability.logsumexp(-1))
            codes = torch.where(known, wanted, draw(log_probability, rng))
            if known_number is not None:
                drawn = own.draw_number(codes, rng)
                number = None if drawn is None else torch.where(known, known_number, drawn)
        if particles is not None:
            particles.weigh(gain)
        return codes, number

    def _advance(self, i: int, codes: Tensor, number: Tensor | None, state: CausalState) -> Tensor | None:
        """Add the cells of column i to the state; return their numbers, 0 for codes without one."""
        centred = None
        slot = self.layout.columns[i].numeric
        if slot is not None and number is not None:
            active = slot.beside(codes)
            number = torch.where(active, number, 0.0)
            centred = torch.where(active, (number - 0.5).clamp(-8.0, 8.0), 0.0)  # as `Numbers`
        cells = self.cells.column(i, codes, centred)
        state.context = torch.addmm(state.context, cells, self.causal_network.contribute[i])
        if self.rank_heads is not None and i in self.rank_heads.predictors:
            state.ranks[i] = self.rank_heads.place_of(i, codes, number)
        return number

    def _note(self, rows: Batch, i: int, codes: Tensor, number: Tensor | None) -> None:
        rows.codes[:, i] = codes
        slot = self.layout.columns[i].numeric
        if slot is not None and number is not None:
            rows.numeric[:, slot.index] = number

    def _no_rows(self, n: int, like: Tensor) -> Batch:
        """Return n rows to be written."""
        codes = torch.zeros(n, len(self.layout.columns), dtype=torch.long, device=like.device)
        return Batch(like.new_zeros(n, self.layout.n_numeric), codes)
