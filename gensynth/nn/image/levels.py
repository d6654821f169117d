"""Networks of one level of a hierarchy of latent maps: residual cells (Vahdat & Kautz 2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.image.convolutions import ResidualBlock, Size, pooled
from gensynth.nn.networks import LevelNetworks


def level_size(grid: Size, index: int, count: int) -> Size:
    """Return height and width of a level's latents: those of the last level on the grid, of the ones above coarser."""
    factor = 2 ** (count - 1 - index)
    return max(-(-grid[0] // factor), 1), max(-(-grid[1] // factor), 1)


class MapToLatents(nn.Module):
    """Map from flattened maps on the grid to parameters of a level's latents, each ``dim`` wide, zero-padded.

    Parameters
    ----------
    grid, size : (int, int)
        Of the maps that come, and of the level's latents.
    width_in, hidden, channels : int
        Channels of the maps that come, of the cells, and of the latents.
    parts, dim : int
        Parameters of a latent, and the entries that each takes.
    """

    def __init__(
        self, grid: Size, size: Size, *, width_in: int, hidden: int, channels: int, parts: int, dim: int
    ) -> None:
        super().__init__()
        self.grid, self.size, self.parts, self.dim = grid, size, parts, dim
        self.first, self.cell = nn.Conv2d(width_in, hidden, 3, padding=1), ResidualBlock(hidden)
        self.out = nn.Conv2d(hidden, parts * channels, 1)

    def forward(self, states: Tensor) -> Tensor:
        """Map (1, n, width_in * grid) to (1, n, parts * dim)."""
        maps = pooled(states[0].unflatten(1, (-1, *self.grid)), self.size)
        h = self.out(F.silu(self.cell(self.first(maps))))
        h = h.unflatten(1, (self.parts, -1)).flatten(2)
        return F.pad(h, (0, self.dim - h.shape[2])).flatten(1).unsqueeze(0)


class LatentsToState(nn.Module):
    """Update of a state on the grid from a level's latents.

    Parameters
    ----------
    grid, size : (int, int)
        Of the state, and of the level's latents.
    width, channels : int
        Channels of the state and of the latents.
    """

    def __init__(self, grid: Size, size: Size, width: int, channels: int) -> None:
        super().__init__()
        self.grid, self.size, self.width, self.channels = grid, size, width, channels
        self.first, self.cell = nn.Conv2d(width + channels, width, 3, padding=1), ResidualBlock(width)
        self.out = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, both: Tensor) -> Tensor:
        """Map (1, n, width * grid + dim) to (1, n, width * grid)."""
        n_state = self.width * self.grid[0] * self.grid[1]
        n_latent = self.channels * self.size[0] * self.size[1]
        state = both[0, :, :n_state].unflatten(1, (self.width, *self.grid))
        latents = both[0, :, n_state : n_state + n_latent].unflatten(1, (self.channels, *self.size))
        fine = latents if self.size == self.grid else F.interpolate(latents, self.grid, mode="nearest")
        h = self.cell(self.first(torch.cat([state, fine], 1)))
        change: Tensor = self.out(F.silu(h))
        return change.flatten(1).unsqueeze(0)


class MapFlow(nn.Module):
    """An affine coupling flow over a level's latents, conditioned on features (Dinh et al. 2017, arXiv 1605.08803).

    Places of even and of odd parity take turns: one half is moved by what the other half and the features say.

    Parameters
    ----------
    grid, size : (int, int)
        Of the features, and of the latents.
    width, channels : int
        Channels of the features and of the latents.
    dim : int
        Entries that the latents take, the unused ones 0.
    """

    parity: Tensor

    def __init__(self, grid: Size, size: Size, width: int, channels: int, dim: int) -> None:
        super().__init__()
        self.grid, self.size, self.channels, self.dim = grid, size, channels, dim
        hidden = max(width // 2, 8)
        self.first = nn.ModuleList(nn.Conv2d(channels + width, hidden, 3, padding=1) for _ in range(2))
        last = [nn.Conv2d(hidden, 2 * channels, 3, padding=1) for _ in range(2)]
        for parameter in (p for own in last for p in own.parameters()):
            nn.init.zeros_(parameter)
        self.last = nn.ModuleList(last)
        places = torch.arange(size[0]).view(-1, 1) + torch.arange(size[1]) + torch.arange(channels).view(-1, 1, 1)
        self.register_buffer("parity", (places % 2).float(), persistent=False)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return moved latents (1, n, dim) and the logarithm (1, n) of the volume."""
        used = self.channels * self.size[0] * self.size[1]
        maps = z[0, :, :used].unflatten(1, (self.channels, *self.size))
        features = pooled(context[0].unflatten(1, (-1, *self.grid)), self.size)
        total = z.new_zeros(z.shape[1])
        for first, last, seen in zip(self.first, self.last, (self.parity, 1.0 - self.parity), strict=True):
            h = last(F.silu(first(torch.cat([maps * seen, features], 1))))
            shift, log_scale = h.chunk(2, 1)
            log_scale = torch.tanh(log_scale) * (1.0 - seen)
            maps = maps * log_scale.exp() + shift * (1.0 - seen)
            total = total + log_scale.sum((1, 2, 3))
        return F.pad(maps.flatten(1), (0, self.dim - used)).unsqueeze(0), total.unsqueeze(0)


def level_networks(
    grid: Size, index: int, count: int, width: int, channels: int, dim: int, n_flows: int
) -> LevelNetworks:
    """Return the networks of level ``index`` of ``count``, whose latents have ``channels`` at each place."""
    size = level_size(grid, index, count)
    options = {"hidden": width, "channels": channels, "parts": 2, "dim": dim}
    prior = MapToLatents(grid, size, width_in=width, **options)
    residual = MapToLatents(grid, size, width_in=2 * width, **options)
    flows = [MapFlow(grid, size, width, channels, dim) for _ in range(n_flows)]
    return LevelNetworks(prior, residual, flows, LatentsToState(grid, size, width, channels))
