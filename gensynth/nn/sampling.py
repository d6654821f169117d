"""What networks to sample with share, whatever the rows hold: one member each, and densities of latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.nn.categorical import draw
from gensynth.nn.flows import InverseAutoregressiveFlow
from gensynth.nn.layers import ResidualMLP
from gensynth.nn.made import BlockMADE
from gensynth.nn.mixture import GaussianMixture
from gensynth.nn.networks import CodePrior, LatentPrior, Networks
from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior, Prior

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


class OneMemberNetworks(Networks):
    """Networks of one member, to sample with.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    dropout : float
        Fraction of units dropped in training.
    """

    for_sampling: ClassVar[bool] = True
    ema_decay: ClassVar[float] = EMA_DECAY
    weight_decay: ClassVar[float] = WEIGHT_DECAY
    decay_on_plateau: ClassVar[bool] = True

    def __init__(self, layout: Layout, dropout: float) -> None:
        super().__init__(layout, 1)
        self.dropout = dropout

    def mlp(self, width_in: int, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return a residual perceptron."""
        return ResidualMLP(width_in, hidden, width_out, self.dropout)

    def flow_prior(self, latent_dims: Sequence[int], n_components: int = 1) -> LatentPrior:
        """Return the prior of the variational lossy autoencoder."""
        return SamplingPrior(AutoregressivePrior(latent_dims[0], n_components))

    def posterior_flow(self, latent_dims: Sequence[int], context: int) -> nn.Module:
        """Return the flow over a latent vector."""
        return InverseAutoregressiveFlow(latent_dims[0], context)

    def code_prior(self, groups: int, dim: int, width: int, n_codes: int) -> CodePrior:
        """Return a masked network whose books cost the same one by one as together."""
        return SamplingCodePrior(BlockMADE(groups, dim, width, n_codes, self.dropout))


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
