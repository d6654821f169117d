"""Networks to sample tables with: embedded cells in, codes and within-bin offsets out, one member."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch, Observed, Score
from gensynth.nn.categorical import draw
from gensynth.nn.flows import InverseAutoregressiveFlow
from gensynth.nn.layers import ResidualMLP
from gensynth.nn.made import BlockMADE
from gensynth.nn.mixture import GaussianMixture
from gensynth.nn.networks import CodePrior, LatentPrior, Networks, RowDecoder
from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior, Prior
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.causal_decoder import CausalDecoder
from gensynth.nn.tabular.corruption import Corruption
from gensynth.nn.tabular.decoder import Decoder
from gensynth.nn.tabular.embeddings import CellEmbedding, Numbers
from gensynth.nn.tabular.encoder import CellEncoder
from gensynth.nn.tabular.imputation import Propose, fill
from gensynth.nn.tabular.independent_decoder import grouped_decoder

EMA_DECAY = 0.99
"""Of the average of the weights that is evaluated and kept: less noise, above all in the marginals."""
WEIGHT_DECAY = 0.1
"""Decoupled. On thousands of rows a hundredth of it overfits by nats."""
PRIORS = ("blockwise", "autoregressive", "mixture", "flow", "normal")
"""Names that `named_prior` takes."""
MAX_COMPONENTS = 200
"""Normals of a mixture over latents, ..."""
ROWS_A_COMPONENT = 100
"""... fewer where there would be fewer rows than this for each."""


class SamplingNetworks(Networks):
    """One network each over the embedded cells of a row.

    Parameters
    ----------
    layout : Layout
        What a row looks like; numbers are within-bin offsets.
    embedding_dim : int
        Width of a cell's embedding.
    dropout : float
        Fraction of units dropped in training.
    """

    for_sampling: ClassVar[bool] = True
    ema_decay: ClassVar[float] = EMA_DECAY
    weight_decay: ClassVar[float] = WEIGHT_DECAY
    decay_on_plateau: ClassVar[bool] = True

    def __init__(self, layout: Layout, embedding_dim: int, dropout: float) -> None:
        super().__init__(layout, 1)
        self.slots = CategoricalSlots(layout)
        self.embedding = CellEmbedding(layout, self.slots, embedding_dim)
        self.dropout = dropout
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

    def mlp(self, width_in: int, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return a residual perceptron."""
        return ResidualMLP(width_in, hidden, width_out, self.dropout)

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

    def flow_prior(self, latent_dims: Sequence[int], n_components: int = 1) -> LatentPrior:
        """Return the prior of the variational lossy autoencoder."""
        return SamplingPrior(AutoregressivePrior(latent_dims[0], n_components))

    def posterior_flow(self, latent_dims: Sequence[int], context: int) -> nn.Module:
        """Return the flow over a latent vector."""
        return InverseAutoregressiveFlow(latent_dims[0], context)

    def code_prior(self, groups: int, dim: int, width: int, n_codes: int) -> CodePrior:
        """Return a masked network whose books cost the same one by one as together."""
        return SamplingCodePrior(BlockMADE(groups, dim, width, n_codes, self.dropout))

    def score(self, cells: Tensor, latent: Tensor, inputs: Batch, *, attribute: bool) -> Score:  # noqa: ARG002
        """Return rows alone: a latent term cannot be told apart by codes."""
        return Score(-(cells.sum(-1) + latent))


class SamplingDecoder(RowDecoder):
    """A decoder of single rows as one member's.

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


class SamplingCodePrior(CodePrior):
    """A density over codes as one member's.

    Parameters
    ----------
    network : BlockMADE
        From entries (n, groups * dim) to logits (groups, n, n_codes).
    """

    def __init__(self, network: BlockMADE) -> None:
        super().__init__()
        self.network = network

    def forward(self, entries: Tensor) -> Tensor:
        """Return logits (1, n, groups, n_codes)."""
        logits: Tensor = self.network(entries[0])
        return logits.transpose(0, 1).unsqueeze(0)

    def sample(self, books: Tensor, n: int, rng: Generator) -> Tensor:
        """Draw codes book by book; return their entries (1, n, groups * dim) side by side."""
        groups, _, dim = books.shape
        entries = books.new_empty(n, groups * dim)
        for g, own in enumerate(books):
            code = draw(self.network.one(g, entries[:, : g * dim]), rng)
            entries[:, g * dim : (g + 1) * dim] = own.index_select(0, code)
        return entries.unsqueeze(0)


class SamplingPrior(LatentPrior):
    """A density over latents as one member's.

    Parameters
    ----------
    density : Prior
        Over latents (n, dim).
    """

    def __init__(self, density: Prior) -> None:
        super().__init__()
        self.density = density

    def log_density(self, z: Tensor) -> Tensor:
        """Return (1, n) log-densities of latents (1, n, dim)."""
        return self.density.log_density(z[0]).unsqueeze(0)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw latents (1, n, dim)."""
        return self.density.sample(n, rng).unsqueeze(0)

    def start(self, draw: Callable[[], Tensor], rng: Generator) -> None:
        """Take a first guess from latents (1, n, dim), which ``draw`` returns; see `Prior.start`."""
        self.density.start(lambda: draw()[0], rng)


def named_prior(name: str, dim: int, n_rows: int) -> SamplingPrior | None:
    """Return the density of that name (`PRIORS`) over latents of a table of ``n_rows``; None for N(0, I)."""
    if name == "normal":
        return None
    if name == "flow":
        return SamplingPrior(AutoregressivePrior(dim))
    if name == "autoregressive":
        return SamplingPrior(AutoregressivePrior(dim, n_components=10))
    if name == "blockwise":
        return SamplingPrior(BlockwisePrior(dim))
    return SamplingPrior(GaussianMixture(dim, max(1, min(MAX_COMPONENTS, n_rows // ROWS_A_COMPONENT))))


class _OneMember(nn.Module):
    """A network over rows, with a members axis before its output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> Tensor:
        out: Tensor = self.network(batch)
        return out.unsqueeze(0)
