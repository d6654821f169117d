"""Local autoregressive density of pixels, given preceding neighbours and features of the latent."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.batch import Batch
from gensynth.nn.image.convolutions import ConvDecoder
from gensynth.nn.image.decoder import CoarsestMaps, Pixels
from gensynth.nn.image.likelihood import LogisticMixture
from gensynth.nn.loops import repeat

REACH = 2
"""Pixels to each side, and rows above, that a pixel sees."""


class LocalPixels(Pixels):
    """p(pixels | z) = prod_i p(pixel_i | a few pixels above and to the left of it, z).

    The neighbourhood is small on purpose (Chen et al. 2017, arXiv 1611.02731, section 2.2): texture is what it can
    tell, and all that reaches farther has to pass through the latent. Masked convolutions: van den Oord et al. 2016,
    "Pixel recurrent neural networks", arXiv 1601.06759. The channels of a pixel are independent given its
    neighbourhood.

    Parameters
    ----------
    start, maps, likelihood
        As of `Pixels`.
    base : int
        Channels of the features.
    hidden : int
        Width of the hidden layers of a pixel.
    """

    mask: Tensor

    def __init__(
        self, start: CoarsestMaps, maps: ConvDecoder, base: int, hidden: int, likelihood: LogisticMixture
    ) -> None:
        super().__init__(start, maps, likelihood)
        channels, side = likelihood.image.channels, 2 * REACH + 1
        self.near = nn.Parameter(torch.randn(hidden, channels, REACH + 1, side) * (channels * side * REACH) ** -0.5)
        mask = torch.ones(1, 1, REACH + 1, side)
        mask[..., REACH, REACH:] = 0.0  # neither the pixel itself nor what comes after it
        self.register_buffer("mask", mask, persistent=False)
        self.features = nn.Conv2d(base, hidden, 3, padding=1)
        self.middle = nn.Conv2d(hidden, hidden, 1)
        self.out = likelihood.layer(hidden, 1)

    def _context_features(self, rows: Batch, z: Tensor) -> Tensor:
        """Return context features (n, hidden, h, w) of every pixel from latent and columns."""
        context: Tensor = self.features(self.maps(self.start(z, rows)))
        return context

    def _pixel_parameters(self, near: Tensor, context: Tensor) -> Tensor:
        """Return parameters (n, p, h, w) from features of neighbours and latent (n, hidden, h, w)."""
        h = F.silu(near + context)
        parameters: Tensor = self.out(h + F.silu(self.middle(h)))
        return parameters

    def log_probability(self, rows: Batch, z: Tensor) -> Tensor:
        """Return (n, h * w) log-probabilities of the pixels."""
        around = F.pad(2.0 * rows.images - 1.0, (REACH, REACH, REACH, 0), value=-1.0)
        near = F.conv2d(around, self.near * self.mask)
        return self.likelihood.log_probability(
            self._pixel_parameters(near, self._context_features(rows, z)), rows.images
        ).flatten(1)

    def draw(self, rows: Batch, z: Tensor, rng: Generator) -> Tensor:
        """Sample the pixels of each image (n, c, h, w) in raster order."""
        context = self._context_features(rows, z)
        n, _, height, width = context.shape
        channels, wide = self.likelihood.image.channels, width + 2 * REACH
        uniform = torch.rand(n, height * width, channels, 2, generator=rng, device=context.device, dtype=context.dtype)
        # a row for each pixel: (height * width, n, ...)
        context, uniform = context.flatten(2).movedim(2, 0).contiguous(), uniform.movedim(1, 0).contiguous()
        weight = (self.near * self.mask).flatten(1)
        # indices of each pixel's window, and of the pixel, in the padded image
        corner = (torch.arange(height).unsqueeze(1) * wide + torch.arange(width)).flatten().to(context.device)
        window = (
            (torch.arange(REACH + 1).unsqueeze(1) * wide + torch.arange(2 * REACH + 1)).flatten().to(context.device)
        )
        pixel = corner + REACH * wide + REACH

        def step(at: Tensor, around: Tensor) -> Tensor:
            places = window + corner.index_select(0, at)
            own = (around.index_select(2, places).flatten(1) @ weight.t()).view(n, -1, 1, 1)
            parameters = self._pixel_parameters(own, context.index_select(0, at)[0, :, :, None, None]).flatten(1)
            drawn = self.likelihood.sample(parameters, uniform.index_select(0, at).squeeze(0))
            return around.index_copy_(2, pixel.index_select(0, at), (2.0 * drawn - 1.0).unsqueeze(2))

        first = context.new_full((n, channels, (height + REACH) * wide), -1.0)
        around: Tensor = repeat(step, first, height * width).unflatten(2, (height + REACH, wide))
        return 0.5 + 0.5 * around[:, :, REACH:, REACH : REACH + width]
