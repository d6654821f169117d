"""Tolerance of the check of scores: rounding errors, measured against float64 for images."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.detector_score import DetectorScorer
from gensynth.engine.scoring.ensemble import Ensemble, RowScorer
from gensynth.engine.scoring.row_scores import LEAST
from gensynth.export.drawn import drawn_frame
from gensynth.export.tails import TIE

MAX_DIFFERENCE = 1e-5
"""Relative difference of scores above which nothing is written, ..."""
ROUNDINGS = 20.0
"""... or this many times the 90 % quantile of float32's errors, if that is more, ..."""
MOST_DIFFERENCE = 1e-3
"""... up to this: models that are more sensitive to rounding are not exported."""
DECIDED = 0.005
"""Fraction of images whose scores may differ by more, as rounding can change their nearest code."""
PLACES = 100.0
"""Tolerance of the entries of anomaly maps, in units of that of scores, which are sums of hundreds of them."""
_MEASURED, _SEED = 64, 21

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rounding:
    """Tolerances for rounding errors of scores.

    Parameters
    ----------
    difference : float
        Relative difference of scores.
    size : float
        Scores of less are as exact as it is.
    tie : float
        Relative difference, of scores above 1, from a detector's threshold and calibration scores at which a score is
        taken for equal to them.
    share : float
        Share of the rows that may differ by more.
    """

    difference: float = MAX_DIFFERENCE
    size: float = LEAST
    tie: float = TIE
    share: float = 0.0

    @classmethod
    def of(cls, scorer: RowScorer, fitted: FittedModel) -> Self:
        """Return that of a scorer; where there are images it is measured beside float64, as they score in float32."""
        if scorer.encoder.image is None:
            return cls()
        frame = drawn_frame(fitted, _MEASURED, np.random.default_rng(_SEED))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values that were never fitted
            _, rows = scorer.encode(frame)
        scores = scorer.score(rows)
        size = max(float(np.median(np.abs(scores))), LEAST)
        off = np.abs(_in_float64(scorer).score(rows) - scores) / np.maximum(np.abs(scores), size)
        difference = min(max(MAX_DIFFERENCE, ROUNDINGS * float(np.quantile(off, 0.9))), MOST_DIFFERENCE)
        return cls(difference, size, difference, DECIDED)

    def differences(self, found: Floats, wanted: Floats) -> Floats:
        """Return the relative differences (n,) of scores."""
        return np.asarray(np.abs(found - wanted) / np.maximum(np.abs(wanted), self.size))

    def exempt(self, n: int) -> int:
        """Return how many of n rows may differ by more."""
        return min(math.ceil(self.share * n), n - 1)


def _in_float64(scorer: RowScorer) -> RowScorer:
    """Return the scorer with networks in float64."""
    if isinstance(scorer, DetectorScorer):
        ensemble = _in_float64(scorer.ensemble)
        assert isinstance(ensemble, Ensemble)
        return DetectorScorer(ensemble, scorer.profile, scorer.density)
    assert isinstance(scorer, Ensemble)
    return Ensemble([model.in_float64() for model in scorer.models], scorer.weights, scorer.scaling)
