"""Interface of decoders: a density p(row | z) to sample from, with or without observed cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Generator, Tensor, nn

from gensynth.model import Batch, Observed


@dataclass(frozen=True)
class ImputedRows:
    """Rows whose unobserved cells were sampled from weighted candidates.

    Parameters
    ----------
    rows : Batch
        n rows.
    log_evidence : Tensor of shape (n,)
        Logarithm of an unbiased estimate of the probability of each row's observed cells.
    effective : Tensor of shape (n,)
        Effective number of each row's candidates, >= 0 (at most their number).
    """

    rows: Batch
    log_evidence: Tensor
    effective: Tensor


class Decoder(nn.Module, ABC):
    """A decoder p(row | z): a density over rows to sample from, with or without observed cells."""

    candidates: ClassVar[int]
    """Latents that a row with observed cells takes at a time; see `gensynth.nn.tabular.imputation`."""

    most_candidates: ClassVar[int]
    """Latents that it takes in all before it is content with what it has."""

    @abstractmethod
    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-density of each cell, in encoded units."""

    @abstractmethod
    def draw(self, z: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent."""

    @abstractmethod
    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:
        """Adjust the biases so that codes sampled at these latents have their frequencies in the rows."""

    @abstractmethod
    def fill(self, observed: Observed, z: Tensor, log_weight: Tensor, rng: Generator) -> ImputedRows:
        """Sample the unobserved cells, from c candidates for each row.

        Parameters
        ----------
        observed : Observed
            n rows.
        z : Tensor of shape (n * c, dim)
            Latents, those of one row side by side.
        log_weight : Tensor of shape (n * c,)
            Log of the prior density of each latent over that of what it was drawn from.
        rng : Generator
            Source of randomness.
        """
