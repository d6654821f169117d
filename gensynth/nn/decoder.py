"""What a variational family asks of p(row | z)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Generator, Tensor, nn

from gensynth.model import Batch, Condition


class Decoder(nn.Module, ABC):
    """p(row | z): a density over rows that can be drawn from, with cells given or not."""

    candidates: ClassVar[int]
    """Latents that `sample` takes for a row with given cells: it draws among them by the probability of those."""

    @abstractmethod
    def log_likelihood(self, batch: Batch, z: Tensor) -> Tensor:
        """Return (n, k): log-density of each cell, in encoded units."""

    @abstractmethod
    def sample(self, n: int, z: Tensor, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw n rows; ``z`` has n rows, or n * `candidates` with a condition, whose cells come back as given."""
