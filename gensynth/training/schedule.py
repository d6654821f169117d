"""Sizes of a run (batches, held-out rows, rounds, budgets) from the table and the options."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gensynth.nn import ranks

MAX_VALIDATION = 20_000
"""Maximal number of validation rows: a mean needs no more."""

MIN_ROWS_TO_SPLIT = 20
MIN_ROUND, MAX_ROUND = 50, 2000
"""Bounds on the steps between evaluations: not too few for small tables, several per epoch for large ones."""

FEW_STEPS = 250
"""Steps that a run of few passes is to make."""

STOPPED = 0.9
"""Fraction of the time limit after which a run counts as stopped by the limit."""

TAIL = 1 / 3
"""Final fraction of the budget over which the learning rate decays to `FLOOR` along a cosine."""
FLOOR = 0.02


def auto_batch_size(n_rows: int, n_slots: int, epochs: int | None = None) -> int:
    """Return a power of two near 1.5 sqrt(rows), 32 to 1024; less for wide rows (``n_slots`` code slots).

    Where only ``epochs`` passes are allowed it is less again, down to 4, so that they make `FEW_STEPS` steps: after
    the 27 steps that three passes over 300 rows would make, no model has learned what ties two columns.
    """
    size = 2 ** round(math.log2(1.5 * math.sqrt(max(n_rows, 1))))
    wide = 2 ** int(math.log2(max(2**24 // max(n_slots, 1), 1)))
    size = min(max(size, 32), 1024, max(wide, 32))
    if epochs is not None:
        size = min(size, max(2 ** int(math.log2(max(n_rows * epochs // FEW_STEPS, 1))), 4))
    return int(size)


def auto_epochs(n_rows: int, steps_per_epoch: int, most: int = 20_000) -> int:
    """Return the epochs for ``most`` steps (for tiny tables 40 per row, at least 1,000); at least 10 epochs."""
    steps = min(most, max(1_000, 40 * n_rows))
    return max(10, math.ceil(steps / steps_per_epoch))


def holds_out(n_rows: int, fraction: float) -> bool:
    """Return whether this number of rows is split into training and held-out rows."""
    return fraction > 0 and n_rows >= MIN_ROWS_TO_SPLIT


def split_rows(n_rows: int, fraction: float, seed: int, most: int = MAX_VALIDATION) -> tuple[Tensor, Tensor]:
    """Return indices of training rows and of at most ``most`` held-out rows.

    Tables of fewer than `MIN_ROWS_TO_SPLIT` rows, and fraction 0, are not split: validation rows are then (some of)
    the training rows.
    """
    order = torch.randperm(n_rows, generator=torch.Generator().manual_seed(seed))
    if not holds_out(n_rows, fraction):
        return torch.arange(n_rows), order[:most].sort().values
    held = min(max(2, round(n_rows * fraction)), most)
    return order[held:].sort().values, order[:held].sort().values


@dataclass(frozen=True)
class Batching:
    """Even batches of about ``size`` rows over a permutation of ``n_rows``, each of at least ``least`` rows."""

    n_rows: int
    size: int
    least: int = 2

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        steps = math.ceil(self.n_rows / self.size)
        return steps if self.n_rows // steps >= min(self.least, self.size) else max(1, self.n_rows // self.least)

    @property
    def round_steps(self) -> int:
        """Batches between evaluations."""
        return min(max(self.steps, MIN_ROUND), MAX_ROUND)

    def bounds(self, step: int) -> tuple[int, int]:
        """Return the half-open part of the permutation that ``step`` (counted within the epoch) takes."""
        return self.n_rows * step // self.steps, self.n_rows * (step + 1) // self.steps


@dataclass
class Clock:
    """Elapsed seconds of a run, interrupted parts included, and its time limit (None: no limit)."""

    max_time: float | None
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds used so far."""
        return self.before + time.monotonic() - self.started

    def common(self) -> float:
        """Return the elapsed seconds of the first process if there is a limit, for common decisions.

        To be called in all processes, or in none.
        """
        return self.seconds if self.max_time is None else ranks.from_first(self.seconds)

    def is_over(self) -> bool:
        """Return whether nine tenths of the budget are used; must be called in all processes."""
        return self.max_time is not None and self.common() >= STOPPED * self.max_time


@dataclass(frozen=True)
class Budget:
    """Step and time limits of one stage."""

    max_steps: int
    begin: float
    seconds: float | None

    def used(self, step: int, now: float) -> float:
        """Return the used fraction, in [0, 1], of the limit that is reached first."""
        share = step / self.max_steps
        if self.seconds is not None:
            share = max(share, (now - self.begin) / self.seconds if self.seconds > 0 else 1.0)
        return min(share, 1.0)

    def late(self, now: float, reserve: float) -> bool:
        """Return whether the time is up, with ``reserve`` seconds still needed."""
        return self.seconds is not None and now + reserve >= self.begin + self.seconds


def tail_factor(used: float) -> float:
    """Return the learning rate factor when a fraction ``used`` of the budget is used."""
    if used <= 1 - TAIL:
        return 1.0
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * (used - 1 + TAIL) / TAIL))
