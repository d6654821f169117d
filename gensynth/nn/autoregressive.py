"""An autoregressive decoder over cells whose cost grows linearly with the columns.

Column i sees the sum of what the columns before it contribute (NADE: Larochelle & Murray 2011,
"The neural autoregressive distribution estimator"), twice: once as a sum of linear contributions of the cells,
and once as a sum of features of the hidden vectors, so that it is deep. A masked network (MADE) of the same
quality costs the square of the columns.

A row is written in passes: one a column, or fewer, of several columns each, which are independent given the passes
before and the latent. Neighbours in the table stand in different passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import N_CELLS, CellEmbedding, CodeHeads, PositionHeads, columnwise, draw
from gensynth.nn.completion import Particles
from gensynth.nn.decoder import Decoder, Filled, Given
from gensynth.nn.dropout import dropout

MAX_TRIANGLE = 128
"""Most columns whose running sums are a product with a triangle of ones: quadratic, but faster than a scan."""


@dataclass
class _State:
    """What the columns so far have added up to (first axis: rows, or candidates)."""

    context: Tensor
    features: Tensor

    def pick(self, rows: Tensor) -> _State:
        return _State(self.context.index_select(0, rows), self.features.index_select(0, rows))


@dataclass
class _Trail:
    """Cells that candidates drew, and who took whose place afterwards: from it one candidate's row is read off."""

    cells: list[tuple[int, int, Tensor, Tensor | None]]
    """Pass, column, codes and numbers."""
    moves: list[tuple[int, Tensor]]
    """Pass after which candidates moved, and whose place each took."""

    def follow(self, chosen: Tensor, codes: Tensor, numeric: Tensor, layout: Layout) -> None:
        """Write the cells of the chosen candidates (n,) into ``codes`` and ``numeric``."""
        moves = list(self.moves)
        for step, i, own, number in reversed(self.cells):
            while moves and moves[-1][0] >= step:  # resampled after this cell was drawn
                chosen = moves.pop()[1].index_select(0, chosen)
            codes[:, i] = own.index_select(0, chosen)
            slot = layout.columns[i].numeric
            if slot is not None and number is not None:
                numeric[:, slot] = number.index_select(0, chosen)


class AutoregressiveDecoder(Decoder):
    """p(row | z) = prod_i p(code_i | cells before i, z) p(position_i | code_i, cells before i, z).

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    buckets : Buckets
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
    passes : int or None
        Passes that a row is written in; None for one a column.
    """

    candidates = 32
    most_candidates = 1024
    scale: Tensor
    before: Tensor
    pass_of: Tensor

    def __init__(
        self,
        layout: Layout,
        buckets: Buckets,
        cells: CellEmbedding,
        width: int,
        hidden: int,
        dropout: float,
        latent_dim: int,
        passes: int | None = None,
    ) -> None:
        super().__init__()
        k, dim = len(layout.columns), cells.code.embedding_dim
        self.layout, self.cells, self.dropout = layout, cells, dropout
        self.contribute = columnwise(k, dim, width)
        self.gain = nn.Parameter(torch.ones(k, 1, width))
        self.shift = nn.Parameter(torch.randn(k, 1, width) * 0.3)
        self.inner = columnwise(k, width, hidden)
        self.inner_bias = nn.Parameter(torch.zeros(k, 1, hidden))
        self.feature = columnwise(k, hidden, width)
        self.feature_gain = nn.Parameter(torch.ones(k, 1, width))
        self.feature_shift = nn.Parameter(torch.zeros(k, 1, width))
        self.outer = columnwise(k, width, hidden)
        self.outer_bias = nn.Parameter(torch.zeros(k, 1, hidden))
        self.latent = nn.Parameter(torch.randn(latent_dim, width) / max(latent_dim, 1) ** 0.5)
        self.code_heads = CodeHeads(layout, buckets, hidden)
        self.position_heads = PositionHeads(layout, buckets, hidden)
        self.n_passes = k if passes is None else min(passes, k)
        pass_of = torch.arange(k) % self.n_passes
        seen = torch.bincount(pass_of).cumsum(0) - torch.bincount(pass_of)  # columns before each pass
        # a sum of i contributions grows like sqrt(i); this keeps every column's context at one scale
        self.register_buffer("scale", (1 + seen[pass_of]).float().rsqrt()[:, None, None], persistent=False)
        self.register_buffer("pass_of", pass_of, persistent=False)
        few = pass_of[: k if k <= MAX_TRIANGLE else 0]
        self.register_buffer("before", (few[:, None] > few).float(), persistent=False)

    def hidden(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (k, n, hidden): for each column, what the columns before it and z say."""
        contributions = torch.bmm(self.cells(batch), self.contribute)
        context = self._sums_before(contributions) + z @ self.latent
        h = F.relu(context * (self.scale * self.gain) + self.shift)
        h = F.relu(torch.baddbmm(self.inner_bias, self._drop(h), self.inner))
        own = torch.bmm(h, self.feature)
        features = self._sums_before(own) + own
        f = F.relu(features * (self.scale * self.feature_gain) + self.feature_shift)
        h = h + F.relu(torch.baddbmm(self.outer_bias, self._drop(f), self.outer))
        return self._drop(h)

    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-density of each cell given the cells before it (in encoded units)."""
        h = self.hidden(batch, z)
        cells = self.code_heads.log_likelihood(h, batch.codes)
        if self.position_heads.positions:
            cells = cells.index_add(1, self.position_heads.columns, self.position_heads.log_density(h, batch))
        return cells

    def draw(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent, pass by pass."""
        state, rows = self._start(z), self._no_rows(len(z), z)
        for columns in self._passes():
            for i, h in zip(columns, self._hidden_pass(columns, state), strict=True):
                codes = draw(self.code_heads.logits(i, h), rng)
                self._note(rows, i, codes, self._advance(i, codes, self._number(i, h, codes, rng), state))
        return rows

    def _passes(self) -> list[range]:
        """Return the columns of each pass."""
        return [range(i, len(self.layout.columns), self.n_passes) for i in range(self.n_passes)]

    def fill(self, given: Given, z: Tensor, log_weight: Tensor, rng: Generator) -> Filled:
        """Draw the cells that are not given, pass by pass, by sequential Monte Carlo.

        Candidates are weighted by the probability of each given cell (of being there at all, for a cell that must not
        be missing), and resampled within their row where few of them count. After the last pass with such cells one is
        taken for each row. Exact in the limit of candidates; with the given columns first in the layout, exact up to z.
        """
        n = len(given)
        particles, state = Particles(log_weight, n), self._start(z)
        rows, trail = self._no_rows(n, z), _Trail([], [])
        last = self._last_weighed(given)
        for step, columns in enumerate(self._passes()):
            if step == last + 1:
                state = self._settle(particles, trail, rows, state, rng)
            for i, h in zip(columns, self._hidden_pass(columns, state), strict=True):
                codes, number = self._cell(i, h, given, particles if step <= last else None, rng)
                number = self._advance(i, codes, number, state)
                if step > last:
                    self._note(rows, i, codes, number)
                elif not bool(given.mask[:, i].all()):
                    trail.cells.append((step, i, codes, number))
            moved = particles.resample(rng) if step < last else None
            if moved is not None:
                state = state.pick(moved)
                trail.moves.append((step, moved))
        if last + 1 == self.n_passes:
            self._settle(particles, trail, rows, state, rng)
        return Filled(given.put_into(rows, self.layout), particles.log_evidence, particles.effective)

    def _last_weighed(self, given: Given) -> int:
        """Return the last pass whose cells say something of the candidates; -1 for none."""
        some, every = given.mask.any(0).tolist(), given.mask.all(0).tolist()
        may_miss = [given.complete and column.missing is not None for column in self.layout.columns]
        weighed = [i for i in range(len(some)) if some[i] or (may_miss[i] and not every[i])]
        return max((i % self.n_passes for i in weighed), default=-1)

    def _settle(self, particles: Particles, trail: _Trail, rows: Batch, state: _State, rng: Generator) -> _State:
        """Take one candidate for each row: its cells into ``rows``, its state on."""
        chosen = particles.choose(rng)
        trail.follow(chosen, rows.codes, rows.numeric, self.layout)
        return state.pick(chosen)

    def _cell(
        self, i: int, h: Tensor, given: Given, particles: Particles | None, rng: Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return codes and numbers of column i, given or drawn, and weigh the candidates by them."""
        column, here = self.layout.columns[i], given.mask[:, i]
        times = len(h) // len(here)
        log_probability = self.code_heads.logits(i, h).log_softmax(-1)
        wanted = given.rows.codes[:, i].repeat_interleave(times)
        is_given = here.repeat_interleave(times)
        given_number = None
        if column.numeric is not None:
            given_number = given.rows.numeric[:, column.numeric].repeat_interleave(times)
        gain = h.new_zeros(len(h))
        if bool(here.any()):
            own = log_probability.gather(1, wanted.unsqueeze(1)).squeeze(1)
            if given_number is not None:
                own = own + self._position_log_density(i, h, wanted, given_number)
            gain = torch.where(is_given, own, gain)
        codes, number = wanted, given_number
        if not bool(here.all()):
            if given.complete and column.missing is not None:
                log_probability[:, column.missing] = -torch.inf
                gain = torch.where(is_given, gain, log_probability.logsumexp(-1))
            codes = torch.where(is_given, wanted, draw(log_probability, rng))
            if given_number is not None:
                drawn = self._number(i, h, codes, rng)
                number = None if drawn is None else torch.where(is_given, given_number, drawn)
        if particles is not None:
            particles.weigh(gain)
        return codes, number

    def _position_log_density(self, i: int, h: Tensor, codes: Tensor, number: Tensor) -> Tensor:
        """Return (rows,): `PositionHeads.log_density` for one column."""
        heads, column = self.position_heads, self.layout.columns[i]
        at = heads.where[i]
        feature = F.relu(h @ heads.hidden[at] + heads.code(codes + heads.first[i]))
        logits = torch.addmm(heads.bias[at], feature, heads.out[at])
        cell = (number * N_CELLS).long().clamp(0, N_CELLS - 1)
        density = logits.log_softmax(-1).gather(1, cell.unsqueeze(1)).squeeze(1) + math.log(N_CELLS)
        active = (codes >= column.active[0]) & (codes < column.active[1])
        return torch.where(active, density, 0.0)

    def _number(self, i: int, h: Tensor, codes: Tensor, rng: Generator) -> Tensor | None:
        """Return drawn numbers (rows,) of column i; None where it has none."""
        return None if self.layout.columns[i].numeric is None else self.position_heads.sample(i, h, codes, rng)

    def _advance(self, i: int, codes: Tensor, number: Tensor | None, state: _State) -> Tensor | None:
        """Add the cells of column i to the state; return their numbers, 0 where they mean nothing."""
        centred = None
        if number is not None:
            low, high = self.layout.columns[i].active
            active = (codes >= low) & (codes < high)
            number = torch.where(active, number, 0.0)
            centred = torch.where(active, (number - 0.5).clamp(-8.0, 8.0), 0.0)  # as `Numbers`
        state.context = state.context + self.cells.column(i, codes, centred) @ self.contribute[i]
        return number

    def _note(self, rows: Batch, i: int, codes: Tensor, number: Tensor | None) -> None:
        rows.codes[:, i] = codes
        slot = self.layout.columns[i].numeric
        if slot is not None and number is not None:
            rows.numeric[:, slot] = number

    def _start(self, z: Tensor) -> _State:
        context = z @ self.latent
        return _State(context, torch.zeros_like(context))

    def _no_rows(self, n: int, like: Tensor) -> Batch:
        """Return n rows to be written."""
        codes = torch.zeros(n, len(self.layout.columns), dtype=torch.long, device=like.device)
        return Batch(like.new_zeros(n, self.layout.n_numeric), codes)

    def _hidden_pass(self, columns: range, state: _State) -> Tensor:
        """Return (columns, rows, hidden) of one pass and add their features to the state: `hidden` for one pass."""
        own = slice(columns.start, columns.stop, columns.step)
        h = F.relu(state.context * (self.scale[own] * self.gain[own]) + self.shift[own])
        h = F.relu(torch.baddbmm(self.inner_bias[own], h, self.inner[own]))
        feature = torch.bmm(h, self.feature[own])
        features = state.features + feature
        f = F.relu(features * (self.scale[own] * self.feature_gain[own]) + self.feature_shift[own])
        state.features = state.features + feature.sum(0)
        return h + F.relu(torch.baddbmm(self.outer_bias[own], f, self.outer[own]))

    def _sums_before(self, x: Tensor) -> Tensor:
        """Return (k, n, width): for each column the sum of ``x`` over the columns of the passes before it."""
        if len(self.before):
            return (self.before @ x.flatten(1)).view_as(x)
        if self.n_passes < len(x):
            x = x.new_zeros(self.n_passes, *x.shape[1:]).index_add(0, self.pass_of, x)
            return (x.cumsum(0) - x).index_select(0, self.pass_of)
        return x.cumsum(0) - x

    def _drop(self, h: Tensor) -> Tensor:
        return dropout(h, self.dropout, self.training)
