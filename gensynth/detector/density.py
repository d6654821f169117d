"""The density beside a detector's ensemble: training, acceptance by held-out likelihood, and weight."""

from __future__ import annotations

import contextlib
from copy import copy
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gensynth.detector.calibration import NULL_LEVELS, benjamini_hochberg, tail_p_values
from gensynth.encoding.rows import Rows
from gensynth.engine.combined import Combined, ScoreProfile, WeighedDensity
from gensynth.engine.encoded import EncodedTable
from gensynth.engine.ensemble import Ensemble
from gensynth.engine.fitted import FittedModel
from gensynth.engine.scoring import score_blocks
from gensynth.engine.tails import EmpiricalTail, GammaTail, Tail
from gensynth.errors import CapabilityError
from gensynth.nn.tabular.autoregressive_density import AutoregressiveDensity, AutoregressiveModel
from gensynth.training import Trainer
from gensynth.training.weights import Parts

NORMAL_LEVELS = (0.2, 0.7, 0.95)
"""Quantiles that the distribution of normal rows' scores is fitted to where all rows are normal."""
MIXED_LEVELS = (0.1, 0.45, 0.7)
"""The same of a density's scores where the rows may hold anomalies: farther out than `NULL_LEVELS`, as it learned
little of the rows that the ensemble rejects, and would take what is merely rare for impossible."""
MIN_ROWS = 100
"""Rows below which no density is tried: a tenth of them, held out, says nothing for sure."""
MIN_HELD_OUT = 20
"""Held-out rows below which a density's scores are compared with those of all rows."""
REJECTED_FDR = 0.05
"""Share of normal rows among those that the ensemble takes for anomalies where the rows may hold some."""
MAX_REJECTED = 0.1
"""Most of the rows that it does: more are not anomalies but another kind of rows."""
REJECTED_WEIGHT = 0.2
"""Of these rows in the density's training: without any, what is rare and normal would be impossible to it."""
LEAST_WEIGHT = 1e-3
"""Of ensemble and density in the score."""
MAX_COMPARED = 2_000
"""Rows that tell how a density's scores are distributed, at most."""
MAX_PROFILED = 200
"""Rows that say what columns usually add to the score."""

Floats = NDArray[np.float64]


def fit_combined(
    ensemble: Ensemble,
    table: EncodedTable,
    rows: Rows,
    energies: Floats,
    trainer: Trainer | None,
    seed: int,
    *,
    contaminated: bool,
) -> Combined:
    """Calibrate an ensemble's scores, with a density beside it if there is a ``trainer``.

    ``contaminated``: whether the rows may hold anomalies. Other parameters are those of `fit_density`.
    """
    rejected = rejected_rows(energies) if contaminated else None
    density = None if trainer is None else fit_density(table, rows, energies, trainer, seed, rejected)
    drawn = Parts.of(table.weights, len(rows)).draw()
    if rejected is None:
        tail: Tail = EmpiricalTail.fit(energies[drawn])
    elif density is None:
        # alone among rows that may be anomalies, how far out it sees them must not depend on how many they are
        tail = GammaTail.fit(energies[drawn], NULL_LEVELS)
    else:
        tail = EmpiricalTail.fit(energies[drawn[~rejected[drawn]]])
    return Combined(ensemble, _profile(ensemble, rows[drawn], tail), density)


def rejected_rows(energies: Floats) -> NDArray[np.bool_]:
    """Return (n,) which rows are anomalies by anomaly scores (n,), at most `MAX_REJECTED` of them."""
    found = benjamini_hochberg(tail_p_values(energies), REJECTED_FDR)
    return np.asarray(found & (energies > np.quantile(energies, 1.0 - MAX_REJECTED)))


def fit_density(
    table: EncodedTable,
    rows: Rows,
    energies: Floats,
    trainer: Trainer,
    seed: int,
    rejected: NDArray[np.bool_] | None = None,
) -> WeighedDensity | None:
    """Train a density on a detector's rows; None if it is no better than simple densities.

    It is one of columns: where rows have images there is none.

    It is judged by held-out rows: they must be more probable to it, in the mean, than to columns that are independent
    of each other and than to a joint normal distribution. No more is asked, such as significance: on a few dozen rows
    it would take away what is plain to see, and a density that says nothing new harms little, as it counts only as far
    as the ensemble disagrees with it.

    Parameters
    ----------
    table : EncodedTable
        What the ensemble was trained on.
    rows : Rows
        The same rows, to be scored.
    energies : ndarray of shape (n,)
        Their anomaly scores by the ensemble, higher = more anomalous.
    trainer : Trainer
        How the ensemble was trained.
    seed : int
        Seed of the density.
    rejected : ndarray of shape (n,), bool, or None
        Rows that the ensemble rejects: they count less. None: all rows are normal.
    """
    if len(rows) < MIN_ROWS or rows.pixels is not None:
        return None
    weights = table.weights
    if rejected is not None and rejected.any():
        weights = np.where(rejected, REJECTED_WEIGHT, 1.0) * (1.0 if weights is None else weights)
    part = replace(table, weights=weights)
    # a shallow copy: callbacks are told of this training too
    model = FittedModel.train(part, AutoregressiveDensity(), copy(trainer).set_params(checkpoint=None), seed)
    if model.held_out is None or len(model.held_out) < 2:
        return None
    held = model.held_out.draw()
    if (_gains(model, rows[held]).mean(axis=1) <= 0).any():
        return None
    scorer = Ensemble([model], {"log_likelihood": 1.0})
    own = -scorer.score(rows[held])
    weight = agreement(own, energies[held])
    compared = rows[held]
    if rejected is not None or len(held) < MIN_HELD_OUT:
        compared = rows[Parts.of(table.weights, len(rows)).draw()].evenly(MAX_COMPARED)
        own = -scorer.score(compared)
    tail = GammaTail.fit(own, NORMAL_LEVELS if rejected is None else MIXED_LEVELS)
    return WeighedDensity(model, _profile(scorer, compared, tail), weight)


def agreement(one: Floats, other: Floats) -> float:
    """Return the squared rank correlation of two scores over n >= 2 rows.

    In [`LEAST_WEIGHT`, 1 - `LEAST_WEIGHT`], and the least where they disagree.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return LEAST_WEIGHT
    correlation = max(float(stats.spearmanr(one, other).statistic), 0.0)
    return float(np.clip(correlation**2, LEAST_WEIGHT, 1.0 - LEAST_WEIGHT))


def _profile(scorer: Ensemble, rows: Rows, tail: Tail) -> ScoreProfile:
    """Return the score profile of a scorer from rows, most of which are normal."""
    some = rows.evenly(MAX_PROFILED)
    usual_map = None
    if rows.pixels is not None:
        with contextlib.suppress(CapabilityError):  # families need not tell places apart
            usual_map = np.median(scorer.maps(some), axis=0)
    return ScoreProfile(tail, np.median(scorer.attributions(some), axis=0), usual_map)


def _gains(model: FittedModel, rows: Rows) -> Floats:
    """Return the gain in log-likelihood (2, n), in nats, over two simple densities."""
    scorer = cast("AutoregressiveModel", model.scorer)
    return np.concatenate([scorer.gains(batch).cpu().numpy() for _, batch in score_blocks(scorer, rows)], axis=1)
