"""Networks for sampling tables: embedded cells in, codes and within-bin offsets out, one member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch, Observed, Score
from gensynth.nn.networks import RowDecoder
from gensynth.nn.sampling import OneMemberNetworks
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.corruption import Corruption
from gensynth.nn.tabular.decoder import Decoder
from gensynth.nn.tabular.embeddings import CellEmbedding, Numbers
from gensynth.nn.tabular.encoder import CellEncoder
from gensynth.nn.tabular.imputation import Propose, fill
from gensynth.nn.tabular.independent_decoder import grouped_decoder


class SamplingNetworks(OneMemberNetworks):
    """Networks over the embedded cells of a row, with one member.

    Parameters
    ----------
    layout : Layout
        What a row looks like; numbers are within-bin offsets.
    embedding_dim : int
        Width of a cell's embedding.
    dropout : float
        Fraction of units dropped in training.
    """

    def __init__(self, layout: Layout, embedding_dim: int, dropout: float) -> None:
        super().__init__(layout, dropout)
        self.slots = CategoricalSlots(layout)
        self.embedding = CellEmbedding(layout, self.slots, embedding_dim)
        self.corruption = Corruption(layout)

    def inputs(self, batch: Batch, *, differentiable: bool = False) -> Batch:  # noqa: ARG002
        """Return the rows: their cells are embedded by the networks."""
        return batch

    def noisy(self, inputs: Batch, deviation: Tensor, rng: Generator) -> Batch:  # noqa: ARG002
        """Return the rows: codes take no normal noise."""
        return inputs

    def corrupted(self, inputs: Batch) -> Iterator[Batch]:
        """Yield the rows with some of their cells replaced."""
        corrupted: Iterator[Batch] = self.corruption(inputs)
        return corrupted

    def encoder(self, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return the sum of the cells' contributions, then a perceptron."""
        return _OneMember(CellEncoder(self.layout, self.embedding, hidden, width_out, self.dropout))

    def decoder(self, width_in: int, hidden: Sequence[int], column_groups: int = 1) -> RowDecoder:
        """Return heads over a perceptron, or a causal network over groups of columns."""
        return SamplingDecoder(
            self.layout, grouped_decoder(self.layout, self.slots, self.embedding, self.dropout,
                                         column_groups=column_groups, hidden=hidden, latent_dim=width_in)
        )  # fmt: skip

    def causal_decoder(self, width_in: int, width: int, hidden: int) -> RowDecoder:
        """Return a causal network over columns."""
        rows = CausalDecoder(self.layout, self.slots, self.embedding, width, hidden, self.dropout, width_in)
        return SamplingDecoder(self.layout, rows)

    def score(self, cells: Tensor, latent: Tensor, inputs: Batch, *, attribute: bool) -> Score:  # noqa: ARG002
        """Return scores of rows without attribution: the latent term has no gradient to codes."""
        return Score(-(cells.sum(-1) + latent))


class SamplingDecoder(RowDecoder):
    """Adapter of a `Decoder`, with a members axis of 1.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    rows : Decoder
        p(row | z).
    """

    def __init__(self, layout: Layout, rows: Decoder) -> None:
        super().__init__()
        self.rows = rows
        self.numbers = Numbers(layout)

    def log_likelihood(self, inputs: Batch, z: Tensor) -> Tensor:
        """Return (1, n, k); densities over values where the rows come with a Jacobian, else in encoded units."""
        cells = self.rows.log_likelihood(inputs, z[0])
        if inputs.log_jacobian is not None and self.numbers.any:
            cells = cells.index_add(1, self.numbers.columns, inputs.log_jacobian.index_select(1, self.numbers.index))
        return cells.unsqueeze(0)

    def sample(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent (1, n, width)."""
        return self.rows.draw(z[0], rng)

    def impute(self, propose: Propose, observed: Observed, rng: Generator) -> Batch:
        """Draw the cells that are not observed, by importance sampling over latents."""
        return fill(self.rows, propose, observed, rng)

    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:
        """Set the marginals right at latents (1, n, width)."""
        self.rows.correct_marginals(rows, z[0], rng)


class _OneMember(nn.Module):
    """A network over rows, with a members axis before its output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> Tensor:
        out: Tensor = self.network(batch)
        return out.unsqueeze(0)
