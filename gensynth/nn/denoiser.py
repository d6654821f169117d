"""A denoising autoencoder over noise levels, with one member for each of a scoring ensemble."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from gensynth.nn.ensemble import EnsembleMLP, standard_normal

LEVELS = (0.1, 1.0)
"""Least and greatest standard deviation of the noise in training, in the scaling of a member."""
SCORED_AT = (0.6, 0.8)
"""Noise levels for scoring: lower ones react to a column's own noise, the highest only to distance from the data."""


class Denoiser(nn.Module):
    """Denoiser: from a row with noise of a known level to the clean row, without a bottleneck.

    Trained as in Vincent et al. 2010 ("Stacked denoising autoencoders") over log-uniform levels, with the
    preconditioning of Karras et al. 2022 (arXiv 2206.00364, table 1) for data of unit variance.

    Parameters
    ----------
    members : int
        Networks of the ensemble.
    width : int
        Width of a row as a network reads it.
    hidden : int
        Hidden width.
    """

    def __init__(self, members: int, width: int, hidden: int) -> None:
        super().__init__()
        self.network = EnsembleMLP(members, (width + 1, hidden, hidden, width))

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """Return the denoised rows (members, n, width); ``level`` is (members, n, 1) or broadcasts to it."""
        norm = (1.0 + level.square()).sqrt()
        told = (level.log() / 3.0).expand(*x.shape[:2], 1)
        out: Tensor = self.network(torch.cat([x / norm, told], -1)) * (level / norm)
        return out + x / norm.square()

    def losses(self, x: Tensor, rng: Generator) -> Tensor:
        """Return (members, n): squared residual in units of the noise, at one level a row."""
        low, high = (math.log(level) for level in LEVELS)
        share = torch.rand((*x.shape[:2], 1), generator=rng, device=x.device, dtype=x.dtype)
        level = (low + (high - low) * share).exp()
        noisy = x + level * standard_normal(x.shape, x, rng)
        residual: Tensor = (self(noisy, level) - x) / level
        return residual.square().sum(-1)

    def residuals(self, x: Tensor) -> Tensor:
        """Return (members, n, width): squared residuals of the clean row as input, in units of the noise.

        A row where data is dense stays where it is; one that is not is pulled to where data is.
        """
        terms = []
        for at in SCORED_AT:
            level = torch.full((1, 1, 1), at, dtype=x.dtype, device=x.device)
            terms.append(((self(x, level) - x) / level).square())
        return torch.stack(terms).mean(0)
