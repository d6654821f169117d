"""Encoders and the decoder of independent cells: what the families of this plugin are put together from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from gensynth.model import Batch, Condition, Layout
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding, columnwise, draw
from gensynth.nn.decoder import Decoder
from gensynth.nn.networks import ResidualMLP

PARTICLES = 64
"""Latents tried for a row with given cells."""


class Encoder(nn.Module):
    """From rows to posterior parameters: the sum of every cell's contribution, then a perceptron.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    cells : CellEmbedding
        Embedding of the cells (may be shared with a decoder).
    hidden : sequence of int
        Hidden widths; the first is the width of the sum.
    width_out : int
        Width of the output: means and log-variances, or vectors to be quantised.
    dropout : float
        Share of units dropped in training.
    """

    def __init__(
        self, layout: Layout, cells: CellEmbedding, hidden: Sequence[int], width_out: int, dropout: float
    ) -> None:
        super().__init__()
        self.cells = cells
        k = len(layout.columns)
        self.contribute = columnwise(k, cells.code.embedding_dim, hidden[0], gain=k**-0.5)
        self.bias = nn.Parameter(torch.zeros(hidden[0]))
        self.network = ResidualMLP(hidden[0], hidden[1:], width_out, dropout)
        nn.init.zeros_(self.network.out.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Return (n, width_out)."""
        total = torch.bmm(self.cells(batch), self.contribute).sum(0) * 3.0 + self.bias
        out: Tensor = self.network(torch.relu(total))
        return out


class IndependentDecoder(Decoder):
    """p(row | z) = prod_i p(code_i | z): cells are independent given the latent, positions uniform in their code.

    Parameters
    ----------
    layout : Layout
        What a row looks like; its numbers must all be positions (bins or folded tails).
    buckets : Buckets
        Its code slots.
    hidden : sequence of int
        Hidden widths.
    latent_dim : int
        Width of the latent.
    dropout : float
        Share of units dropped in training.
    """

    candidates = PARTICLES

    def __init__(
        self, layout: Layout, buckets: Buckets, hidden: Sequence[int], latent_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self.layout, self.buckets = layout, buckets
        self.network = ResidualMLP(latent_dim, hidden, buckets.n_slots, dropout)
        with torch.no_grad():  # start at the marginals
            self.network.out.weight.mul_(0.3)
            self.network.out.bias.copy_(buckets.log_marginals.clamp(min=-30.0))

    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code; a position has density 1 inside its code, less beyond."""
        cells = self.buckets.log_likelihood(self.network(z), batch.codes)
        numbered = [i for i, column in enumerate(self.layout.columns) if column.numeric is not None]
        if not numbered:
            return cells
        index = torch.tensor([self.layout.columns[i].numeric for i in numbered], device=cells.device)
        number = batch.numeric.index_select(1, index)
        beyond = (number - number.clamp(0.0, 1.0)).abs()
        return cells.index_add(1, torch.tensor(numbered, device=cells.device), -beyond)

    def sample(self, n: int, z: Tensor, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw n rows; with given cells the latent of each row is drawn among `candidates` by their probability."""
        logits = self.network(z)
        if condition is not None:
            given = torch.tensor(condition.columns, device=logits.device)
            wanted = condition.rows.codes.repeat_interleave(self.candidates, 0)
            weight = self.buckets.log_likelihood(logits, wanted).index_select(1, given).sum(1)
            chosen = draw(weight.view(n, self.candidates), rng)
            logits = logits[chosen + torch.arange(n, device=logits.device) * self.candidates]
        codes = self.buckets.sample(logits, rng)
        shape = (n, self.layout.n_numeric)
        numeric = torch.rand(shape, generator=rng, device=logits.device, dtype=logits.dtype)
        if condition is not None:
            codes[:, given] = condition.rows.codes[:, given]
        for i, column in enumerate(self.layout.columns):
            if column.numeric is not None:
                active = (codes[:, i] >= column.active[0]) & (codes[:, i] < column.active[1])
                number = numeric[:, column.numeric]
                if condition is not None and i in condition.columns:
                    number = condition.rows.numeric[:, column.numeric]
                numeric[:, column.numeric] = torch.where(active, number, 0.0)
        return Batch(numeric, codes)
