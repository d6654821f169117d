"""Tail probabilities of anomaly scores among normal rows: a fitted gamma distribution, or ranks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

SHAPES = np.geomspace(0.1, 1000.0, 400)
"""Shapes of the gamma distributions tried: from very skewed to normal."""
FAR = 600.0
"""Nats beyond which probabilities are below the smallest float, so that their logarithm is computed from its series."""
N_KNOTS = 256
"""Maximal number of training scores kept for computing ranks."""
READABLE = 20.0
"""Nats up to which a score is not compressed: one normal row in five hundred million exceeds it."""
MOST = 100.0
"""Upper limit that compressed scores approach."""


class Tail(ABC):
    """Distribution of the anomaly scores of normal rows."""

    @abstractmethod
    def nats(self, anomaly_scores: Floats) -> Floats:
        """Return (n,) -log P(a normal row is at least as anomalous), >= 0, for anomaly scores (n,)."""

    @abstractmethod
    def to_array(self) -> Floats:
        """Return the fitted state."""

    @staticmethod
    def from_array(array: NDArray[Any]) -> Tail:
        """Rebuild from `to_array`."""
        values = np.asarray(array, dtype=np.float64)
        return EmpiricalTail(*values) if values.ndim == 2 else GammaTail(*values.tolist())


@dataclass(frozen=True)
class GammaTail(Tail):
    """A shifted gamma distribution of the anomaly scores of normal rows (sums of many squares).

    Parameters
    ----------
    shape : float
        Of the gamma distribution, > 0.
    scale : float
        Likewise, >= 0; 0 where all scores are equal.
    start : float
        Where it begins.
    """

    shape: float
    scale: float
    start: float

    @classmethod
    def fit(cls, anomaly_scores: Floats, levels: Sequence[float], at: Sequence[float] | None = None) -> Self:
        """Fit to three quantiles of the anomaly scores of normal rows.

        Parameters
        ----------
        anomaly_scores : ndarray of shape (n,)
            Higher = more anomalous.
        levels : sequence of three floats
            Ascending, in (0, 1); what lies above the last does not count.
        at : sequence of three floats or None
            Quantiles of ``anomaly_scores`` that they are; None: the same, as all rows are normal.
        """
        low, middle, high = np.quantile(anomaly_scores, levels if at is None else at)
        if high - low <= 1e-12 * max(1.0, abs(high)):
            return cls(1.0, 0.0, float(high))
        # upper over lower distance is a monotone function of the shape alone
        standard = stats.gamma.ppf(np.array(levels)[:, None], SHAPES)
        skew = (standard[2] - standard[1]) / (standard[1] - standard[0])
        best = int(np.argmin(np.abs(np.log(skew * max(middle - low, 1e-12) / max(high - middle, 1e-12)))))
        scale = (high - low) / (standard[2, best] - standard[0, best])
        return cls(float(SHAPES[best]), float(scale), float(low - scale * standard[0, best]))

    def nats(self, anomaly_scores: Floats) -> Floats:
        """Return (n,) -log P(a normal row is at least as anomalous), >= 0 and strictly increasing above the start."""
        if self.scale == 0.0:
            return np.maximum(anomaly_scores - self.start, 0.0)
        z = (anomaly_scores - self.start) / self.scale
        out: Floats = -stats.gamma.logsf(z, self.shape)
        far = ~(out < FAR)
        if far.any():
            # Q(a, z) = z^(a - 1) e^-z / Gamma(a) * (1 + ...): the first factor of its continued fraction
            x, a = z[far], self.shape
            out[far] = x - a * np.log(x) + special.gammaln(a) + np.log(np.maximum(x - a + 1.0, 1.0))
        return out

    def to_array(self) -> Floats:
        """Return shape, scale and start."""
        return np.array([self.shape, self.scale, self.start])


@dataclass(frozen=True)
class EmpiricalTail(Tail):
    """Empirical distribution with linear extrapolation of -log P beyond the largest score.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n_knots,)
        Anomaly scores, ascending.
    levels : ndarray of shape (n_knots,)
        -log of the share of rows that are at least so anomalous.
    """

    anomaly_scores: Floats
    levels: Floats

    @classmethod
    def fit(cls, anomaly_scores: Floats) -> Self:
        """Fit to anomaly scores (n,), counting one further row as anomalous as any."""
        ordered = np.sort(anomaly_scores)
        values, first = np.unique(ordered, return_index=True)
        levels = -np.log((len(ordered) - first) / (len(ordered) + 1.0))
        if len(values) > N_KNOTS:
            at = np.unique(np.searchsorted(levels, np.linspace(levels[0], levels[-1], N_KNOTS)))
            values, levels = values[at], levels[at]
        return cls(values, levels)

    def nats(self, anomaly_scores: Floats) -> Floats:
        """Return -log of the fraction of rows at least as anomalous, interpolated between scores."""
        reach = self.anomaly_scores[-1] - np.interp(0.5 * self.levels[-1], self.levels, self.anomaly_scores)
        slope = 0.5 * self.levels[-1] / reach if reach > 0 else 1.0
        beyond = np.maximum(anomaly_scores - self.anomaly_scores[-1], 0.0)
        return np.asarray(np.interp(anomaly_scores, self.anomaly_scores, self.levels) + slope * beyond)

    def to_array(self) -> Floats:
        """Return (2, n_knots)."""
        return np.stack([self.anomaly_scores, self.levels])


def readable(nats: Floats) -> Floats:
    """Return nats unchanged up to `READABLE`, and compressed beyond, up to `MOST`."""
    room = MOST - READABLE
    beyond = np.maximum(nats - READABLE, 0.0)
    return np.asarray(np.minimum(nats, READABLE) + room * beyond / (room + beyond))
