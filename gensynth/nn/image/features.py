"""Two-sample statistic of images: Frechet distance of random convolutional features."""

from __future__ import annotations

import itertools
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.layout import ImageLayout
from gensynth.nn.image.convolutions import pooled

N_FEATURES = 64
"""Number of projections for the distance."""
PLACES = (4, 4)
"""Height and width of the last map, whose entries are the features."""
BLOCK = 512
"""Images whose features are computed at a time."""


class RandomFeatures(nn.Module):
    """Random convolutional features of images, with fixed weights.

    Saxe et al. 2011, "On Random Weights and Unsupervised Feature Learning": what random convolutions respond to is
    selective for frequencies and places without any learning.

    Parameters
    ----------
    image : ImageLayout
        Shape of the images.
    seed : int
        Of the weights.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, image: ImageLayout, seed: int = 0) -> None:
        super().__init__()
        rng = Generator().manual_seed(seed)
        width = (image.channels, 32, 64)
        self.filters = [
            torch.randn(b, a, 3, 3, generator=rng) * (2.0 / (9 * a)) ** 0.5 for a, b in itertools.pairwise(width)
        ]
        n_raw = width[-1] * PLACES[0] * PLACES[1]
        # kept with the weights: a resumed training uses the same directions
        self.register_buffer("mean", torch.zeros(n_raw))
        self.register_buffer("basis", torch.zeros(n_raw, N_FEATURES))

    @torch.no_grad()
    def fit(self, pixels: Tensor, n_directions: int = N_FEATURES) -> None:
        """Find the directions in which the features of training images vary most; entries beyond so many are 0."""
        raw = self._raw(pixels)
        self.mean.copy_(raw.mean(0))
        _, values, vectors = torch.linalg.svd((raw - self.mean) / len(raw) ** 0.5, full_matrices=False)
        found = vectors[: min(n_directions, N_FEATURES)].t() / values.square().sum().sqrt().clamp(min=1e-6)
        self.basis.copy_(F.pad(found, (0, N_FEATURES - found.shape[1])))

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """Return features (n, 64) of images (n, c, h, w) in [0, 1]; their variances add up to 1 at most."""
        return (self._raw(pixels) - self.mean) @ self.basis

    def _raw(self, pixels: Tensor) -> Tensor:
        return torch.cat([self._convolved(part) for part in pixels.split(BLOCK)])

    def _convolved(self, pixels: Tensor) -> Tensor:
        maps = 2.0 * pixels - 1.0
        for own in self.filters:
            maps = F.relu(F.conv2d(maps, own.to(maps), padding=1))
            if min(maps.shape[-2:]) > 4:
                maps = F.avg_pool2d(maps, 2)
        return pooled(maps, PLACES).flatten(1)


def frechet_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of two samples of features (n, d) and (m, d).

    Frechet 1957; of features of images Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule",
    arXiv:1706.08500, equation 6.
    """
    a, b = a.cpu().double(), b.cpu().double()
    left, right = torch.cov(a.t()), torch.cov(b.t())
    values, vectors = torch.linalg.eigh(left)
    root = vectors * values.clamp(min=0.0).sqrt() @ vectors.t()
    cross = torch.linalg.eigvalsh(root @ right @ root).clamp(min=0.0).sqrt().sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + left.trace() + right.trace() - 2.0 * cross
    return cast("Tensor", distance.clamp(min=0.0).float())
