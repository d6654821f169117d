"""Gaussian mixture with full covariances over latents, fitted by expectation maximisation."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from gensynth.nn.priors import LOG_2PI, Prior

EM_STEPS = 40
"""Steps of expectation maximisation."""
LLOYD_STEPS = 10
"""Steps of k-means that the responsibilities start from."""
FLOOR = 1e-4
"""Least variance of a component in any direction, as a part of the mean variance of a latent dimension."""
MAX_ENTRIES = 2**23
"""Entries of a tensor (n, n_components, dim) that are held at a time (32 MB in float32)."""


class GaussianMixture(Prior):
    """p(z) = sum_c w_c N(z; m_c, L_c L_c^T).

    A draw looks a component up and is one small product: cheaper than any network. Covariances are shrunk towards
    their diagonal, the more the fewer rows a component has, as a component of fewer rows than dimensions has a
    singular one. Starts as a standard normal in every component.

    Parameters
    ----------
    dim : int
        Width of the latent.
    n_components : int
        Number of normals.

    References
    ----------
    Dempster, Laird & Rubin 1977, "Maximum likelihood from incomplete data via the EM algorithm".
    Ghosh et al. 2020, "From variational to deterministic autoencoders" (arXiv 1903.12436), section 4: the mixture
    fitted to the latents after training.
    """

    log_weights: Tensor
    means: Tensor
    scales: Tensor

    def __init__(self, dim: int, n_components: int) -> None:
        super().__init__()
        self.register_buffer("log_weights", torch.full((n_components,), -math.log(n_components)))
        self.register_buffer("means", torch.zeros(n_components, dim))
        self.register_buffer("scales", torch.eye(dim).repeat(n_components, 1, 1))  # lower triangular

    def log_density(self, z: Tensor, context: Tensor | None = None) -> Tensor:  # noqa: ARG002 - it takes none
        """Return (n,) log p(z) of rows (n, dim)."""
        return self._log_joint(z).logsumexp(-1)

    def sample(self, n: int, rng: Generator, context: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Draw (n, dim) latents."""
        means = self.means
        component = torch.multinomial(self.log_weights.exp(), n, replacement=True, generator=rng)
        noise = torch.randn(n, 1, means.shape[1], generator=rng, device=means.device, dtype=means.dtype)
        moved = torch.bmm(noise, self.scales.transpose(1, 2).index_select(0, component))
        return moved.squeeze(1).add_(means.index_select(0, component))

    @torch.no_grad()
    def start(self, draw: Callable[[], Tensor], rng: Generator) -> None:
        """Fit to latents; each step draws anew, to fit the aggregate posterior and not a single draw."""
        z = draw()
        if len(z) < 2:
            return
        parts = self._nearest(z, rng)
        for _ in range(EM_STEPS):
            self._maximise(z, parts)
            z = draw()
            parts = self._log_joint(z).softmax(-1)

    def _nearest(self, z: Tensor, rng: Generator) -> Tensor:
        """Return (n, n_components) 0 or 1: which mean of k-means each latent is nearest to."""
        k = len(self.means)
        means = z[torch.randperm(len(z), generator=rng, device=z.device)[torch.arange(k, device=z.device) % len(z)]]
        parts = z.new_zeros(len(z), k)
        for _ in range(LLOYD_STEPS):
            nearest = (z @ means.t() - 0.5 * means.square().sum(1)).argmax(1, keepdim=True)
            parts = torch.zeros_like(parts).scatter_(1, nearest, 1.0)
            size = parts.sum(0).unsqueeze(1)
            means = torch.where(size > 0, (parts.t() @ z) / size.clamp(min=1.0), means)
        return parts

    def _maximise(self, z: Tensor, parts: Tensor) -> None:
        dim = z.shape[1]
        size = parts.sum(0)
        safe = size.clamp(min=1e-3)
        means = (parts.t() @ z) / safe.unsqueeze(1)
        products = (z.unsqueeze(2) * z.unsqueeze(1)).flatten(1)
        covariance = (parts.t() @ products).unflatten(1, (dim, dim)) / safe.view(-1, 1, 1)
        covariance = covariance - means.unsqueeze(2) * means.unsqueeze(1)
        floor = FLOOR * z.var(0, correction=0).mean().clamp(min=1e-8)
        own = covariance.diagonal(dim1=1, dim2=2).clamp(min=floor)
        shrink = (dim / (size + dim)).view(-1, 1, 1)
        eye = torch.eye(dim, device=z.device, dtype=z.dtype)
        covariance = (1.0 - shrink) * covariance + shrink * torch.diag_embed(own) + floor * eye
        scales, failed = torch.linalg.cholesky_ex(covariance)
        spherical = torch.diag_embed(own.sqrt())  # of a component that rounding has made singular
        self.scales.copy_(torch.where((failed > 0).view(-1, 1, 1), spherical, scales))
        self.means.copy_(means)
        self.log_weights.copy_((safe / safe.sum()).log())

    def _log_joint(self, z: Tensor) -> Tensor:
        """Return (n, n_components): log of weight times density."""
        dim = z.shape[1]
        eye = torch.eye(dim, device=z.device, dtype=z.dtype)
        inverse = torch.linalg.solve_triangular(self.scales, eye.expand_as(self.scales), upper=False)
        centre = torch.bmm(inverse, self.means.unsqueeze(2)).squeeze(2)
        constant = self.log_weights - self.scales.diagonal(dim1=1, dim2=2).log().sum(1) - 0.5 * dim * LOG_2PI
        weight = inverse.flatten(0, 1).t()
        step = max(MAX_ENTRIES // centre.numel(), 1)
        parts = [
            constant - 0.5 * ((part @ weight).unflatten(1, centre.shape) - centre).square().sum(-1)
            for part in z.split(step)
        ]
        return torch.cat(parts) if parts else z.new_zeros(0, len(constant))
