"""Split of the rows of a detector into training and calibration rows."""

from __future__ import annotations

import warnings

import numpy as np

from gensynth.errors import DataError, FewRowsWarning
from gensynth.training import Trainer
from gensynth.training.weights import Parts, Weights

MAX_CALIBRATION = 5_000
"""Maximal number of held-out rows from which p-values are computed."""
MIN_ROWS = 2
FEW_ROWS = 10
"""Rows below which a detector warns that it cannot tell what is normal."""
MIN_SPLIT = 4
"""Minimal number of rows for holding any out: training needs two."""
KEPT = 0.1
"""Fraction of rows held out for p-values if the trainer holds out none, or if each member holds out different rows."""


def checked_parts(weights: Weights | None, n: int) -> Parts:
    """Return ``n`` weighted rows as parts.

    Raises
    ------
    DataError
        They come to fewer than `MIN_ROWS`; below `FEW_ROWS` there is a `FewRowsWarning`.
    """
    parts = Parts.of(weights, n)
    if len(parts) < MIN_ROWS:
        raise DataError(f"the table has {len(parts)} sample(s) (rows); a detector needs at least {MIN_ROWS}")
    if len(parts) < FEW_ROWS:
        warnings.warn(
            f"the table has {len(parts)} rows, too few to tell what is normal: scores and labels are guesses below "
            f"{FEW_ROWS}",
            FewRowsWarning,
            stacklevel=3,
        )
    return parts


def learned_and_kept(
    parts: Parts, fraction: float | None, trainer: Trainer, n_models: int, seed: int
) -> tuple[Parts, Parts | None]:
    """Split normal rows into training rows and calibration rows.

    Parameters
    ----------
    parts : Parts
        All rows.
    fraction : float or None
        Share for p-values, in (0, 0.5]. None: those that the trainer will hold out (None is returned for them) where
        it holds out any and they are the same for all models, else `KEPT`.
    trainer : Trainer
        How models are trained.
    n_models : int
        How many are.
    seed : int
        Seed of the split.
    """
    n = len(parts)
    if n < MIN_SPLIT or (fraction is None and n_models == 1 and trainer.holds_out(n)):
        return parts, None
    kept = min(max(round((KEPT if fraction is None else fraction) * n), 2), n // 2, MAX_CALIBRATION)
    order = np.random.default_rng(seed).permutation(n)
    return parts[np.sort(order[kept:])], parts[np.sort(order[:kept])]


def calibration_rows(parts: Parts, seed: int) -> Parts:
    """Return at most `MAX_CALIBRATION` of them, drawn at random."""
    chosen = np.random.default_rng(seed).permutation(len(parts))[:MAX_CALIBRATION]
    return parts[np.sort(chosen)]
