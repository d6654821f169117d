"""One level of a hierarchy of latents: prior, residual posterior and flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.ensemble import member_mask
from gensynth.nn.layers import bounded
from gensynth.nn.networks import LevelNetworks
from gensynth.nn.priors import LOG_2PI

MAX_LOG_SCALE = 5.0
"""Scales of priors, and of posteriors in units of those, are kept between exp(-5) and exp(5)."""


class Level(nn.Module):
    """One level of latents: prior given the levels above, residual posterior, flows, and state update.

    The posterior is N(mu + d_mu, sigma * d_sigma) where the prior is N(mu, sigma) (Vahdat & Kautz 2020, arXiv
    2007.03898, section 3.2), followed by inverse autoregressive flows.

    Parameters
    ----------
    networks : LevelNetworks
        What carries it.
    latent_dims : sequence of int
        Latents of each member.
    dim : int
        Entries that they take, those beyond a member's own 0.
    """

    mask: Tensor

    def __init__(self, networks: LevelNetworks, latent_dims: Sequence[int], dim: int) -> None:
        super().__init__()
        self.prior, self.residual, self.update = networks.prior, networks.residual, networks.update
        self.flows = nn.ModuleList(networks.flows)

        out: Any = self.prior.out
        nn.init.normal_(out.weight, std=0.01)  # every level's prior begins as N(0, I)
        nn.init.zeros_(out.bias)
        mask = F.pad(member_mask(latent_dims), (0, dim - max(latent_dims)))
        self.register_buffer("mask", mask, persistent=False)  # (members, 1, dim)

    def prior_parameters(self, state: Tensor, columns: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mean and log-scale (members, n, dim) of p(z | levels above).

        ``columns`` is what the prior sees of those that are drawn before, as wide as the state. The state does not hold
        it, so that what an image has of its columns passes through the latents.
        """
        mean, log_scale = self.prior(state if columns is None else state + columns).chunk(2, -1)
        return mean * self.mask, bounded(log_scale, MAX_LOG_SCALE)

    def infer(
        self, state: Tensor, features: Tensor, noise: Tensor, columns: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return a posterior draw (members, n, dim) and log q - log p at it (members, n): its one-draw divergence."""
        mean, log_scale = self.prior_parameters(state)
        shift, log_ratio = self.residual(torch.cat([state, features], -1)).chunk(2, -1)
        log_ratio = bounded(log_ratio, MAX_LOG_SCALE)
        z = mean + torch.exp(log_scale) * (shift + torch.exp(log_ratio) * noise) * self.mask
        log_q = -((0.5 * (noise.square() + LOG_2PI) + log_scale + log_ratio) * self.mask).sum(-1)
        for flow in self.flows:
            z, log_determinant = flow(z, features)
            log_q = log_q - log_determinant
        return z, log_q - self.log_prior(state, z, columns)

    def log_prior(self, state: Tensor, z: Tensor, columns: Tensor | None = None) -> Tensor:
        """Return (members, n): log p(z | levels above)."""
        mean, log_scale = self.prior_parameters(state, columns)
        standard = (z - mean) * torch.exp(-log_scale)
        return -((0.5 * (standard.square() + LOG_2PI) + log_scale) * self.mask).sum(-1)

    def next_state(self, state: Tensor, z: Tensor) -> Tensor:
        """Return the state for the levels below (members, n, width)."""
        change: Tensor = self.update(torch.cat([state, z], -1))
        return state + change
