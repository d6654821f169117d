"""Nearest-neighbour metrics: density and coverage, alpha-precision and beta-recall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.metrics.columns import pair_of_frames
from gensynth.metrics.points import Points, nearest, points, sampled

_LEVELS = np.linspace(0.0, 1.0, 30)


@dataclass(frozen=True)
class Neighbours:
    """Result of `neighbours`.

    Parameters
    ----------
    density : float
        Real neighbourhoods that a synthetic row lies in, over how many are expected: about 1 for real rows; more where
        synthetic rows crowd where real ones are frequent, less where they lie aside.
    coverage : float
        Share of the real rows with a synthetic row in their neighbourhood, in [0, 1]; 1 is best.
    alpha_precision : float
        In [0, 1], 1 is best: as many synthetic rows lie within the innermost share alpha of the real ones as real
        ones do, for every alpha.
    beta_recall : float
        In [0, 1]: for every beta, how many real rows have a synthetic row of the innermost share beta nearer to them
        than the next real row. A second real sample has about 0.5.
    """

    density: float
    coverage: float
    alpha_precision: float
    beta_recall: float


def neighbours(
    real: Any, synthetic: Any, *, n_nearest: int = 5, max_rows: int = 5000, random_state: int = 0
) -> Neighbours:
    """Compare the neighbourhoods of rows.

    Distances are those of `gensynth.metrics.points.points`, where numbers count by their rank among the real rows: were
    both tables ranked together, real rows would move apart where synthetic ones crowd, and a collapsed sample would
    cover what it does not. In a table of a single column the real rows lie evenly by that, and density and beta-recall
    of a second real sample are about 1.2 and 0.74, not 1 and 0.5.

    Density and coverage [1]_ call the ball around a real row that reaches to its ``n_nearest``-th nearest real row its
    neighbourhood. Alpha-precision and beta-recall [2]_ take for innermost what is nearest to the mean; both curves are
    summed up as one less their distance from the diagonal, over the diagonal. The papers' images are embedded first;
    rows are not.

    Parameters
    ----------
    real, synthetic : table
        Compared with equally many rows of each.
    n_nearest : int, default=5
        Neighbours that a neighbourhood holds.
    max_rows : int, default=5000
        Most rows to take of each table.
    random_state : int, default=0
        Seed of the samples.

    Returns
    -------
    Neighbours
        The four numbers.

    Raises
    ------
    DataError
        If a table has not more rows than ``n_nearest``, or lacks a column.

    References
    ----------
    .. [1] Naeem, Oh, Uh, Choi and Yoo, "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020,
       arXiv:2002.09797, equations 3 and 4.
    .. [2] Alaa, van Breugel, Saveliev and van der Schaar, "How Faithful is your Synthetic Data? Sample-level Metrics
       for Evaluating and Auditing Generative Models", ICML 2022, arXiv:2102.08921, section 3.
    """
    left, right = pair_of_frames(real, synthetic)
    n = min(len(left), len(right), max_rows)
    if n <= n_nearest:
        raise DataError(f"{n} rows of each table have no {n_nearest} neighbours; give more rows")
    a, b = points(*(sampled(frame, n, random_state) for frame in (left, right)))
    radii = nearest(a, a, n_nearest + 1)[0]  # the nearest is the row itself
    density, coverage = _density_and_coverage(a, b, radii[:, -1], n_nearest)
    return Neighbours(density, coverage, _alpha_precision(a, b), _beta_recall(a, b, radii[:, 1]))


def _density_and_coverage(real: Points, synthetic: Points, radii: Points, n_nearest: int) -> tuple[float, float]:
    from sklearn.metrics import pairwise_distances_chunked

    hits, covered = 0, np.zeros(len(real), dtype=bool)
    # a radius of 0 holds equal rows: a distance is not exactly 0 where it is computed by a product
    reach = radii + 1e-9
    for block in pairwise_distances_chunked(synthetic, real, working_memory=64):
        inside = block <= reach
        hits += int(inside.sum())
        covered |= inside.any(0)
    return hits / (n_nearest * len(synthetic)), float(covered.mean())


def _alpha_precision(real: Points, synthetic: Points) -> float:
    centre = real.mean(0)
    own, other = (np.linalg.norm(x - centre, axis=1) for x in (real, synthetic))
    inside = np.searchsorted(np.sort(other), np.quantile(own, _LEVELS), "right") / len(other)
    return _closeness(inside)


def _beta_recall(real: Points, synthetic: Points, to_next_real: Points) -> float:
    found, which = nearest(synthetic, real)
    to_centre = np.linalg.norm(synthetic[which[:, 0]] - synthetic.mean(0), axis=1)
    near = found[:, 0] <= to_next_real + 1e-9
    recalled = [(near & (to_centre <= reach)).mean() for reach in np.quantile(to_centre, _LEVELS)]
    return _closeness(np.asarray(recalled))


def _closeness(curve: NDArray[np.float64]) -> float:
    return float(1 - np.abs(_LEVELS - curve).sum() / _LEVELS.sum())
