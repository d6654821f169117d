"""Row weights: `sample_weight` as repetitions of training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import _check_sample_weight
from torch import Generator, Tensor

from gensynth.errors import DataError
from gensynth.training.cache import WINDOW

Weights = NDArray[np.int64] | NDArray[np.float64]

MAX_REPEATS = 1_000
"""Mean up to which integer weights are counts of repeated rows; above it (survey weights) they are relative."""
_ROUNDING = 1e-6


def read_weights(sample_weight: Any, n: int) -> NDArray[np.float64]:
    """Return (n,) weights as given; a single number applies to every row.

    Raises
    ------
    DataError
        Not one number for each row; a negative, missing or infinite one; or nothing but zeros.
    """
    try:
        given = _check_sample_weight(sample_weight, np.empty((n, 0)), dtype=np.float64, ensure_non_negative=True)
    except (TypeError, ValueError) as error:
        raise DataError(f"sample_weight cannot be used: {error}") from error
    return np.asarray(given)


def check_weights(sample_weight: Any, n: int) -> Weights | None:
    """Return (n,) weights in units of rows, or None where every row counts once.

    Whole numbers count repeated rows: int64. Others, and whole numbers that come to more than `MAX_REPEATS` times the
    rows, are relative: float64, scaled so that the mean over the rows of positive weight is 1.

    Raises
    ------
    DataError
        As `read_weights`.
    """
    if sample_weight is None:
        return None
    given = read_weights(sample_weight, n)
    positive = given > 0
    whole = bool((given == np.rint(given)).all()) and given.sum() <= MAX_REPEATS * positive.sum()
    if not whole:
        given = positive.astype(np.float64) if np.ptp(given[positive]) == 0 else given / given[positive].mean()
    if (given == 1).all():
        return None
    return given.astype(np.int64) if whole else given


@dataclass(frozen=True)
class Parts:
    """Rows divided into parts of weight 1 at most, the units of a split into training and held-out rows.

    A row of weight 3 is three parts, as if it were there three times; one of weight 2.4 three parts of 0.8.

    Parameters
    ----------
    rows : ndarray of shape (n_parts,), int64
        The row of each part, ascending.
    weights : ndarray of shape (n_parts,), float64, or None
        Weight of each part, in (0, 1]; None: 1 each.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64] | None

    @classmethod
    def of(cls, weights: Weights | None, n: int) -> Self:
        """Cut ``n`` rows; None: each row is one part."""
        if weights is None:
            return cls(np.arange(n), None)
        if weights.dtype.kind == "i":
            return cls(np.repeat(np.arange(n), weights.astype(np.int64)), None)
        pieces = np.maximum(np.ceil(weights - _ROUNDING), 1.0)  # independent of rounding in scaled weights
        rows = np.repeat(np.arange(n), pieces.astype(np.int64))
        return cls(rows, (weights / pieces)[rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: NDArray[np.int64]) -> Parts:
        return Parts(self.rows[which], None if self.weights is None else self.weights[which])

    @property
    def n_rows(self) -> int:
        """Total weight in rows, at least 1."""
        return len(self) if self.weights is None else max(round(float(self.weights.sum())), 1)

    def row_weights(self, n: int) -> Weights:
        """Return the weight (n,) of each row."""
        counts: Weights = np.bincount(self.rows, weights=self.weights, minlength=n)
        return counts

    def draw(self, start: float = 0.5) -> NDArray[np.int64]:
        """Sample `n_rows` rows, each as often as its weight says, rounded up or down (systematic sampling).

        ``start`` in [0, 1) says which are rounded up.
        """
        if self.weights is None:
            return self.rows
        n, ends = self.n_rows, np.cumsum(self.weights)
        points = (np.arange(n) + start) * (ends[-1] / n)
        return np.asarray(self.rows[np.minimum(np.searchsorted(ends, points, side="right"), len(self) - 1)])


class TrainingRows:
    """The rows of an epoch, sampled anew for each epoch if they are weighted.

    Parameters
    ----------
    parts : Parts
        What is to be learned from.
    device : torch.device
        Where indices are wanted.
    block_rows, max_drawn : int or None
        Rows that are read at a time, and that are drawn at once at most, where the table is not in memory.
    """

    def __init__(
        self, parts: Parts, device: torch.device, block_rows: int | None = None, max_drawn: int | None = None
    ) -> None:
        self.parts = parts
        self.device = device
        self.block_rows, self.max_drawn = block_rows, max_drawn
        self.fixed = torch.as_tensor(parts.rows).to(device) if parts.weights is None else None

    def __len__(self) -> int:
        return self.parts.n_rows

    def draw(self, rng: Generator, max_rows: int | None = None) -> Tensor:
        """Return row indices: all in ascending order, or a random part of them where there are more than ``max_rows``.

        ``rng`` lies on the device; for all rows it is used for weights only.
        """
        if self.max_drawn is not None:
            max_rows = min(max_rows or self.max_drawn, self.max_drawn)
        if max_rows is not None and len(self) > max_rows:
            return self._permuted(self.draw_all(rng), rng)[:max_rows]
        return self.draw_all(rng)

    def draw_all(self, rng: Generator) -> Tensor:
        """Return the indices of all rows in ascending order; ``rng`` is used for weights only."""
        if self.fixed is not None:
            return self.fixed
        start = float(torch.rand((), generator=rng, device=self.device))
        return torch.as_tensor(self.parts.draw(start)).to(self.device)

    def shuffle(self, rng: Generator) -> Tensor:
        """Return row indices in random order; for a table outside memory in groups of blocks."""
        rows = self.draw_all(rng)
        if self.block_rows is None or int(rows[-1]) < WINDOW * self.block_rows:
            return self._permuted(rows, rng)
        ends = torch.arange(0, int(rows[-1]) + self.block_rows + 1, self.block_rows, device=self.device)
        bounds = torch.searchsorted(rows, ends).tolist()
        blocks = torch.randperm(len(bounds) - 1, generator=rng, device=self.device).tolist()
        out = []
        for first in range(0, len(blocks), WINDOW):
            window = [rows[bounds[block] : bounds[block + 1]] for block in blocks[first : first + WINDOW]]
            out.append(self._permuted(torch.cat(window), rng))
        return torch.cat(out)

    def _permuted(self, rows: Tensor, rng: Generator) -> Tensor:
        return rows[torch.randperm(len(rows), generator=rng, device=self.device)]
