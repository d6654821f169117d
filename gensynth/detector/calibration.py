"""Thresholds and decisions from scores and p-values: pure functions of arrays. Scores: higher = more normal."""

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
SHARES = np.arange(0.005, 0.125, 0.005)
"""Shares of anomalies that are tried: with more rows left out any tail would agree with itself."""
MAX_NORMAL = 0.3
"""Most of the rows beyond a score that may be normal where what lies there is to be anomalies."""
SURE = 3.0
"""Standard deviations of the number of normal rows beyond a score that are not counted as anomalies."""
MAX_SHARE = 0.5
AUTO_LEVEL = 0.01
"""Share of normal rows that ``contamination="auto"`` takes for anomalies where the training rows are normal."""


def benjamini_hochberg(p_values: Floats, fdr: float) -> NDArray[np.bool_]:
    """Return a mask (n,) of the anomalies at false discovery rate ``fdr``.

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


def tail_p_values(energies: Floats, upper: float = BODY[1], share: float = 0.0) -> Floats:
    """Return the tail probabilities (n,), at most 1/2, of anomaly scores under an exponential tail of normal rows.

    Above their median the anomaly scores of normal rows are taken to be exponentially distributed, as logarithms of
    probabilities are, with the rate that they have between two quantiles.

    Parameters
    ----------
    energies : ndarray of shape (n,)
        Higher = more anomalous.
    upper : float
        The upper of the two quantiles, in (0.5, 1): the higher, the heavier a tail may be without being taken for
        anomalies, and the fewer anomalies are needed to be taken for it.
    share : float
        How many of the rows are not normal, in [0, 1): as many of the most anomalous do not count.
    """
    low, high = np.quantile(energies, np.array([BODY[0], upper]) * (1.0 - share))
    if high - low <= 1e-12 * max(1.0, abs(high)):
        return np.full(len(energies), 1.0 - BODY[0])
    rate = np.log((1.0 - BODY[0]) / (1.0 - upper)) / (high - low)
    return np.asarray((1.0 - BODY[0]) * np.exp(-rate * np.maximum(energies - low, 0.0)))


def estimate_share(scores: Floats, upper: float = BODY[1]) -> float:
    """Estimate the contamination, in [0, 0.5], of rows most of which are normal.

    It is by how much more rows lie beyond some score than normal ones do, and surely so (Meinshausen & Rice 2006,
    "Estimating the proportion of false null hypotheses among a large number of independently tested hypotheses", with
    the standard deviation of a count as bounding function). What normal rows do is read off the others, so the share
    is the largest that agrees with itself: with as many of the rows left out as it says there are anomalies.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Higher = more normal.
    upper : float
        As for `tail_p_values`.
    """
    energies = np.sort(-np.asarray(scores))[::-1]
    observed = np.arange(1, len(energies) + 1) / len(energies)

    def excess(share: float) -> float:
        expected = (1.0 - share) * tail_p_values(energies, upper, share)
        sure = observed - expected - SURE * np.sqrt(expected * (1.0 - expected) / len(energies))
        return float(np.max(sure, initial=0.0, where=expected <= MAX_NORMAL * observed))

    found = max((share for share in SHARES if excess(share) >= share), default=0.0)
    return float(min(max(found, excess(0.0)), MAX_SHARE))


def share_range(scores: Floats) -> tuple[float, float]:
    """Return the range of `estimate_share` over other choices of the quantile `BODY`."""
    found = [estimate_share(scores, upper) for upper in UNSURE]
    return min(found), max(found)


def threshold_of_normal(held: Floats, scores: Floats, level: float | None) -> float:
    """Return the threshold if the training rows are normal.

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
    """Return the threshold for contaminated training rows; ``share`` None estimates the contamination.

    The most anomalous row is always below it: that is what one asks for.
    """
    share = estimate_share(held) if share is None else share
    return threshold_of_share(held, max(share, 0.5 / (len(held) - 1)))
