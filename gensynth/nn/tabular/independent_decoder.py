"""Decoder with independent cells given the latents, or autoregressive over a few groups of columns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from gensynth.model import UNKNOWN, Batch, Layout, Observed
from gensynth.nn.layers import ResidualMLP
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.decoder import Decoder, ImputedRows
from gensynth.nn.tabular.embeddings import CellEmbedding, Numbers
from gensynth.nn.tabular.grouped_softmax import GroupedSoftmax
from gensynth.nn.tabular.imputation import Particles
from gensynth.nn.tabular.marginals import correct_biases

MAX_LOGITS = 2**24
"""Logits that are held at a time while candidates are weighed (64 MB in float32)."""
WIDE_TABLE = 200
"""Number of columns above which the networks of single columns are smaller."""


class IndependentDecoder(Decoder):
    """p(row | z) = prod_i p(code_i | z): cells independent given the latent, positions uniform in their bin.

    Parameters
    ----------
    layout : Layout
        What a row looks like; its numbers must all be positions (bins or folded tails).
    code_slots : CategoricalSlots
        Its code slots.
    hidden : sequence of int
        Hidden widths.
    latent_dim : int
        Width of the latent.
    dropout : float
        Share of units dropped in training.
    """

    candidates = 32
    most_candidates = 128

    def __init__(
        self, layout: Layout, code_slots: CategoricalSlots, hidden: Sequence[int], latent_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self.layout, self.code_slots = layout, code_slots
        self.grouped_softmax, self.numbers = GroupedSoftmax(layout, code_slots), Numbers(layout)
        self.network = ResidualMLP(latent_dim, hidden, code_slots.n_slots, dropout)
        with torch.no_grad():  # start at the marginals
            self.network.out.weight.mul_(0.3)
            self.network.out.bias.copy_(code_slots.log_marginals.clamp(min=-30.0))

    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code; a position has density 1 inside its code, less beyond."""
        cells = self._log_probability(z, batch.codes)
        if not self.numbers.any:
            return cells
        number = batch.numeric.index_select(1, self.numbers.index)
        beyond = (number - number.clamp(0.0, 1.0)).abs()
        return cells.index_add(1, self.numbers.columns, -beyond)

    def _log_probability(self, z: Tensor, codes: Tensor) -> Tensor:
        return self.grouped_softmax.log_likelihood(self.network.features(z), self.network.out, codes)

    def draw(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent."""
        return self._with_positions(
            self.grouped_softmax.sample(self.network.features(z), self.network.out, rng), z, rng
        )

    @torch.no_grad()
    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Correct the marginals in closed form, without sampling."""
        correct_biases(self.network.out.bias, self.network(z), rows.codes, self.code_slots)

    def fill(self, observed: Observed, z: Tensor, log_weight: Tensor, rng: Generator) -> ImputedRows:
        """Sample unobserved cells at one latent per row, chosen by the probability of the observed cells."""
        particles = Particles(log_weight, len(observed))
        particles.weigh(self._gain(observed, z))
        logits = self.network(z.index_select(0, particles.choose(rng)))
        if observed.impute:
            for i, column in enumerate(self.layout.columns):
                if column.missing is not None:
                    logits[:, self.code_slots.offsets[i] + column.missing] = -torch.inf
        drawn = self._with_positions(self.code_slots.sample(logits, rng), logits, rng)
        rows = observed.put_into(drawn, self.layout)
        return ImputedRows(rows, particles.log_evidence, particles.effective)

    def _gain(self, observed: Observed, z: Tensor) -> Tensor:
        """Return (n * c,) log-probability of observed cells, and of the others to be there, at each latent."""
        n = len(observed)
        z = z.view(n, -1, z.shape[-1])
        missing = torch.tensor([c.missing or UNKNOWN for c in self.layout.columns], device=z.device)
        wanted = torch.where(observed.mask, observed.rows.codes, missing)
        may_miss = (missing != UNKNOWN) & observed.impute & ~observed.mask
        parts = []
        step = max(MAX_LOGITS // (z.shape[1] * self.code_slots.n_slots), 1)
        for start in range(0, n, step):
            part = slice(start, start + step)
            latents, codes = z[part].flatten(0, 1), wanted[part].repeat_interleave(z.shape[1], 0)
            cells = self._log_probability(latents, codes).view(-1, z.shape[1], codes.shape[1])
            there = torch.log1p(-cells.exp().clamp(max=1.0 - 1e-6))
            gain = torch.where(observed.mask[part].unsqueeze(1), cells, 0.0)
            gain = torch.where(may_miss[part].unsqueeze(1), there, gain)
            parts.append(gain.sum(-1).flatten())
        return torch.cat(parts)

    def _with_positions(self, codes: Tensor, like: Tensor, rng: Generator) -> Batch:
        """Return rows of these codes, uniform in the range of each."""
        shape = (len(codes), self.layout.n_numeric)
        if not self.numbers.any:
            return Batch(like.new_zeros(shape), codes)
        numeric = torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype)
        return Batch(numeric.mul_(self.numbers.active(codes).index_select(1, self.numbers.owner)), codes)


class GroupedDecoder(Decoder):
    """A perceptron over the latents, then groups of columns, each given the groups before.

    Parameters
    ----------
    cells : CausalDecoder
        p(row | features).
    hidden : sequence of int
        Hidden widths of the perceptron.
    latent_dim : int
        Width of the latent.
    dropout : float
        Share of units dropped in training.
    """

    candidates = CausalDecoder.candidates
    most_candidates = CausalDecoder.most_candidates

    def __init__(self, cells: CausalDecoder, hidden: Sequence[int], latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.cells = cells
        self.network = ResidualMLP(latent_dim, hidden, cells.latent.shape[0], dropout)

    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-density of each cell."""
        return self.cells.log_likelihood(batch, self.network(z))

    def draw(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent."""
        return self.cells.draw(self.network(z), rng)

    @torch.no_grad()
    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:
        """Set the marginals right, as `CausalDecoder.correct_marginals` does."""
        self.cells.correct_marginals(rows, self.network(z), rng)

    def fill(self, observed: Observed, z: Tensor, log_weight: Tensor, rng: Generator) -> ImputedRows:
        """Draw the cells that are not observed, as `CausalDecoder.fill` does."""
        return self.cells.fill(observed, self.network(z), log_weight, rng)


def grouped_decoder(
    layout: Layout,
    code_slots: CategoricalSlots,
    embedding: CellEmbedding,
    dropout: float,
    *,
    column_groups: int,
    hidden: Sequence[int],
    latent_dim: int,
) -> Decoder:
    """Return p(row | z) of cells written in ``column_groups`` steps; in one step they are independent given z."""
    if column_groups == 1:
        return IndependentDecoder(layout, code_slots, hidden, latent_dim, dropout)
    width = hidden[0]
    own = width // 2 if len(layout.columns) <= WIDE_TABLE else width // 4
    rows = CausalDecoder(layout, code_slots, embedding, width, own, dropout, width, column_groups)
    return GroupedDecoder(rows, hidden, latent_dim, dropout)
