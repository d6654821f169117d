"""The number beside a bin's code: position in the bin, normal score, or standardised value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from gensynth.encoding.far import soft_clip, undo_soft_clip
from gensynth.encoding.quantiles import QuantileFunction
from gensynth.layout import NumericEncoding

_MIN_WIDTH, _MAX_WIDTH = 1e-6, 1e300
_SLOPE_KNOTS = 33
_ROUNDING = 2.0**-51  # of a position that becomes a normal score and back, with some to spare
Floats = NDArray[np.float64]


class NumberScale:
    """Between the steps of a column and the numbers that stand for them.

    Parameters
    ----------
    function : QuantileFunction
        Of the steps; one bin for "normal" and "standard".
    center, scale : float
        Robust location and scale, in steps.
    margin : float
        Probability beyond the outermost fitted value, on either side.
    numeric : {"bins", "normal", "standard"}
        As in `Encoding`.
    """

    def __init__(
        self, function: QuantileFunction, center: float, scale: float, margin: float, numeric: NumericEncoding
    ) -> None:
        self.function = function
        self.center = center
        self.scale = scale
        self.margin = margin
        self.numeric = numeric
        self.slopes = self._slopes() if numeric == "normal" else None

    def encode(self, steps: Floats, bins: NDArray[np.int64]) -> Floats:
        """Return the numbers (n,) of steps in their bins."""
        if self.numeric == "standard":
            return soft_clip(steps - self.center, self.scale)
        positions = self.function.encode(steps, bins)
        if self.slopes is None:
            return positions
        low, high = self.function.values[0], self.function.values[-1]
        beyond = soft_clip(np.minimum(steps - low, 0.0), self.scale / np.exp(self.slopes[1][0]))
        beyond += soft_clip(np.maximum(steps - high, 0.0), self.scale / np.exp(self.slopes[1][-1]))
        return np.asarray(self._normal(np.clip(positions, 0.0, 1.0)) + beyond)

    def positions(self, numbers: Floats) -> Floats:
        """Return where in their bins (for "normal" and "standard" in the only one) numbers lie, in [0, 1]."""
        if self.numeric == "normal":
            return self._on_knots((ndtr(numbers) - self.margin) / (1.0 - 2.0 * self.margin))
        if self.numeric == "standard":
            with np.errstate(over="ignore"):
                steps = self.center + self.scale * undo_soft_clip(numbers)
            steps = np.clip(steps, self.function.values[0], self.function.values[-1])
            return self.function.encode(steps, np.zeros(len(steps), dtype=np.int64))
        return numbers

    def numbers_at(self, positions: Floats) -> Floats:
        """Return the numbers (n,) at positions in [0, 1] of their bins; the opposite of `positions`."""
        if self.numeric == "normal":
            return self._normal(positions)
        if self.numeric == "standard":
            steps = self.function.decode(np.zeros(len(positions), dtype=np.int64), positions)
            return soft_clip(steps - self.center, self.scale)
        return positions

    def log_jacobian(self, steps: Floats, bins: NDArray[np.int64]) -> Floats:
        """Return (n,) log d number / d standardised value."""
        if self.numeric == "standard":
            return np.zeros(len(steps))
        if self.slopes is not None:
            return np.interp(steps, *self.slopes)
        return self.log_densities[bins]

    @property
    def log_densities(self) -> Floats:
        """Logarithm (n_bins,) of d position / d standardised value in each bin."""
        return np.asarray(-np.log(self._relative(self.function.widths)))

    def _normal(self, positions: Floats) -> Floats:
        return np.asarray(ndtri(self.margin + positions * (1.0 - 2.0 * self.margin)))

    def _on_knots(self, positions: Floats) -> Floats:
        """Return positions (n,) of the only bin; those next to a knot are moved onto it, so that its value is exact."""
        knots = self.function.positions
        right = np.minimum(np.searchsorted(knots, positions), len(knots) - 1)
        left = np.maximum(right - 1, 0)
        nearest = np.where(knots[right] - positions < positions - knots[left], knots[right], knots[left])
        return np.where(np.abs(nearest - positions) <= _ROUNDING, nearest, positions)

    def _slopes(self) -> tuple[Floats, Floats]:
        """Return knots (in steps) and log dz / d standardised value there, smoothed over a few dozen quantiles."""
        share = np.linspace(0.0, 1.0, _SLOPE_KNOTS)
        at = self.function.decode(np.zeros(_SLOPE_KNOTS, dtype=np.int64), share)
        rise, run = np.maximum(np.diff(self._normal(share)), _MIN_WIDTH), self._relative(np.diff(at))
        return (at[1:] + at[:-1]) / 2, np.log(rise / run)

    def _relative(self, widths: Floats) -> Floats:
        """Return widths in units of the scale, neither 0 nor infinite."""
        with np.errstate(over="ignore"):
            return np.clip(widths / self.scale, _MIN_WIDTH, _MAX_WIDTH)
