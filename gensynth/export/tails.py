"""Tail probabilities and p-values on tensors: `gensynth.engine.scoring.tails`, `combined` and `conformal`."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special, stats
from torch import Tensor

from gensynth.engine.scoring.detector_score import DetectorScorer
from gensynth.engine.scoring.tails import FAR, MOST, READABLE, EmpiricalTail, GammaTail, Tail
from gensynth.export.cells import interp, table

N_PIECES = 2048
"""Pieces of the cubic spline that stands for the logarithm of a gamma distribution's tail."""
TIE = 1e-7
"""Difference up to which scores count as equal; relative for scores above 1.

It covers rounding in graph and engine, sums in different orders and the spline of the tails: a few 1e-9.
"""
Floats = NDArray[np.float64]


def nats(tail: Tail, anomaly_scores: Tensor) -> Tensor:
    """Return `Tail.nats` of anomaly scores (n,)."""
    if isinstance(tail, EmpiricalTail):
        reach = tail.anomaly_scores[-1] - np.interp(0.5 * tail.levels[-1], tail.levels, tail.anomaly_scores)
        slope = 0.5 * tail.levels[-1] / reach if reach > 0 else 1.0
        beyond = (anomaly_scores - float(tail.anomaly_scores[-1])).clamp(min=0.0)
        return interp(anomaly_scores, tail.anomaly_scores, tail.levels) + float(slope) * beyond
    assert isinstance(tail, GammaTail)
    if tail.scale == 0.0:
        return (anomaly_scores - tail.start).clamp(min=0.0)
    z, a = (anomaly_scores - tail.start) / tail.scale, tail.shape
    spline = GammaSpline.of(a)
    x = z.clamp(min=max(spline.last, 1e-300))
    far = x - a * x.log() + float(special.gammaln(a)) + (x - a + 1.0).clamp(min=1.0).log()
    return torch.where(z > spline.last, far, spline(z))


class GammaSpline:
    """-log Q(shape, z) for z from 0 to where it is `FAR`, as a cubic Hermite spline over log z.

    Parameters
    ----------
    first, last : float
        Ends in z; below the first it is a power of z.
    values, slopes : ndarray of shape (N_PIECES + 1,)
        log(-log Q) at evenly spaced log z, and its slope per piece.
    """

    def __init__(self, first: float, last: float, values: Floats, slopes: Floats) -> None:
        self.first, self.last = first, last
        self.values, self.slopes = values, slopes

    @classmethod
    def of(cls, shape: float) -> GammaSpline:
        """Return that of the gamma distribution with this shape."""
        first = float(stats.gamma.ppf(1e-12, shape)) or 1e-300
        last = _where_far(shape)
        at = np.linspace(math.log(first), math.log(last), N_PIECES + 1)
        z = np.exp(at)
        negative = -stats.gamma.logsf(z, shape)
        slope = z * np.exp(stats.gamma.logpdf(z, shape) + negative) / negative
        return cls(first, last, np.log(negative), slope * (at[1] - at[0]))

    def __call__(self, z: Tensor) -> Tensor:
        """Return -log Q at z (n,), 0 at 0 and below."""
        low, high = math.log(self.first), math.log(self.last)
        log_z = torch.where(z > 0, z, 1e-300).log()
        at = ((log_z - low) / (high - low) * N_PIECES).clamp(0.0, float(N_PIECES))
        left = at.long().clamp(max=N_PIECES - 1)
        t = at - left
        values, slopes = table(self.values), table(self.slopes)
        y0, y1, d0, d1 = values[left], values[left + 1], slopes[left], slopes[left + 1]
        curve = y0 + t * (d0 + t * (3.0 * (y1 - y0) - 2.0 * d0 - d1 + t * (d0 + d1 - 2.0 * (y1 - y0))))
        below = (log_z - low).clamp(max=0.0) * float(self.slopes[0] * N_PIECES / (high - low))
        return torch.where(z > 0, (curve + below).exp(), 0.0)


def _where_far(shape: float) -> float:
    """Return z at which -log Q is `FAR`, or next below it."""
    low, high = shape, 4.0 * (shape + FAR)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if -stats.gamma.logsf(middle, shape) < FAR else (low, middle)
    return low


def combined_score(combined: DetectorScorer, ensemble: Tensor, density: Tensor | None) -> Tensor:
    """Return `DetectorScorer.score` (n,) from the scores of the ensemble and of the density."""
    total = nats(combined.profile.tail, -ensemble)
    if combined.density is not None:
        assert density is not None
        weight = combined.density.agreement
        own = math.log(weight) + total
        other = math.log1p(-weight) + nats(combined.density.profile.tail, -density)
        total = torch.maximum(own, other) + (-(own - other).abs()).exp().log1p()
    room = MOST - READABLE
    beyond = (total - READABLE).clamp(min=0.0)
    return 0.0 - (total.clamp(max=READABLE) + room * beyond / (room + beyond))


def p_values(scores: Tensor, calibration: Floats, rounding: float = TIE) -> Tensor:
    """Return `conformal_p_values` (n,); scores that differ from one of the calibration's by rounding are it."""
    ordered = np.sort(calibration)
    below = torch.searchsorted(table(ordered - tie(ordered, rounding)), scores, right=True)
    return (1.0 + below.double()) / (1.0 + len(ordered))


def tie(scores: Floats, rounding: float = TIE) -> Floats:
    """Return the tolerances (n,) below each score within which another score is tied with it."""
    return np.asarray(rounding * np.maximum(np.abs(scores), 1.0))
