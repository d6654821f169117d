"""Split-conformal p-values of scores; higher = more normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def conformal_p_values(scores: Floats, calibration: Floats) -> Floats:
    """Return split-conformal p-values.

    p = (1 + number of calibration scores <= the row's) / (1 + n_calibration): for a row from the same distribution as
    the calibration rows, P(p <= a) <= a for every a (Vovk et al. 2005; Bates et al. 2023, "Testing for outliers with
    conformal p-values", arXiv 2104.08279, equation 2).

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of the rows; what is not a number counts as lower than all.
    calibration : ndarray of shape (n_calibration,)
        Scores of normal rows that nothing was learned from.
    """
    lowest = np.where(np.isnan(scores), -np.inf, scores)
    below = np.searchsorted(np.sort(calibration), lowest, side="right")
    return np.asarray((1.0 + below) / (1.0 + len(calibration)), dtype=np.float64)
