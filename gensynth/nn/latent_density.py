"""Priors over latents and over codes, for every ensemble member: interfaces, and N(0, I)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Generator, Tensor, nn

from gensynth.errors import CapabilityError
from gensynth.nn.ensemble import standard_normal
from gensynth.nn.priors import LOG_2PI

SCORES_ONLY = "an anomaly detector scores rows; to draw rows, fit a Synthesizer with the same model"


class LatentDensity(ABC):
    """Density of latents, for every member."""

    @abstractmethod
    def log_density(self, z: Tensor) -> Tensor:
        """Return (members, n) log-densities of latents (members, n, dim)."""

    def sample(self, n: int, rng: Generator) -> Tensor:  # noqa: ARG002
        """Draw latents (1, n, dim)."""
        raise CapabilityError(SCORES_ONLY)


class LatentPrior(nn.Module, ABC):
    """A learned prior over the latents of every member, conditional on columns that are sampled first."""

    @abstractmethod
    def given(self, inputs: Any) -> LatentDensity:
        """Return the prior given the columns of rows (from `Networks.inputs`)."""

    def start(self, draw: Callable[[], Tensor], rng: Generator) -> None:
        """Initialise from latents (1, n, dim), which ``draw`` returns; see `Prior.start`."""


class NormalLatents(LatentDensity):
    """N(0, I) over the latents of every member.

    Parameters
    ----------
    mask : Tensor of shape (members, 1, dim)
        1 for a member's own latents, 0 beyond.
    """

    def __init__(self, mask: Tensor) -> None:
        self._mask = mask

    def log_density(self, z: Tensor) -> Tensor:
        """Return (members, n) log-densities of latents (members, n, dim)."""
        return -0.5 * ((z.square() + LOG_2PI) * self._mask).sum(-1)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Draw latents (1, n, dim)."""
        return standard_normal((1, n, self._mask.shape[-1]), self._mask, rng)


class CodePrior(nn.Module, ABC):
    """Autoregressive prior p(codes) = prod_g p(code_g | entries before), conditional on columns sampled first."""

    @abstractmethod
    def forward(self, entries: Tensor, inputs: Any) -> Tensor:
        """Return logits (members, n, groups, n_codes) from entries (members, n, groups * dim) side by side.

        ``inputs`` are the rows, as `Networks.inputs` returns them.
        """

    def sample(self, books: Tensor, n: int, rng: Generator, inputs: Any = None) -> Tensor:  # noqa: ARG002
        """Draw codes; return their entries (1, n, groups * dim) side by side, of ``books`` (groups, n_codes, dim)."""
        raise CapabilityError(SCORES_ONLY)
