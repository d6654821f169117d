"""Convolutional networks between images and small feature maps, for images of any size."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

COARSEST = 4
"""Sides are halved while the shorter one stays at least this long."""
GROUPS = 8
"""Groups of channels that a map is normalised in."""

Size = tuple[int, int]
"""Height and width."""


def halvings(height: int, width: int) -> list[Size]:
    """Return the sizes of an image's maps, from the image's own to the coarsest, each half of the one before."""
    sizes = [(height, width)]
    while min(sizes[-1]) >= 2 * COARSEST - 1:
        h, w = sizes[-1]
        sizes.append(((h + 1) // 2, (w + 1) // 2))
    return sizes


def channels_of(sizes: list[Size], base: int, most: int = 256) -> list[int]:
    """Return the channels of each map: ``base`` at the finest, doubled with each halving."""
    return [min(base * 2**i, most) for i in range(len(sizes))]


def normalised(channels: int) -> nn.GroupNorm:
    """Return group normalisation of a map (Wu & He 2018, arXiv 1803.08494), independent of other images."""
    return nn.GroupNorm(next(g for g in range(min(GROUPS, channels), 0, -1) if channels % g == 0), channels)


class Upsample(nn.Module):
    """A transposed convolution (kernel 4, stride 2) to a map of twice the size, cut to the size that is wanted.

    Parameters
    ----------
    channels_in, channels_out : int
        Of the maps.
    size : (int, int)
        Height and width of the output, at most twice those of the input.
    """

    def __init__(self, channels_in: int, channels_out: int, size: Size) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1)
        self.size = size

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, channels_out, *size)."""
        out: Tensor = self.convolution(maps)
        return out[..., : self.size[0], : self.size[1]]


class ResidualBlock(nn.Module):
    """Pre-activation residual block of two convolutions (He et al. 2016, arXiv 1603.05027).

    Parameters
    ----------
    channels : int
        Of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.before, self.between = normalised(channels), normalised(channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (n, channels, h, w)."""
        h = self.first(F.silu(self.before(maps)))
        out: Tensor = maps + self.second(F.silu(self.between(h)))
        return out


class ConvEncoder(nn.Module):
    """Convolutional encoder from images to their coarsest map.

    Parameters
    ----------
    image_channels : int
        Of the images.
    sizes : list of (int, int)
        Of `halvings`, or the first of them.
    base : int
        Channels of the finest map.
    """

    def __init__(self, image_channels: int, sizes: list[Size], base: int) -> None:
        super().__init__()
        channels = channels_of(sizes, base)
        layers: list[nn.Module] = [nn.Conv2d(image_channels, channels[0], 3, padding=1)]
        for a, b in itertools.pairwise(channels):
            layers += [nn.SiLU(), nn.Conv2d(a, b, 3, stride=2, padding=1), normalised(b)]
        self.network = nn.Sequential(*layers, ResidualBlock(channels[-1]))
        self.channels, self.size = channels[-1], sizes[-1]

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (n, channels, *size) of images (n, c, h, w) in [0, 1]."""
        out: Tensor = self.network(2.0 * pixels - 1.0)
        return F.silu(out)


class ConvDecoder(nn.Module):
    """Convolutional decoder from coarsest maps to features of every pixel.

    Parameters
    ----------
    sizes : list of (int, int)
        Of `halvings`, or the first of them.
    base : int
        Channels of the features.
    """

    def __init__(self, sizes: list[Size], base: int) -> None:
        super().__init__()
        channels = channels_of(sizes, base)
        self.channels, self.size = channels[-1], sizes[-1]
        layers: list[nn.Module] = [ResidualBlock(self.channels)]
        steps = zip(channels[:0:-1], channels[-2::-1], sizes[-2::-1], strict=True)
        for a, b, size in steps:
            layers += [normalised(a), nn.SiLU(), Upsample(a, b, size)]
        self.network = nn.Sequential(*layers, nn.SiLU())

    def forward(self, maps: Tensor) -> Tensor:
        """Return (n, base, h, w) of maps (n, channels, *size)."""
        out: Tensor = self.network(maps)
        return out


def flat_map(channels: int, size: Size, width_in: int) -> nn.Sequential:
    """Return a linear map from vectors (n, width_in) to maps (n, channels, *size)."""
    return nn.Sequential(nn.Linear(width_in, channels * size[0] * size[1]), nn.Unflatten(1, (channels, *size)))


def pooled(maps: Tensor, size: Size) -> Tensor:
    """Return maps resized by averaging or repetition."""
    if maps.shape[-2:] == torch.Size(size):
        return maps
    if maps.shape[-2] >= size[0] and maps.shape[-1] >= size[1]:
        return F.adaptive_avg_pool2d(maps, size)
    return F.interpolate(maps, size, mode="nearest")
