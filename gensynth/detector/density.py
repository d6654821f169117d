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
from gensynth.detector.options import with_part_of_time
from gensynth.encoding.rows import Rows
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.inputs.encoded_table import EncodedTable
from gensynth.engine.scoring.detector_score import DetectorScorer, ScoreProfile, WeighedDensity
from gensynth.engine.scoring.ensemble import Ensemble
from gensynth.engine.scoring.row_scores import score_blocks
from gensynth.engine.scoring.tails import EmpiricalTail, GammaTail, Tail
from gensynth.errors import CapabilityError
from gensynth.nn.tabular.autoregressive_density import AutoregressiveDensity, AutoregressiveModel
from gensynth.training import Trainer
from gensynth.training.weights import Parts

NORMAL_LEVELS = (0.2, 0.7, 0.95)
"""Quantiles to which the distribution of normal rows' scores is fitted if all rows are normal."""
MIXED_LEVELS = (0.1, 0.45, 0.7)
"""The same for a density's scores if the rows may hold anomalies: farther out than `NULL_LEVELS`, as the density has
low weights for rejected rows, and would score merely rare rows as impossible."""
MIN_ROWS = 100
"""Minimal number of rows for a density: a tenth of them, held out, must be enough for a comparison."""
MIN_HELD_OUT = 20
"""Held-out rows below which a density's scores are compared with those of all rows."""
REJECTED_FDR = 0.05
"""False discovery rate of the rows that the ensemble rejects if the rows may hold anomalies."""
CONFIRMED = 5.0
"""Nats by the density from which a rejected row is left out of the ensemble's distribution of normal rows' scores: an
ensemble rejects normal rows that are merely rare or large, too."""
MAX_REJECTED = 0.1
"""Maximal fraction of rejected rows."""
CLUSTER = 0.075
"""Fraction of rejected rows beyond which they may be a cluster of normal rows."""
BACKGROUND = 0.1
"""Part of a simple density that is mixed into the density before they are compared: else a single anomaly among the
held-out rows, which a good density finds impossible, would outweigh all others."""
REJECTED_WEIGHT = 0.2
"""Weight of rejected rows in the density's training: with weight 0, rare normal rows would be impossible."""
LEAST_WEIGHT = 1e-3
"""Minimal weight of ensemble and density in the score."""
MAX_COMPARED = 2_000
"""Maximal number of rows to which the distribution of a density's scores is fitted."""
MAX_PROFILED = 200
"""Maximal number of rows for the usual contribution of each column to the score."""

Floats = NDArray[np.float64]


def fit_combined(
    ensemble: Ensemble,
    table: EncodedTable,
    rows: Rows,
    anomaly_scores: Floats,
    trainer: Trainer | None,
    seed: int,
    *,
    contaminated: bool,
) -> DetectorScorer:
    """Calibrate an ensemble's scores, with a density beside it if there is a ``trainer``.

    ``contaminated``: whether the rows may hold anomalies. Other parameters are those of `fit_density`.
    """
    rejected = rejected_rows(anomaly_scores) if contaminated else None
    density = None
    if trainer is not None:
        density, rejected = _fit_beside(table, rows, anomaly_scores, trainer, seed, rejected)
    drawn = Parts.of(table.weights, len(rows)).draw()
    if rejected is None:
        tail: Tail = EmpiricalTail.fit(anomaly_scores[drawn])
    elif density is None:
        # without a density, the tail of normal rows must not depend on the number of anomalies
        tail = GammaTail.fit(anomaly_scores[drawn], NULL_LEVELS)
    else:
        odd = rejected[drawn]
        if odd.any():
            odd[odd] = density.nats(rows[drawn[odd]]) >= CONFIRMED
        tail = EmpiricalTail.fit(anomaly_scores[drawn[~odd]])
    return DetectorScorer(ensemble, _profile(ensemble, rows[drawn], tail), density)


def rejected_rows(anomaly_scores: Floats) -> NDArray[np.bool_]:
    """Return (n,) which rows are anomalies by anomaly scores (n,), at most `MAX_REJECTED` of them."""
    found = benjamini_hochberg(tail_p_values(anomaly_scores), REJECTED_FDR)
    return np.asarray(found & (anomaly_scores > np.quantile(anomaly_scores, 1.0 - MAX_REJECTED)))


def _fit_beside(
    table: EncodedTable,
    rows: Rows,
    anomaly_scores: Floats,
    trainer: Trainer,
    seed: int,
    rejected: NDArray[np.bool_] | None,
) -> tuple[WeighedDensity | None, NDArray[np.bool_] | None]:
    """Return the density, and the rows that the ensemble rejects, unless they are a cluster of normal rows.

    Many rejected rows are a cluster if a density that learns all rows alike finds them no less likely than the least
    likely normal rows, of which there would be as many.
    """
    if rejected is None or rejected.mean() <= CLUSTER:
        return fit_density(table, rows, anomaly_scores, trainer, seed, rejected), rejected
    none, trainer = np.zeros_like(rejected), with_part_of_time(trainer, 2)
    density = fit_density(table, rows, anomaly_scores, trainer, seed, none)
    if density is None or np.median(density.nats(rows[np.flatnonzero(rejected)])) <= -np.log(rejected.mean()):
        return density, none
    return fit_density(table, rows, anomaly_scores, trainer, seed, rejected), rejected


def fit_density(
    table: EncodedTable,
    rows: Rows,
    anomaly_scores: Floats,
    trainer: Trainer,
    seed: int,
    rejected: NDArray[np.bool_] | None = None,
) -> WeighedDensity | None:
    """Train a density on a detector's rows; None if it is no better than simple densities.

    There is none for rows with images.

    It is accepted if the mean log-likelihood of held-out rows is higher under its mixture with a part (`BACKGROUND`) of
    a simple density than under that one: independent columns, and a joint normal distribution. A significance test
    would reject good densities on a few dozen rows, and a useless density does little harm, as its weight is its
    disagreement with the ensemble.

    Parameters
    ----------
    table : EncodedTable
        The training table of the ensemble.
    rows : Rows
        The same rows, encoded for scoring.
    anomaly_scores : ndarray of shape (n,)
        Their anomaly scores by the ensemble, higher = more anomalous.
    trainer : Trainer
        Trainer of the ensemble.
    seed : int
        Seed of the density.
    rejected : ndarray of shape (n,), bool, or None
        Rows that the ensemble rejects, which get a lower weight. None: all rows are normal.
    """
    if len(rows) < MIN_ROWS or rows.pixels is not None:
        return None
    weights = table.weights
    if rejected is not None and rejected.any():
        weights = np.where(rejected, REJECTED_WEIGHT, 1.0) * (1.0 if weights is None else weights)
    part = replace(table, weights=weights)
    # a shallow copy, with the same callbacks
    model = FittedModel.train(part, AutoregressiveDensity(), copy(trainer).set_params(checkpoint=None), seed)
    if model.held_out is None or len(model.held_out) < 2:
        return None
    held = model.held_out.draw()
    if (_gains(model, rows[held]).mean(axis=1) <= 0).any():
        return None
    scorer = Ensemble([model], {"log_likelihood": 1.0})
    own = -scorer.score(rows[held])
    weight = agreement(own, anomaly_scores[held])
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
        with contextlib.suppress(CapabilityError):  # families need not have maps
            usual_map = np.median(scorer.maps(some), axis=0)
    return ScoreProfile(tail, np.median(scorer.attributions(some), axis=0), usual_map)


def _gains(model: FittedModel, rows: Rows) -> Floats:
    """Return the gain in log-likelihood (2, n), in nats, over two simple densities, >= log of `BACKGROUND`."""
    scorer = cast("AutoregressiveModel", model.scorer)
    gains = np.concatenate([scorer.gains(batch).cpu().numpy() for _, batch in score_blocks(scorer, rows)], axis=1)
    return np.asarray(np.logaddexp(np.log1p(-BACKGROUND) + gains, np.log(BACKGROUND)))
