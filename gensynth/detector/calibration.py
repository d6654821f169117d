"""From scores and p-values to thresholds and decisions: pure functions of arrays. Scores: higher = more normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NULL_LEVELS = (0.1, 0.35, 0.6)
"""Quantiles of the anomaly scores that are taken to be normal rows', and that their distribution is fitted to."""
BODY = (0.5, 0.83)
"""Quantiles of the anomaly scores that tell how fast normal rows thin out."""
UNSURE = (0.75, 0.9)
"""Other upper quantiles: where they tell another share, it cannot be told."""
SHARE_FDR = 0.05
"""Share of false ones among the anomalies that an estimated contamination counts."""
MAX_SHARE = 0.5
AUTO_LEVEL = 0.01
"""Share of normal rows that ``contamination="auto"`` takes for anomalies where the training rows are normal."""


def benjamini_hochberg(p_values: Floats, fdr: float) -> NDArray[np.bool_]:
    """Return (n,) which rows are anomalies, so that an expected share of at most ``fdr`` of them is normal.

    Benjamini & Hochberg 1995; valid for conformal p-values of one calibration set (Bates et al. 2023, theorem 2).
    """
    n = len(p_values)
    order = np.sort(p_values)
    passed = np.flatnonzero(order <= fdr * np.arange(1, n + 1) / n)
    if not len(passed):
        return np.zeros(n, dtype=bool)
    return np.asarray(p_values <= order[passed[-1]])


def threshold_at(calibration: Floats, level: float) -> float:
    """Return the score below which a normal row falls with probability ``level``, or 1 / (1 + n) if that is more."""
    k = max(1, int(level * (len(calibration) + 1)))
    return float(np.partition(calibration, k - 1)[k - 1])


def threshold_of_share(scores: Floats, share: float) -> float:
    """Return the score below which a share of the scores lies, at least one of them.

    Scores that are equal at the threshold are below it together, unless they are more than half of all.
    """
    threshold = float(np.percentile(scores, 100.0 * share))
    if np.count_nonzero(scores < threshold) >= max(1, round(share * len(scores))):
        return threshold
    above = scores[scores > threshold]
    together = len(above) >= (1.0 - MAX_SHARE) * len(scores)
    return float(above.min()) if together else threshold


def estimate_share(scores: Floats, upper: float = BODY[1]) -> float:
    """Return the estimated share of anomalies, in [0, 0.5], among rows that most of are normal.

    Above their median the anomaly scores of normal rows are taken to be exponentially distributed, as logarithms of
    probabilities are, with the rate that they have between two quantiles. The rows farther out than that, by
    `benjamini_hochberg`, are counted.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Higher = more normal.
    upper : float
        The upper of the two quantiles, in (0.5, 1): the higher, the heavier a tail may be without being taken for
        anomalies, and the fewer anomalies are needed to be taken for it.
    """
    energies = -np.asarray(scores)
    low, high = np.quantile(energies, (BODY[0], upper))
    if high - low <= 1e-12 * max(1.0, abs(high)):
        return 0.0
    rate = np.log((1.0 - BODY[0]) / (1.0 - upper)) / (high - low)
    p_values = (1.0 - BODY[0]) * np.exp(-rate * np.maximum(energies - low, 0.0))
    return float(min(benjamini_hochberg(p_values, SHARE_FDR).mean(), MAX_SHARE))


def share_range(scores: Floats) -> tuple[float, float]:
    """Return the least and the most that `estimate_share` says where the tail is taken to begin earlier or later."""
    found = [estimate_share(scores, upper) for upper in UNSURE]
    return min(found), max(found)


def threshold_of_normal(held: Floats, scores: Floats, level: float | None) -> float:
    """Return the threshold where the fitted rows are normal.

    Parameters
    ----------
    held : ndarray of shape (n_calibration,)
        Scores of normal rows that nothing was learned from.
    scores : ndarray of shape (n,)
        Scores of all rows: where ``held`` are too few to promise the level, these say it too.
    level : float or None
        Probability that a normal row is below it; None: `AUTO_LEVEL`.
    """
    level = AUTO_LEVEL if level is None else level
    threshold = threshold_at(held, level)
    return threshold if level * (len(held) + 1) >= 1 else min(threshold, float(np.quantile(scores, level)))


def threshold_of_contaminated(held: Floats, scores: Floats, share: float | None) -> float:  # noqa: ARG001 - as above
    """Return the threshold where the fitted rows hold a share of anomalies; None: it is estimated.

    The most anomalous row is always below it: that is what one asks for.
    """
    share = estimate_share(held) if share is None else share
    return threshold_of_share(held, max(share, 0.5 / (len(held) - 1)))
