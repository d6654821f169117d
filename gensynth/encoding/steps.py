"""Steps of a column, in ticks: their unit, location and scale, and the values with codes of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gensynth.encoding.columns import Counts, weighted_counts
from gensynth.layout import FAR
from gensynth.schema.ticks import Ticks
from gensynth.schema.values import Bools

_ATOM_SHARE, _ATOM_ROWS = 0.01, 10
_ROWS_PER_ATOM = 5
_HUGE = 2.0**1000
Floats = NDArray[np.float64]


def choose_atoms(counts: Counts, max_atoms: int, *, mixed: bool = True) -> Bools:
    """Return which distinct values become codes of their own, from how often each occurs.

    Not ``mixed``: all or none.
    """
    n = int(counts.sum())
    if len(counts) <= max_atoms and (len(counts) <= 2 or len(counts) * _ROWS_PER_ATOM <= n):
        return np.ones(len(counts), dtype=bool)
    if not mixed:
        return np.zeros(len(counts), dtype=bool)
    atom = counts > max(_ATOM_SHARE * n, _ATOM_ROWS)
    if atom.sum() > max_atoms:
        atom = np.zeros(len(counts), dtype=bool)
        atom[np.argsort(-counts, kind="stable")[:max_atoms]] = True
    return atom


def distinct_ticks(ticks: Ticks, weights: Counts | None) -> tuple[Ticks, Counts]:
    """Return the distinct ticks, ascending, and how many rows have each."""
    counts: Counts
    if weights is None:
        distinct, counts = np.unique(ticks, return_counts=True)
    else:
        distinct, which = np.unique(ticks, return_inverse=True)
        counts = weighted_counts(which, len(distinct), weights)
    if ticks.dtype.kind == "i":
        return np.asarray(distinct, dtype=np.int64), counts
    return np.asarray(distinct, dtype=np.float64), counts


def grid_of(distinct: Ticks) -> tuple[int, int]:
    """Return the least tick and the greatest common divisor of the distances to it."""
    if not len(distinct):
        return 0, 1
    steps = np.diff(distinct.astype(np.int64)).view(np.uint64)  # unsigned: a distance may exceed int64
    return int(distinct[0]), max(int(np.gcd.reduce(steps)), 1) if len(steps) else 1


def unit_of(distinct: Ticks) -> float:
    """Return what floats are counted in: 1, or a power of two where differences would overflow."""
    return 256.0 if len(distinct) and max(abs(distinct[0]), abs(distinct[-1])) > _HUGE else 1.0


def steps_of(ticks: Ticks, origin: int, step: float) -> Floats:
    """Return the ticks (n,) as steps, ``(tick - origin) / step``."""
    if np.issubdtype(ticks.dtype, np.integer):
        # unsigned: a distance may exceed int64, and each must be exact whatever the others are
        up = ticks >= origin
        sizes = np.where(up, ticks - np.int64(origin), np.int64(origin) - ticks).view(np.uint64) / step
        return np.where(up, sizes, -sizes)
    return (ticks.astype(np.float64) - origin) / step


def location_of(steps: Floats, counts: Counts) -> tuple[float, float]:
    """Return median and a robust standard deviation (of the quartiles, else of all but far values), never 0."""
    if not len(steps):
        return 0.0, 1.0
    ends = np.cumsum(counts)
    low, middle, high = steps[np.searchsorted(ends, ends[-1] * np.array([0.25, 0.5, 0.75]))]
    scale = (high - low) / 1.349
    if scale <= 0:
        sizes = np.abs(steps - middle)
        others = np.sort(sizes[sizes > 0])
        usual = float(others[len(others) // 2]) if len(others) else 1.0
        # squares of the greatest floats would overflow
        scale = usual * float(np.sqrt(np.average((np.minimum(sizes, FAR * usual) / usual) ** 2, weights=counts)))
    return float(middle), float(scale) if scale > 0 else 1.0
