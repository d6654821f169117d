"""An autoregressive decoder over cells whose cost grows linearly with the columns.

Column i sees the sum of what the columns before it contribute (NADE: Larochelle & Murray 2011,
"The neural autoregressive distribution estimator"), twice: once as a sum of linear contributions of the cells,
and once as a sum of features of the hidden vectors, so that it is deep. A masked network (MADE) of the same
quality costs the square of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch, Condition
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding, CodeHeads, PositionHeads, columnwise, draw
from gensynth.nn.decoder import Decoder

PARTICLES = 32
"""Candidates a row while given cells are met; see `AutoregressiveDecoder.sample`."""


@dataclass
class _State:
    """What the columns so far have added up to, and the cells drawn so far (first axis: rows)."""

    context: Tensor
    features: Tensor
    codes: Tensor
    numeric: Tensor

    def pick(self, rows: Tensor) -> _State:
        return _State(
            *(getattr(self, name).index_select(0, rows) for name in ("context", "features", "codes", "numeric"))
        )


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
    """

    candidates = PARTICLES
    scale: Tensor

    def __init__(
        self,
        layout: Layout,
        buckets: Buckets,
        cells: CellEmbedding,
        width: int,
        hidden: int,
        dropout: float,
        latent_dim: int,
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
        # a sum of i contributions grows like sqrt(i); this keeps every column's context at one scale
        scale = torch.arange(1, k + 1).float().rsqrt()[:, None, None]
        self.register_buffer("scale", scale, persistent=False)

    def hidden(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (k, n, hidden): for each column, what the columns before it and z say."""
        contributions = torch.bmm(self.cells(batch), self.contribute)
        context = contributions.cumsum(0) - contributions + z @ self.latent  # of z and the columns before
        h = F.relu(context * (self.scale * self.gain) + self.shift)
        h = F.relu(torch.baddbmm(self.inner_bias, self._drop(h), self.inner))
        features = torch.bmm(h, self.feature).cumsum(0)
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

    def sample(self, n: int, z: Tensor, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw ``n`` rows, column by column.

        Given cells are kept as they are, and the columns before them follow the posterior: up to the last given
        column every row has `PARTICLES` candidates (``z`` must hold n * PARTICLES rows then), weighted by the
        probability of the given cells and drawn once by those weights (sequential importance sampling). With the
        given columns first in the layout this is exact up to the latent.
        """
        given = set(condition.columns) if condition is not None else set()
        last = max(given) if given else -1
        rows = n * PARTICLES if given else n
        state = self._start(z)
        weight = state.context.new_zeros(rows)
        for i, column in enumerate(self.layout.columns):
            h = self._hidden_column(i, state)
            logits = self.code_heads.logits(i, h)
            if condition is not None and i in given:
                codes = condition.rows.codes[:, i].repeat_interleave(PARTICLES)
                weight = weight + logits.log_softmax(-1).gather(1, codes.unsqueeze(1)).squeeze(1)
            else:
                codes = draw(logits, rng)
            state.codes[:, i] = codes
            number = None
            if column.numeric is not None:
                if condition is not None and i in given:
                    drawn = condition.rows.numeric[:, column.numeric].repeat_interleave(PARTICLES)
                else:
                    drawn = self.position_heads.sample(i, h, codes, rng)
                active = (codes >= column.active[0]) & (codes < column.active[1])
                state.numeric[:, column.numeric] = torch.where(active, drawn, 0.0)
                number = torch.where(active, drawn - 0.5, 0.0)
            state.context = state.context + self.cells.column(i, codes, number) @ self.contribute[i]
            if i == last:
                chosen = draw(weight.view(n, PARTICLES).nan_to_num(neginf=-1e30), rng)
                state = state.pick(chosen + torch.arange(n, device=chosen.device) * PARTICLES)
        return Batch(state.numeric, state.codes)

    def _start(self, z: Tensor) -> _State:
        context = z @ self.latent
        codes = torch.zeros(len(z), len(self.layout.columns), dtype=torch.long, device=context.device)
        return _State(context, torch.zeros_like(context), codes, context.new_zeros(len(z), self.layout.n_numeric))

    def _hidden_column(self, i: int, state: _State) -> Tensor:
        """Return (rows, hidden) of column i and add its features to the state: `hidden` for one column."""
        h = F.relu(state.context * (self.scale[i] * self.gain[i]) + self.shift[i])
        h = F.relu(torch.addmm(self.inner_bias[i], h, self.inner[i]))
        state.features = state.features + h @ self.feature[i]
        f = F.relu(state.features * (self.scale[i] * self.feature_gain[i]) + self.feature_shift[i])
        return h + F.relu(torch.addmm(self.outer_bias[i], f, self.outer[i]))

    def _drop(self, h: Tensor) -> Tensor:
        return F.dropout(h, self.dropout, self.training)
