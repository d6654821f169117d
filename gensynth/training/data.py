"""Encoded rows of a run in memory, split into training and held-out rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from gensynth.model import Batch
from gensynth.training.cache import MAX_DRAWN_VALUES, CachedRows
from gensynth.training.schedule import MAX_VALIDATION, holds_out, split_rows
from gensynth.training.weights import Parts, TrainingRows


@dataclass(frozen=True)
class TrainingData:
    """Encoded rows on the device, split into training and held-out rows.

    Parameters
    ----------
    table : Batch or CachedRows
        All rows.
    train_rows : TrainingRows
        Which of them are learned from.
    validation : tuple of Batch
        The rows that monitors are evaluated on, in chunks that fit the memory: the training rows where none are held
        out.
    held_out : Parts
        Those of them that are not learned from.
    """

    table: Batch | CachedRows
    train_rows: TrainingRows
    validation: tuple[Batch, ...]
    held_out: Parts

    @property
    def n_validation(self) -> int:
        """Number of rows that monitors are evaluated on."""
        return sum(len(chunk) for chunk in self.validation)

    @classmethod
    def split(cls, table: Batch | CachedRows, parts: Parts, fraction: float, seed: int, n_slots: int) -> Self:
        """Split rows at random.

        Parameters
        ----------
        table : Batch or CachedRows
            All rows; batches come on the device.
        parts : Parts
            How often each counts.
        fraction : float
            Of the parts in [0, 1) that is held out.
        seed : int
            Of the split.
        n_slots : int
            Codes of all columns, and what stands for an image: wide rows are evaluated in smaller chunks.
        """
        most = _most_validated(table)
        learned, watched = (parts[some.numpy()] for some in split_rows(len(parts), fraction, seed, most))
        held_out = watched if holds_out(len(parts), fraction) else parts[np.zeros(0, dtype=np.int64)]
        device = table.device
        rows = table[torch.as_tensor(watched.draw()).to(device)]
        chunk = min(max(2**25 // max(n_slots, 1), 256), 4096)
        n, n_chunks = len(rows), math.ceil(len(rows) / chunk)
        chunks = tuple(rows[slice(n * i // n_chunks, n * (i + 1) // n_chunks)] for i in range(n_chunks))
        bounds = (table.block_rows, table.max_drawn) if isinstance(table, CachedRows) else ()
        train_rows = TrainingRows(learned, device, *bounds)
        return cls(table, train_rows, chunks, held_out)


def _most_validated(table: Batch | CachedRows) -> int:
    """Return the maximal number of rows for monitors: fewer for large images."""
    if isinstance(table, CachedRows):
        values = 0 if table.image is None else table.image.n_values
    else:
        values = 0 if table.pixels is None else table.pixels[:1].numel()
    return MAX_VALIDATION if not values else min(MAX_VALIDATION, max(MAX_DRAWN_VALUES // values, 1_000))
