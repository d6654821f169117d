"""Interface of decoders: a density p(row | z) that can be sampled, with observed cells or without."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.model import Batch, Condition, Layout


@dataclass(frozen=True)
class Given:
    """Cells that are given, row by row.

    Parameters
    ----------
    rows : Batch
        n rows; cells that are not given may hold anything.
    mask : Tensor of shape (n, k), bool
        Which cells are given.
    complete : bool
        Whether a cell that is not given must not come out as missing.
    """

    rows: Batch
    mask: Tensor
    complete: bool = False

    @classmethod
    def of(cls, condition: Condition) -> Given:
        """Return the cells of a condition: the same columns in every row."""
        mask = torch.zeros_like(condition.rows.codes, dtype=torch.bool)
        mask[:, list(condition.columns)] = True
        return cls(condition.rows, mask)

    def __len__(self) -> int:
        return len(self.rows)

    def pick(self, rows: Tensor) -> Given:
        """Return these rows (an index tensor)."""
        return Given(self.rows[rows], self.mask.index_select(0, rows), self.complete)

    def put_into(self, drawn: Batch, layout: Layout) -> Batch:
        """Return drawn rows with the given cells in their places, exactly."""
        numbered = [(i, c.numeric) for i, c in enumerate(layout.columns) if c.numeric is not None]
        numeric = drawn.numeric
        if numbered:
            columns = torch.tensor([i for i, _ in numbered], device=self.mask.device)
            slots = torch.tensor([slot for _, slot in numbered], device=self.mask.device)
            mask = torch.zeros_like(drawn.numeric, dtype=torch.bool)
            mask[:, slots] = self.mask.index_select(1, columns)
            numeric = torch.where(mask, self.rows.numeric, drawn.numeric)
        return Batch(numeric, torch.where(self.mask, self.rows.codes, drawn.codes))


@dataclass(frozen=True)
class Filled:
    """Rows whose free cells were drawn among weighted candidates.

    Parameters
    ----------
    rows : Batch
        n rows.
    log_evidence : Tensor of shape (n,)
        Logarithm of an unbiased estimate of the probability of each row's given cells.
    effective : Tensor of shape (n,)
        Effective number of each row's candidates, >= 0 (at most their number).
    """

    rows: Batch
    log_evidence: Tensor
    effective: Tensor


class Decoder(nn.Module, ABC):
    """p(row | z): a density over rows that can be drawn from, with cells given or not."""

    candidates: ClassVar[int]
    """Latents that a row with given cells takes at a time; see `gensynth.nn.tabular.imputation`."""

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
        """Change the biases so that every code is drawn, from these latents, as often as it stands in the rows."""

    @abstractmethod
    def fill(self, given: Given, z: Tensor, log_weight: Tensor, rng: Generator) -> Filled:
        """Draw the cells that are not given, from c candidates a row.

        Parameters
        ----------
        given : Given
            n rows.
        z : Tensor of shape (n * c, dim)
            Latents, those of one row side by side.
        log_weight : Tensor of shape (n * c,)
            Log of the prior density of each latent over that of what it was drawn from.
        rng : Generator
            Source of randomness.
        """

    def sample(self, n: int, z: Tensor, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw n rows from latents of the prior; with a condition there are several a row, and one is taken."""
        if condition is None:
            return self.draw(z, rng)
        if len(z) % max(n, 1):
            raise ValueError(f"{len(z)} latents cannot be candidates of {n} rows: their number is no multiple of {n}")
        return self.fill(Given.of(condition), z, z.new_zeros(len(z)), rng).rows
