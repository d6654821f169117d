"""Further training of a fitted model on new rows of the same schema."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.capabilities import require
from gensynth.engine.fitted_model import FittedModel, check_fit
from gensynth.engine.tensors import to_batch
from gensynth.errors import ColumnWarning, DataError, DriftWarning, counted, listed
from gensynth.layout import UNKNOWN
from gensynth.metrics.drift import ColumnDrift, corrected, counts_drift
from gensynth.model import Batch
from gensynth.training import Trainer
from gensynth.training.weights import Weights, check_weights

MIN_REPLAYED = 1_000
"""Minimal number of rows replayed for earlier training data; with more new rows, as many as those."""


def updated(
    fitted: FittedModel, frame: pd.DataFrame, trainer: Trainer, seed: int, weights: Weights | None = None
) -> FittedModel:
    """Return a model trained further on new rows; the given one stays unchanged.

    Its network is trained on from its weights, on the new rows and on rows that it draws itself, which stand for those
    that it learned before and count as much (generative replay: Shin et al. 2017, "Continual Learning with Deep
    Generative Replay", arXiv:1705.08690, algorithm of section 3.2 with the ratio of the counts of rows).

    Parameters
    ----------
    fitted : FittedModel
        Of a family that draws rows.
    frame : DataFrame of shape (n, n_features)
        New rows.
    trainer : Trainer
        How to train.
    seed : int
        Seed in [0, 2**32).
    weights : ndarray of shape (n,) or None
        How often each new row counts.

    Raises
    ------
    CapabilityError
        The family cannot draw rows.
    DataError
        The table lacks a column, or has a value that cannot be read; or no row has only values that were fitted.

    Warns
    -----
    DriftWarning
        Columns whose distributions moved.
    ColumnWarning
        Rows are left out, as they hold values that were not fitted.
    """
    require(fitted.recipe, "sample")
    check_fit(fitted.recipe, trainer)
    frame = fitted.schema.align(frame)
    rows = fitted.encoder.encode(frame)
    encoder = copy.deepcopy(fitted.encoder)
    n_before = encoder.layout.n_rows
    moved = [test.name for test in moved_columns(encoder, rows) if test.moved]
    if moved:
        text = (
            f"the distributions of {counted(len(moved), 'column')} moved since the fit: {listed(moved)}; fit anew with "
            "all rows that count if that is more than chance"
        )
        warnings.warn(DriftWarning(text, tuple(moved)), stacklevel=3)
    known = np.flatnonzero((rows.codes != UNKNOWN).all(1))
    if not len(known):
        raise DataError("every row has a value that is new to the model; fit the model anew with all rows")
    if len(known) < len(rows):
        warnings.warn(
            f"{counted(len(rows) - len(known), 'row')} not learned: they have values that are new to the model; fit "
            "the model anew to learn them",
            ColumnWarning,
            stacklevel=3,
        )
    rows = rows[known]
    own = np.ones(len(rows)) if weights is None else weights[known].astype(np.float64)
    replayed = _replayed(fitted, max(len(rows), MIN_REPLAYED), seed)
    share = n_before / len(replayed)
    batch = Batch.cat([to_batch(part, torch.float32) for part in (rows, replayed)])
    both = check_weights(np.concatenate([own, np.full(len(replayed), share)]), len(batch))
    _count(encoder, rows, own, n_before)
    _know_identifiers(encoder, frame)
    model = copy.deepcopy(fitted.model)
    result = trainer.run(model, batch, seed, weights=both)
    history = pd.DataFrame(result.history)
    return FittedModel(fitted.recipe, encoder, model, fitted.container, fitted.seed, history)


def moved_columns(encoder: TableEncoder, rows: Rows) -> tuple[ColumnDrift, ...]:
    """Return the total variation between the codes of new and fitted rows, by column."""
    tests = []
    for name, i in encoder.position.items():
        column = encoder.layout.columns[i]
        old = np.asarray(column.frequencies) * encoder.layout.n_rows
        new = np.bincount(rows.codes[:, i], minlength=len(old))
        ordered = column.ordered and isinstance(encoder.columns[name], NumberEncoder)
        tests.append(counts_drift(name, old, new, ordered=ordered))
    return corrected(tests)


def _replayed(fitted: FittedModel, n: int, seed: int) -> Rows:
    """Return encoded rows sampled from the model."""
    drawn = fitted.sample(n, None, [seed, 2])
    rows = fitted.encoder.encode(fitted.schema.align(drawn))
    return rows[np.flatnonzero((rows.codes != UNKNOWN).all(1))]


def _count(encoder: TableEncoder, rows: Rows, weights: NDArray[np.float64], n_before: int) -> None:
    """Add new rows, each as often as its weight says, to how often each code occurs."""
    counts = []
    for i, column in enumerate(encoder.layout.columns):
        old = np.asarray(column.frequencies) * n_before
        whole = np.rint(old)
        if np.allclose(old, whole, rtol=1e-9, atol=1e-6):  # as it is but for weighted rows
            old = whole
        counts.append(old + np.bincount(rows.codes[:, i], weights=weights, minlength=len(old)))
    encoder.set_counts(counts, round(n_before + weights.sum().item()))


def _know_identifiers(encoder: TableEncoder, frame: pd.DataFrame) -> None:
    """Let no new identifier be one of these rows'."""
    for name, generator in encoder.generators.items():
        generator.also_know(frame[name])
    made = {name: generator.column for name, generator in encoder.generators.items()}
    columns = tuple(made.get(column.name, column) for column in encoder.schema.columns)
    encoder.schema = replace(encoder.schema, columns=columns)
