"""Learned priors of latent vectors: mixtures and autoregressive priors."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.nn.categorical import draw, draw_many
from gensynth.nn.layers import bounded
from gensynth.nn.made import BlockMADE, MaskedLinear

LOG_2PI = math.log(2.0 * math.pi)
MAX_LOG_SCALE = 4.0
"""Scales are kept between exp(-4) and exp(4), so that no component collapses on a point."""


def standard_normal_log_density(z: Tensor) -> Tensor:
    """Return (n,): log N(z; 0, I) of rows (n, dim)."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)


class Prior(nn.Module, ABC):
    """A prior over latents, optionally conditional on a context."""

    @abstractmethod
    def log_density(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return (n,) log p(z | context) of rows (n, dim), for a context (n, width)."""

    @abstractmethod
    def sample(self, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:
        """Draw (n, dim) latents."""

    def start(self, draw: Callable[[], Tensor], rng: Generator) -> None:
        """Initialise from latents before training; priors without trainable parameters are fitted here.

        Parameters
        ----------
        draw : callable
            Returns latents (n, dim) of the same n rows in random order, with a new posterior draw at every call.
        rng : Generator
            Random generator.
        """


class ConditionalNormal(Prior):
    """p(z | context) = N(m(context), diag s(context)^2), N(0, I) at first: the prior network of Sohn et al. 2015.

    "Learning structured output representation using deep conditional generative models", section 4.1.

    Parameters
    ----------
    dim : int
        Width of the latent.
    context : int
        Width of the context.
    """

    def __init__(self, dim: int, context: int) -> None:
        super().__init__()
        self.out = nn.Linear(context, 2 * dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def _moments(self, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return means and log-scales (n, dim)."""
        if context is None:
            raise TypeError("this density needs a context")
        mean, log_scale = self.out(context).chunk(2, 1)
        return mean, bounded(log_scale, MAX_LOG_SCALE)

    def log_density(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return (n,) log p(z | context) of rows (n, dim)."""
        mean, log_scale = self._moments(context)
        return standard_normal_log_density((z - mean) * torch.exp(-log_scale)) - log_scale.sum(-1)

    def sample(self, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:
        """Draw (n, dim) latents."""
        mean, log_scale = self._moments(context)
        noise = torch.randn(n, mean.shape[1], generator=rng, device=mean.device, dtype=mean.dtype)
        return mean + log_scale.exp() * noise


class AutoregressivePrior(Prior):
    """p(z) = prod_i p(z_i | z_<i), each a mixture of normals whose parameters a masked network gives.

    With one component it is an autoregressive flow, z_i = mu_i(z_<i) + exp(s_i(z_<i)) e_i: the learned prior of the
    Variational Lossy Autoencoder (Chen et al. 2017, arXiv 1611.02731, section 3.2), which equals an inverse
    autoregressive flow in the posterior. More components make it more flexible. The density takes one pass, sampling
    ``dim`` passes.

    Parameters
    ----------
    dim : int
        Width of the latent.
    n_components : int
        Normals per dimension.
    width : int
        Hidden units per dimension.
    context : int
        Width of the context; 0 for none.
    """

    def __init__(self, dim: int, n_components: int = 1, width: int = 16, context: int = 0) -> None:
        super().__init__()
        self.dim, self.n_components = dim, n_components
        degree = torch.arange(dim)
        unit = degree.repeat_interleave(width)  # a unit of degree i sees z_0 .. z_{i-1}
        self.inner = MaskedLinear(degree, unit, strict=True)
        n_hidden, n_out = dim * width, 3 * dim * n_components
        self.from_context = nn.Linear(context, n_hidden + n_out, bias=False) if context else None
        if self.from_context is not None:
            nn.init.zeros_(self.from_context.weight[n_hidden:])
        self.middle = MaskedLinear(unit, unit)
        self.outer = MaskedLinear(unit, degree.repeat_interleave(n_components).repeat(3))
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)
        with torch.no_grad():  # components start at different means, so that they can specialise
            self.outer.bias.view(3, dim, n_components)[1] = torch.linspace(-1.5, 1.5, n_components + 2)[1:-1]

    def _context_terms(self, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the contribution of a context (n, context) to the first hidden layer and outputs; zeros for None."""
        split = self.inner.out_features
        if self.from_context is None or context is None:
            none = self.inner.weight.new_zeros(1, split + self.outer.out_features)
            return none[:, :split], none[:, split:]
        told: Tensor = self.from_context(context)
        return told[:, :split], told[:, split:]

    def _components(self, z: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-weights, means and log-scales (n, dim, n_components)."""
        to_hidden, to_out = self._context_terms(context)
        h = torch.relu(self.inner(z) + to_hidden)
        h = h + torch.relu(self.middle(h))
        out = self.outer(h) + to_out
        weight, mean, log_scale = out.unflatten(-1, (3, self.dim, self.n_components)).unbind(-3)
        return weight.log_softmax(-1), mean, bounded(log_scale, MAX_LOG_SCALE)

    def log_density(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return (n,) log p(z | context) of rows (n, dim)."""
        log_weight, mean, log_scale = self._components(z, context)
        noise = (z.unsqueeze(-1) - mean) * torch.exp(-log_scale)
        return torch.logsumexp(log_weight - log_scale - 0.5 * (noise.square() + LOG_2PI), -1).sum(-1)

    def sample(self, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:
        """Draw (n, dim) latents, dimension by dimension; every hidden unit is computed once."""
        width = self.inner.out_features // self.dim
        middle, outer = self.middle.weight, self.outer.weight.unflatten(0, (3, self.dim, self.n_components))
        bias = self.outer.bias.view(3, self.dim, self.n_components)
        z = torch.zeros(n, self.dim, device=middle.device, dtype=middle.dtype)
        to_hidden, to_out = self._context_terms(context)
        to_out = to_out.unflatten(1, (3, self.dim, self.n_components))
        first = torch.zeros(n, self.dim * width, device=middle.device, dtype=middle.dtype)
        second = torch.zeros_like(first)
        for i in range(self.dim):
            own, seen = slice(i * width, (i + 1) * width), slice(0, (i + 1) * width)
            near = F.linear(z[:, :i], self.inner.weight[own, :i], self.inner.bias[own])
            first[:, own] = torch.relu(near + to_hidden[:, own])
            told = torch.relu(F.linear(first[:, seen], middle[own, seen], self.middle.bias[own]))
            second[:, own] = first[:, own] + told
            head = F.linear(second[:, seen], outer[:, i, :, seen].flatten(0, 1), bias[:, i].flatten())
            weight, mean, log_scale = (head.unflatten(-1, (3, self.n_components)) + to_out[:, :, i]).unbind(-2)
            chosen = draw(weight, rng).unsqueeze(1)
            noise = torch.randn(n, 1, generator=rng, device=z.device, dtype=z.dtype)
            scale = torch.exp(bounded(log_scale, MAX_LOG_SCALE).gather(1, chosen))
            z[:, i] = (mean.gather(1, chosen) + scale * noise).squeeze(1)
        return z


class BlockwisePrior(Prior):
    """p(z) = prod_b p(z_b | z_<b): each block is a mixture of normals, shifted and scaled by the blocks before.

    z_b = m_b(z_<b) + exp(s_b(z_<b)) (mean_c + scale_c e) with c drawn from softmax(w_b(z_<b)): the network gives
    weights, a shift and a log-scale; the components are parameters of the block. So sampling takes one pass per block,
    and components are looked up in a table. An `AutoregressivePrior` of mixtures samples one dimension at a time, with
    all components from the network: several times the cost for the same quality.

    Parameters
    ----------
    dim : int
        Width of the latent.
    n_components : int
        Normals per block.
    width : int
        Hidden units per block.
    block : int
        Maximal number of dimensions of a block: the largest divisor of ``dim`` up to it is used.
    context : int
        Width of the context; 0 for none.
    """

    def __init__(self, dim: int, n_components: int = 64, width: int = 64, block: int = 6, context: int = 0) -> None:
        super().__init__()
        self.block = max(b for b in range(1, block + 1) if dim % b == 0)
        self.n_blocks, self.n_components = dim // self.block, n_components
        self.network = BlockMADE(self.n_blocks, self.block, width, n_components + 2 * self.block, context=context)
        self.means = nn.Parameter(torch.randn(self.n_blocks, n_components, self.block))
        spread = n_components ** (-1.0 / self.block)
        self.log_scales = nn.Parameter(torch.full((self.n_blocks, n_components, self.block), math.log(spread)))

    @torch.no_grad()
    def start(self, draw: Callable[[], Tensor], rng: Generator) -> None:  # noqa: ARG002
        """Initialise components at random latents, with scales from the spread of the latents."""
        z = draw()
        if len(z) < 2:
            return
        places = torch.arange(self.n_components, device=z.device) % len(z)
        blocks = z.unflatten(1, (self.n_blocks, self.block)).transpose(0, 1)  # (n_blocks, n, block)
        self.means.copy_(blocks[:, places])
        spread = blocks.std(1, keepdim=True).clamp(min=1e-3) * self.n_components ** (-1.0 / self.block)
        self.log_scales.copy_(spread.log().expand_as(self.log_scales))

    def log_density(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return (n,) log p(z | context) of rows (n, dim)."""
        weight, shift, stretch = self.network(z, context).split((self.n_components, self.block, self.block), -1)
        stretch = bounded(stretch, MAX_LOG_SCALE)
        own = z.unflatten(1, (self.n_blocks, self.block)).transpose(0, 1)
        u = (own - shift) * torch.exp(-stretch)  # (n_blocks, n, block)
        log_scale = bounded(self.log_scales, MAX_LOG_SCALE)
        precision = torch.exp(-2.0 * log_scale)
        centre = (self.means * precision).transpose(1, 2)
        constant = (self.means.square() * precision + 2.0 * log_scale).sum(-1).unsqueeze(1)
        # |u - m|^2 / s^2 expanded, so that no (n_blocks, n, c, block) tensor is made
        distance = torch.baddbmm(
            constant, torch.cat([u.square(), u], -1), torch.cat([precision.transpose(1, 2), -2.0 * centre], 1)
        )
        log_density = torch.logsumexp(weight - 0.5 * distance, -1) - torch.logsumexp(weight, -1)
        return (log_density - stretch.sum(-1)).sum(0) - 0.5 * LOG_2PI * z.shape[-1]

    def sample(self, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:
        """Draw (n, dim) latents, block by block."""
        like, told = self.means, self.network.told(context)
        z = torch.randn(n, self.n_blocks * self.block, generator=rng, device=like.device, dtype=like.dtype)
        scales = bounded(self.log_scales, MAX_LOG_SCALE).exp()
        for b in range(self.n_blocks):
            # the first block has no inputs: one row of parameters serves all rows
            one = b == 0 and context is None
            head = self.network.one(b, z.new_zeros(1, 0) if one else z[:, : b * self.block], told)
            own = z[:, b * self.block : (b + 1) * self.block]  # noise so far
            weight = head[:, : self.n_components]
            chosen = draw_many(weight[0], n, rng) if one else draw(weight, rng)
            own.mul_(scales[b].index_select(0, chosen)).add_(self.means[b].index_select(0, chosen))
            shift, stretch = head[:, self.n_components :].chunk(2, -1)
            own.mul_(bounded(stretch, MAX_LOG_SCALE).exp()).add_(shift)
        return z
