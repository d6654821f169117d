"""Base of networks for sampling, for tables and images: one member, and priors of latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.errors import OptionError
from gensynth.layout import Layout
from gensynth.nn.categorical import draw
from gensynth.nn.flows import InverseAutoregressiveFlow
from gensynth.nn.latent_density import CodePrior, LatentDensity, LatentPrior
from gensynth.nn.layers import ResidualMLP
from gensynth.nn.made import BlockMADE
from gensynth.nn.mixture import GaussianMixture
from gensynth.nn.networks import Networks
from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior, ConditionalNormal, Prior

EMA_DECAY = 0.99
"""Decay of the weights' moving average, which is evaluated and kept: less noise, above all in the marginals."""
WEIGHT_DECAY = 0.1
"""Decoupled weight decay; on thousands of rows, a hundredth of it overfits by nats."""
PRIORS = ("blockwise", "autoregressive", "mixture", "flow", "normal")
"""Names that `OneMemberNetworks.named_prior` takes."""
COLUMN_FEATURES = 64
"""Width of the features of previously drawn columns on which a density of latents is conditioned."""
MAX_COMPONENTS = 200
"""Normals of a mixture over latents, ..."""
ROWS_A_COMPONENT = 100
"""... fewer where there would be fewer rows than this for each."""


class OneMemberNetworks(Networks):
    """Base of networks for sampling, with one member.

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
        features, context = self._context()
        return SamplingPrior(AutoregressivePrior(latent_dims[0], n_components, context=context), features)

    def named_prior(self, name: str, dim: int) -> LatentPrior | None:
        """Return the density of that name (`PRIORS`) over a latent vector; None for N(0, I).

        Where columns are drawn before the latents, "normal" is a normal whose means and deviations follow them.

        Raises
        ------
        OptionError
            Columns are drawn before the latents, and the density cannot be given any.
        """
        features, context = self._context()
        density = _named(name, dim, self.layout.n_rows, context)
        return None if density is None else SamplingPrior(density, features)

    def _context(self) -> tuple[nn.Module | None, int]:
        """Return the network over columns that are sampled before the latents, and its width; (None, 0) without."""
        features = self.column_features(COLUMN_FEATURES)
        return features, 0 if features is None else COLUMN_FEATURES

    def posterior_flow(self, latent_dims: Sequence[int], context: int) -> nn.Module:
        """Return the flow over a latent vector."""
        return InverseAutoregressiveFlow(latent_dims[0], context)

    def code_prior(self, groups: int, dim: int, width: int, n_codes: int) -> CodePrior:
        """Return a masked network that samples code book by code book at the cost of one pass."""
        features, context = self._context()
        return SamplingCodePrior(BlockMADE(groups, dim, width, n_codes, self.dropout, context), features)


class SamplingCodePrior(CodePrior):
    """Adapter of a prior over codes, with a members axis of 1.

    Parameters
    ----------
    network : BlockMADE
        From entries (n, groups * dim) to logits (groups, n, n_codes).
    features : Module or None
        From rows to features (1, n, width) of the columns that are drawn before; None where codes come first.
    """

    def __init__(self, network: BlockMADE, features: nn.Module | None) -> None:
        super().__init__()
        self.network, self.features = network, features

    def _context(self, inputs: Any) -> Tensor | None:
        return None if self.features is None else F.silu(self.features(inputs)[0])

    def forward(self, entries: Tensor, inputs: Any) -> Tensor:
        """Return logits (1, n, groups, n_codes)."""
        logits: Tensor = self.network(entries[0], self._context(inputs))
        return logits.transpose(0, 1).unsqueeze(0)

    def sample(self, books: Tensor, n: int, rng: Generator, inputs: Any = None) -> Tensor:
        """Draw codes book by book; return their entries (1, n, groups * dim) side by side."""
        groups, _, dim = books.shape
        entries, told = books.new_empty(n, groups * dim), self.network.told(self._context(inputs))
        for g, own in enumerate(books):
            code = draw(self.network.one(g, entries[:, : g * dim], told), rng)
            entries[:, g * dim : (g + 1) * dim] = own.index_select(0, code)
        return entries.unsqueeze(0)


class SamplingPrior(LatentPrior):
    """Adapter of a prior over latents, with a members axis of 1.

    Parameters
    ----------
    density : Prior
        Over latents (n, dim).
    features : Module or None
        From rows to features (1, n, width) of the columns that are drawn before: the context of the density. None
        where latents come first.
    """

    def __init__(self, density: Prior, features: nn.Module | None = None) -> None:
        super().__init__()
        self.density, self.features = density, features

    def given(self, inputs: Any) -> GivenColumns:
        """Return the density of the latents of these rows."""
        return GivenColumns(self.density, None if self.features is None else F.silu(self.features(inputs)[0]))

    def start(self, draw: Callable[[], Tensor], rng: Generator) -> None:
        """Initialise from latents (1, n, dim), which ``draw`` returns; see `Prior.start`."""
        self.density.start(lambda: draw()[0], rng)


class GivenColumns(LatentDensity):
    """A prior over the latents of rows given their columns.

    Parameters
    ----------
    density : Prior
        Over latents (n, dim).
    context : Tensor of shape (n, width) or None
        What it is given of each row.
    """

    def __init__(self, density: Prior, context: Tensor | None) -> None:
        self._density, self._context = density, context

    def log_density(self, z: Tensor) -> Tensor:
        """Return (1, m) log-densities of latents (1, m, dim) of all rows, or of all rows several times."""
        context = self._context
        if context is not None and len(context) < z.shape[1]:
            context = context.repeat(z.shape[1] // len(context), 1)
        return self._density.log_density(z[0], context).unsqueeze(0)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw latents (1, n, dim), one for each row."""
        return self._density.sample(n, rng, self._context).unsqueeze(0)


def _named(name: str, dim: int, n_rows: int, context: int) -> Prior | None:
    """Return a density over latents of a table of ``n_rows``; None for N(0, I)."""
    if name == "normal":
        return ConditionalNormal(dim, context) if context else None
    if name == "flow":
        return AutoregressivePrior(dim, context=context)
    if name == "autoregressive":
        return AutoregressivePrior(dim, n_components=10, context=context)
    if name == "blockwise":
        return BlockwisePrior(dim, context=context)
    if context:
        raise OptionError(
            "model.prior='mixture' cannot be given the columns beside images: take 'blockwise', or leave them out"
        )
    return GaussianMixture(dim, max(1, min(MAX_COMPONENTS, n_rows // ROWS_A_COMPONENT)))
