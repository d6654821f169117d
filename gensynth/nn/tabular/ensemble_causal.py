"""Autoregressive priors and flows of an ensemble: masked networks over latents and code-book entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gensynth.nn.ensemble import member_mask
from gensynth.nn.flows import gated
from gensynth.nn.latent_density import CodePrior, LatentDensity, LatentPrior
from gensynth.nn.layers import bounded
from gensynth.nn.made import EnsembleMADE
from gensynth.nn.priors import LOG_2PI


class EnsembleFlowPrior(LatentPrior, LatentDensity):
    """Affine autoregressive flows, one for each member: the prior of Chen et al. 2017 (arXiv 1611.02731).

    Parameters
    ----------
    latent_dims : sequence of int
        Width of each member's latent; entries beyond it do not count.
    """

    mask: Tensor

    def __init__(self, latent_dims: Sequence[int]) -> None:
        super().__init__()
        dim = max(latent_dims)
        place = torch.arange(dim).expand(len(latent_dims), -1)
        self.register_buffer("mask", member_mask(latent_dims), persistent=False)
        self.network = EnsembleMADE(place, place.repeat(1, 2), 8 * dim, 0, gain=0.1)

    def given(self, inputs: Any) -> LatentDensity:  # noqa: ARG002 - the interface has it
        """Return the density itself: latents come first."""
        return self

    def log_density(self, z: Tensor) -> Tensor:
        """Return (members, n) log-densities of latents (members, n, dim)."""
        shift, log_scale = self.network(z).chunk(2, -1)
        log_scale = bounded(log_scale, 2.0)
        standard = (z - shift) * torch.exp(-log_scale)
        log_density: Tensor = -((0.5 * (standard.square() + LOG_2PI) + log_scale) * self.mask).sum(-1)
        return log_density


class EnsembleFlow(nn.Module):
    """Inverse autoregressive flows, one for each member (Kingma et al. 2016, arXiv 1606.04934, equation 14).

    As `gensynth.nn.flows.InverseAutoregressiveFlow`: near the identity at the start, the order turned round.

    Parameters
    ----------
    latent_dims : sequence of int
        Width of each member's latent; entries beyond it do not count.
    context : int
        Width of what conditions the flow.
    """

    mask: Tensor
    turned: Tensor

    def __init__(self, latent_dims: Sequence[int], context: int) -> None:
        super().__init__()
        dim, widths = max(latent_dims), torch.tensor(latent_dims).unsqueeze(1)
        entry = torch.arange(dim)
        place = entry.expand(len(latent_dims), -1)
        self.network = EnsembleMADE(place, place.repeat(1, 2), 8 * dim, context, gain=0.01)
        with torch.no_grad():
            self.network.last.bias[..., dim:] = 2.0
        self.register_buffer("mask", member_mask(latent_dims), persistent=False)
        turned = torch.where(entry < widths, widths - 1 - entry, entry)
        self.register_buffer("turned", turned.unsqueeze(1), persistent=False)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moved latents (members, n, dim) and log |d out / d z| (members, n)."""
        moved, log_gate = gated(z, *self.network(z, context).chunk(2, -1))
        return (moved * self.mask).gather(-1, self.turned.expand_as(z)), (log_gate * self.mask).sum(-1)


class EnsembleCodePrior(CodePrior):
    """Masked networks over code-book entries, one for each member.

    Parameters
    ----------
    members, groups : int
        Networks, and code books of each.
    dim : int
        Width of an entry.
    width : int
        Hidden units.
    n_codes : int
        Entries of a book.
    """

    def __init__(self, members: int, groups: int, dim: int, width: int, n_codes: int) -> None:
        super().__init__()
        place = torch.arange(groups).expand(members, -1)
        self.groups = groups
        self.network = EnsembleMADE(
            place.repeat_interleave(dim, 1), place.repeat_interleave(n_codes, 1), width, 0, gain=0.1
        )

    def forward(self, entries: Tensor, inputs: Any) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return logits (members, n, groups, n_codes)."""
        logits: Tensor = self.network(entries)
        by_group: Tensor = logits.unflatten(-1, (self.groups, -1))
        return by_group


def column_orders(members: int, n_columns: int) -> Tensor:
    """Return fixed random column orders (members, columns): the decoding position of each column.

    Every second member has the order before it backwards: a column that sees little in one sees much in the other.
    """
    rng = torch.Generator().manual_seed(2)
    forward = torch.stack([torch.randperm(n_columns, generator=rng) for _ in range((members + 1) // 2)])
    return torch.stack([forward, n_columns - 1 - forward], 1).flatten(0, 1)[:members]
