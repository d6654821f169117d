"""Empirical quantile function of a column: monotone, piecewise linear, flat at repeated values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.encoding.columns import Counts
from gensynth.encoding.far import soft_clip

Floats = NDArray[np.float64]

_REPEATED = 0.5
"""Distinct values per row up to which a column's values count as repeated."""
_TAIL_KNOTS = 24
"""Outermost order statistics that are kept whatever the budget: heavy tails are not cut off by a straight line."""


@dataclass(frozen=True)
class QuantileFunction:
    """Empirical quantile function: a bin and a position in [0, 1] to a value, and back.

    Bin ``b`` owns the knots ``offsets[b]:offsets[b + 1]``; within it the value is linear between knots. Where two
    knots have one value (a plateau) that value takes the whole interval of positions between them, and is encoded
    as its middle. No value lies in two bins.

    Parameters
    ----------
    positions, values : ndarray of shape (n_knots,)
        Knots, bin after bin; both ascend within a bin, values over all bins.
    offsets : ndarray of shape (n_bins + 1,)
        First knot of every bin.
    """

    positions: Floats
    values: Floats
    offsets: NDArray[np.int64]

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.offsets) - 1

    @property
    def widths(self) -> Floats:
        """Width (n_bins,) of each bin in values."""
        return self.values[self.offsets[1:] - 1] - self.values[self.offsets[:-1]]

    @classmethod
    def fit(
        cls, values: Floats, counts: Counts, n_bins: int, *, whole: bool, max_knots: int = 2048
    ) -> QuantileFunction:
        """Fit to distinct ascending values and how often each occurs.

        Parameters
        ----------
        values, counts : ndarray of shape (n_distinct,)
            Distinct values in ascending order, and their counts (or sums of weights).
        n_bins : int
            Most bins, of about equal counts.
        whole : bool
            The values are whole numbers and decoding rounds to them.
        max_knots : int
            Budget of knots; beyond it only frequent values have a plateau of their own.
        """
        ends = np.cumsum(counts)
        bins = np.minimum((ends - counts / 2) * n_bins / ends[-1], n_bins - 1).astype(np.int64)
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        stops = np.append(starts[1:], len(values))
        # values that hardly repeat are one draw of a continuum: new rows need not hold the very same ones
        stepped = len(values) <= _REPEATED * ends[-1]
        budget = max(4, max_knots // len(starts))
        positions, knots, offsets = [], [], [0]
        for a, b in zip(starts, stops, strict=True):
            after = values[b] if b < len(values) else None
            kept = _kept(counts[a:b], budget, tails=(a == 0, after is None))
            if stepped:
                u, v = _steps(values[a:b], counts[a:b], kept, after, whole=whole)
            else:
                u, v = _line(values[a:b], counts[a:b], kept, after)
            positions.append(u)
            knots.append(v)
            offsets.append(offsets[-1] + len(u))
        return cls(np.concatenate(positions), np.concatenate(knots), np.array(offsets))

    def find_bin(self, values: Floats) -> NDArray[np.int64]:
        """Return (n,) bins; values out of range belong to the outermost."""
        first = self.values[self.offsets[:-1]]
        return np.maximum(np.searchsorted(first, values, side="right") - 1, 0)

    def encode(self, values: Floats, bins: NDArray[np.int64]) -> Floats:
        """Return (n,) positions of values in their bins; beyond [0, 1] outside the range, as `soft_clip` has it."""
        lo, hi = self.offsets[bins], self.offsets[bins + 1] - 1
        right = np.clip(np.searchsorted(self.values, values, side="right") - 1, lo, hi)
        left = np.clip(np.searchsorted(self.values, values, side="left"), lo, hi)
        base, reach = self.values[right], self.values[left] - self.values[right]
        # on a knot or a plateau: its middle; between two knots (left == right + 1): on the line
        share = np.divide(values - base, reach, out=np.full(len(values), 0.5), where=reach > 0)
        out = self.positions[right] + share * (self.positions[left] - self.positions[right])
        if len(values) and (values.min() < self.values[0] or values.max() > self.values[-1]):
            width = np.where(self.widths > 0, self.widths, 1.0)[bins]
            low, high = np.minimum(values - self.values[0], 0.0), np.maximum(values - self.values[-1], 0.0)
            out = np.where(low < 0, soft_clip(low, width), np.where(high > 0, 1.0 + soft_clip(high, width), out))
        return np.asarray(out)

    def decode(self, bins: NDArray[np.int64], positions: Floats) -> Floats:
        """Return (n,) values at positions, which are clipped to [0, 1]."""
        positions = np.clip(positions, 0.0, 1.0)
        owner = np.repeat(np.arange(self.n_bins), np.diff(self.offsets))
        left = np.searchsorted(owner + self.positions, bins + positions, side="right") - 1
        left = np.clip(left, self.offsets[bins], np.maximum(self.offsets[bins + 1] - 2, self.offsets[bins]))
        right = np.minimum(left + 1, self.offsets[bins + 1] - 1)
        start, length = self.positions[left], self.positions[right] - self.positions[left]
        share = np.divide(positions - start, length, out=np.zeros(len(positions)), where=length > 0)
        low, high = self.values[left], self.values[right]
        return np.clip(low + np.clip(share, 0.0, 1.0) * (high - low), low, high)

    def positions_between(self, bin_: int, low: float, high: float) -> tuple[float, float]:
        """Return the least and the greatest position of a bin at which values lie in [low, high].

        A plateau lies inside as a whole. The first is above the second where the bin has no such value.
        """
        part = slice(int(self.offsets[bin_]), int(self.offsets[bin_ + 1]))
        u, v = self.positions[part], self.values[part]
        start, stop = int(np.searchsorted(v, low, side="left")), int(np.searchsorted(v, high, side="right"))
        if start == len(v) or not stop:
            return 1.0, 0.0

        def between(i: int, value: float) -> float:
            return float(u[i - 1] + (value - v[i - 1]) / (v[i] - v[i - 1]) * (u[i] - u[i - 1]))

        return (between(start, low) if start else 0.0), (between(stop, high) if stop < len(v) else 1.0)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `QuantileFunction` is made of."""
        return {"positions": self.positions, "values": self.values, "offsets": self.offsets}


def _kept(counts: Counts, budget: int, tails: tuple[bool, bool]) -> NDArray[np.int64]:
    """Return which distinct values of a bin become knots: all, or an even choice, the frequent ones and the tails."""
    m = len(counts)
    if m <= budget:
        return np.arange(m)
    ends = np.cumsum(counts)
    even = np.searchsorted(ends, np.linspace(0, ends[-1], budget), side="left")
    frequent = np.argsort(-counts, kind="stable")[:budget]
    frequent = frequent[counts[frequent] > ends[-1] / budget]
    geometric = np.unique(np.round(np.geomspace(1, m, _TAIL_KNOTS)).astype(np.int64)) - 1
    parts = [even, frequent, *([geometric] if tails[0] else []), *([m - 1 - geometric] if tails[1] else [])]
    return np.unique(np.minimum(np.concatenate([*parts, [0, m - 1]]), m - 1)).astype(np.int64)


def _line(values: Floats, counts: Counts, kept: NDArray[np.int64], after: float | None) -> tuple[Floats, Floats]:
    """Knots at order statistics: the k-th smallest of m rows stands at k / m, the last bin ends on its last row."""
    ends, row = np.cumsum(counts), np.minimum(counts, 1)  # weights may make less than a row
    total = ends[-1] if after is not None else ends[-1] - row[-1] or 1
    first, last = (ends - counts)[kept] / total, (ends - row)[kept] / total
    flat = counts[kept] > 1
    u = np.concatenate([first, last[flat], [1.0]])
    v = np.concatenate([values[kept], values[kept][flat], [values[-1] if after is None else after]])
    order = np.lexsort((u, v))
    return u[order], v[order]


def _steps(
    values: Floats, counts: Counts, kept: NDArray[np.int64], after: float | None, *, whole: bool
) -> tuple[Floats, Floats]:
    """Knots of a staircase: each value takes its share of positions; next to nothing is left for what lies between.

    That rest lets a value that was never seen be encoded and decoded; values between two kept ones share their
    interval evenly.
    """
    ends = np.cumsum(counts) / counts.sum()
    starts = np.concatenate([[0.0], ends[:-1]])
    v, lo, hi = values[kept], starts[kept], ends[kept]
    # a gap takes more of the positions the more whole numbers lie in it, or float64 could not tell them apart
    stop = v[-1] if after is None else (after - 1.0 if whole else after)
    reach = np.append(np.diff(v), stop - v[-1])
    rest = np.clip(reach * 4e-16, 1e-9, 1e-3) if whole else np.full(len(v), 1e-6)
    rest = np.where(reach > 0, np.minimum(rest, (hi - lo) / 8), 0.0)
    rest[:-1] = np.minimum(rest[:-1], (hi - lo)[1:] / 8)
    u0, u1 = lo + np.append(0.0, rest[:-1]), hi - rest
    parts_u, parts_v = [u0, u1], [v, v]
    inner = np.flatnonzero(np.diff(kept) > 1)  # gaps with values of their own
    if len(inner):
        half = 0.5 if whole else 0.0
        parts_u += [hi[inner], lo[inner + 1]]
        parts_v += [v[inner] + half, v[inner + 1] - half]
    if reach[-1] > 0:
        parts_u.append(np.ones(1))
        parts_v.append(np.array([stop]))
    u, w = np.concatenate(parts_u), np.concatenate(parts_v)
    order = np.lexsort((u, w))
    u, w = u[order], w[order]
    u[-1] = 1.0
    return u, w
