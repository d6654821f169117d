"""Thresholds and decisions from scores and p-values: pure functions of arrays. Scores: higher = more normal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gensynth.engine.scoring.tails import GammaTail

Floats = NDArray[np.float64]
PValues = Callable[..., Floats]

NULL_LEVELS = (0.1, 0.35, 0.6)
"""Quantiles of the anomaly scores to which the distribution of normal rows is fitted."""
BODY = (0.5, 0.83)
"""Quantiles of the anomaly scores that determine the rate of the exponential tail of normal rows."""
UNSURE = (0.75, 0.9)
"""Alternative upper quantiles: if they give other shares, the estimate is uncertain."""
ENSEMBLE_LEVELS = (0.1, 0.45, 0.7)
DENSITY_LEVELS = (0.1, 0.5, 0.83)
"""Quantiles of the anomaly scores to which a gamma distribution of normal rows is fitted. The ensemble's are lower, as
it is less sure of what is normal."""
DENSITY_BODY = (0.45, 0.75)
"""As `BODY`, for a density."""
SHARES = np.arange(0.005, 0.125, 0.005)
"""Candidates for the share of anomalies: with more rows left out, any tail would be self-consistent."""
MAX_NORMAL = 0.3
"""Maximal fraction of normal rows among those beyond a score that are counted as anomalies."""
SURE = 3.0
"""Standard deviations of the number of normal rows beyond a score that are subtracted from the excess."""
MAX_SHARE = 0.5
MIN_GROUP = 10
"""Rows from which a category is no anomaly by itself."""
AUTO_LEVEL = 0.01
"""Fraction of normal rows that ``contamination="auto"`` labels as anomalies if the training rows are normal."""


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

    Scores tied at the threshold are all below it, unless they are more than half of all.
    """
    threshold = float(np.percentile(scores, 100.0 * share))
    if np.count_nonzero(scores < threshold) >= max(1, round(share * len(scores))):
        return threshold
    above = scores[scores > threshold]
    together = len(above) >= (1.0 - MAX_SHARE) * len(scores)
    return float(above.min()) if together else threshold


def tail_p_values(anomaly_scores: Floats, body: tuple[float, float] = BODY, share: float = 0.0) -> Floats:
    """Return the tail probabilities (n,), at most 1/2, of anomaly scores under an exponential tail of normal rows.

    Above the lower of two quantiles the anomaly scores of normal rows are assumed to be exponentially distributed, as
    logarithms of p-values are, with the rate between the quantiles.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n,)
        Higher = more anomalous.
    body : tuple of two floats
        The two quantiles, ascending, in (0, 1). A higher upper one tolerates heavier tails of normal rows, but also
        fewer anomalies before they distort the rate.
    share : float
        Fraction of anomalies, in [0, 1): that many of the highest scores are left out of the quantiles.
    """
    low, high = np.quantile(anomaly_scores, np.array(body) * (1.0 - share))
    if high - low <= 1e-12 * max(1.0, abs(high)):
        return np.full(len(anomaly_scores), 1.0 - body[0])
    rate = np.log((1.0 - body[0]) / (1.0 - body[1])) / (high - low)
    return np.asarray((1.0 - body[0]) * np.exp(-rate * np.maximum(anomaly_scores - low, 0.0)))


def gamma_p_values(anomaly_scores: Floats, levels: tuple[float, float, float], share: float = 0.0) -> Floats:
    """Return the tail probabilities (n,) of anomaly scores if those of normal rows have a gamma distribution.

    Its tail may be lighter than that of `tail_p_values`, so that more rows are in excess of it.

    Parameters
    ----------
    anomaly_scores, share
        As for `tail_p_values`.
    levels : tuple of three floats
        Quantiles to which it is fitted.
    """
    fitted = GammaTail.fit(anomaly_scores, levels, [level * (1.0 - share) for level in levels])
    return np.asarray(np.exp(-fitted.nats(anomaly_scores)))


def estimate_share(anomaly_scores: Floats, p_values: PValues = tail_p_values) -> float:
    """Estimate the contamination, in [0, 0.5], of rows most of which are normal, from one score.

    The estimate is the largest significant excess of rows beyond a score over the expected number of normal rows
    (Meinshausen & Rice 2006, "Estimating the proportion of false null hypotheses among a large number of independently
    tested hypotheses", with the standard deviation of a count as bounding function). The distribution of normal rows is
    estimated from the same scores, so the estimate is the largest self-consistent share: with that share of the rows
    left out.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n,)
        Higher = more anomalous.
    p_values : callable
        Tail probabilities of normal rows from anomaly scores and the ``share`` of anomalies: `tail_p_values` or
        `gamma_p_values`.
    """
    ordered = np.sort(anomaly_scores)[::-1]
    observed = np.arange(1, len(ordered) + 1) / len(ordered)

    def excess(share: float) -> float:
        expected = (1.0 - share) * p_values(ordered, share=share)
        sure = observed - expected - SURE * np.sqrt(expected * (1.0 - expected) / len(ordered))
        counted = (expected <= MAX_NORMAL * observed) & (observed <= MAX_SHARE)
        return float(np.max(sure, initial=0.0, where=counted))

    found = max((share for share in SHARES if excess(share) >= share), default=0.0)
    return float(min(max(found, excess(0.0)), MAX_SHARE))


def within_categories(anomaly_scores: Floats, codes: NDArray[np.int32]) -> Floats:
    """Return anomaly scores (n,) relative to rows of the same categories.

    From the scores of every category that at least `MIN_GROUP` rows have, the excess of their median over the median of
    all rows is subtracted.

    Parameters
    ----------
    anomaly_scores : ndarray of shape (n,)
        Higher = more anomalous.
    codes : ndarray of shape (n, k)
        Categories of the rows in k columns.
    """
    out = anomaly_scores - np.median(anomaly_scores)
    for column in codes.T:
        for code in np.flatnonzero(np.bincount(column) >= MIN_GROUP):
            own = column == code
            out[own] -= max(float(np.median(out[own])), 0.0)
    return np.asarray(out)


def estimate_contamination(
    scores: Floats, ensemble: Floats, density: Floats | None
) -> tuple[float, tuple[float, float]]:
    """Return the estimated contamination, and a range for it, of rows most of which are normal.

    With a density it is the median of three estimates: by its log-likelihoods with an exponential tail, likewise with
    a gamma distribution, and by the ensemble's scores with a gamma distribution. Normal rows that are rare or large are
    in the tail of the ensemble: it alone would count them as anomalies. The range is that of the density's two.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Of the detector, higher = more normal; used if there is no density.
    ensemble, density : ndarray of shape (n,)
        Of the ensemble and of the density, likewise; None without a density.
    """
    if density is None:
        found = [estimate_share(-scores, partial(tail_p_values, body=(BODY[0], upper))) for upper in UNSURE]
        return estimate_share(-scores), (min(found), max(found))
    both = [
        estimate_share(-density, partial(tail_p_values, body=DENSITY_BODY)),
        estimate_share(-density, partial(gamma_p_values, levels=DENSITY_LEVELS)),
    ]
    third = estimate_share(-ensemble, partial(gamma_p_values, levels=ENSEMBLE_LEVELS))
    return float(np.median([*both, third])), (min(both), max(both))


def estimate_by_category(
    scores: Floats, ensemble: Floats, density: Floats | None, codes: NDArray[np.int32]
) -> tuple[float, tuple[float, float]]:
    """Return the smaller of two estimates of `estimate_contamination`, and its range.

    The second is from the scores `within_categories`: a class of a tenth of the rows, whose scores lie above those of
    all others, is not a tenth of anomalies. Parameters are those of the two functions.
    """

    def relative(one: Floats) -> Floats:
        return -within_categories(-one, codes)

    beside = None if density is None else relative(density)
    return min(
        estimate_contamination(scores, ensemble, density),
        estimate_contamination(relative(scores), relative(ensemble), beside),
    )


def threshold_of_normal(held: Floats, scores: Floats, level: float | None) -> float:
    """Return the threshold if the training rows are normal.

    Parameters
    ----------
    held : ndarray of shape (n_calibration,)
        Scores of the calibration rows.
    scores : ndarray of shape (n,)
        Scores of all rows, used in addition if ``held`` are too few for the level.
    level : float or None
        Probability that a normal row is below the threshold; None: `AUTO_LEVEL`.
    """
    level = AUTO_LEVEL if level is None else level
    threshold = threshold_at(held, level)
    return threshold if level * (len(held) + 1) >= 1 else min(threshold, float(np.quantile(scores, level)))


def threshold_of_contaminated(held: Floats, share: float) -> float:
    """Return the threshold for contaminated training rows, which the most anomalous row is always below."""
    return threshold_of_share(held, max(share, 0.5 / (len(held) - 1)))
