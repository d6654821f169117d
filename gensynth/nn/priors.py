"""Densities over a latent vector that are learned instead of fixed at N(0, I)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor, nn

LOG_2PI = math.log(2.0 * math.pi)


def standard_normal_log_density(z: Tensor) -> Tensor:
    """Return (n,): log N(z; 0, I) of rows (n, dim)."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)


class Prior(nn.Module, ABC):
    """A density over latents that can be drawn from."""

    @abstractmethod
    def log_density(self, z: Tensor) -> Tensor:
        """Return (n,) log p(z) of rows (n, dim)."""

    @abstractmethod
    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw (n, dim) latents."""


class MixturePrior(Prior):
    """A mixture of diagonal normals with learned weights, means and scales (as VampPrior's baseline MoG).

    Starts as a spread of narrow components about N(0, I), so that it covers the posterior from the first step.

    Parameters
    ----------
    dim : int
        Width of the latent.
    n_components : int
        Number of normals.
    """

    def __init__(self, dim: int, n_components: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_components))
        self.means = nn.Parameter(torch.randn(n_components, dim) * 0.7)
        self.log_scales = nn.Parameter(torch.full((n_components, dim), math.log(0.7)))

    def log_density(self, z: Tensor) -> Tensor:
        """Return (n,) log p(z) of rows (n, dim)."""
        precision = torch.exp(-2.0 * self.log_scales)  # (c, dim)
        # |z - m|^2 / s^2 expanded, so that no (n, c, dim) tensor is made
        distance = (
            z.square() @ precision.t()
            - 2.0 * z @ (self.means * precision).t()
            + (self.means.square() * precision).sum(1)
        )
        log_normal = -0.5 * (distance + z.shape[-1] * LOG_2PI) - self.log_scales.sum(1)
        return torch.logsumexp(log_normal + self.weights.log_softmax(0), -1)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw (n, dim) latents."""
        component = torch.multinomial(self.weights.softmax(0), n, replacement=True, generator=rng)
        noise = torch.randn(n, self.means.shape[1], generator=rng, device=self.means.device, dtype=self.means.dtype)
        return self.means[component] + noise * self.log_scales[component].exp()


class AutoregressiveFlowPrior(Prior):
    """z_i = mu_i(z_<i) + exp(s_i(z_<i)) e_i with e ~ N(0, I): the learned prior of the Variational Lossy Autoencoder.

    Chen et al. 2017 (arXiv 1611.02731, section 3.2): an autoregressive flow for the prior equals an inverse
    autoregressive flow for the posterior. Density in one pass, sampling in ``dim`` passes. Starts as N(0, I).

    Parameters
    ----------
    dim : int
        Width of the latent.
    width : int
        Hidden units a dimension.
    """

    mask_in: Tensor
    mask_out: Tensor

    def __init__(self, dim: int, width: int = 16) -> None:
        super().__init__()
        self.dim = dim
        self.inner = nn.Linear(dim, dim * width)
        self.outer = nn.Linear(dim * width, 2 * dim)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)
        degree = torch.arange(dim)
        unit = degree.repeat_interleave(width)  # unit of degree i sees z_0 .. z_{i-1}
        self.register_buffer("mask_in", (degree[None, :] < unit[:, None]).float(), persistent=False)
        self.register_buffer("mask_out", (unit[None, :] <= degree.repeat(2)[:, None]).float(), persistent=False)

    def _shift_and_scale(self, z: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.relu(nn.functional.linear(z, self.inner.weight * self.mask_in, self.inner.bias))
        shift, log_scale = nn.functional.linear(h, self.outer.weight * self.mask_out, self.outer.bias).chunk(2, -1)
        return shift, 3.0 * torch.tanh(log_scale / 3.0)

    def log_density(self, z: Tensor) -> Tensor:
        """Return (n,) log p(z) of rows (n, dim)."""
        shift, log_scale = self._shift_and_scale(z)
        return standard_normal_log_density((z - shift) * torch.exp(-log_scale)) - log_scale.sum(-1)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw (n, dim) latents."""
        weight = self.inner.weight
        noise = torch.randn(n, self.dim, generator=rng, device=weight.device, dtype=weight.dtype)
        z = torch.zeros_like(noise)
        for i in range(self.dim):
            shift, log_scale = self._shift_and_scale(z)
            z[:, i] = shift[:, i] + torch.exp(log_scale[:, i]) * noise[:, i]
        return z
