"""Comparison of exported graphs with what they were made of, on rows of their own."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.conformal import conformal_p_values
from gensynth.engine.ensemble import RowScorer
from gensynth.engine.scoring import LEAST
from gensynth.errors import DataError, ExportError
from gensynth.export.columns import ColumnPort
from gensynth.export.feeds import aligned_feeds
from gensynth.export.runtime import Session
from gensynth.export.scorer import Calibration
from gensynth.export.tails import tie
from gensynth.schema import Column
from gensynth.schema.align import align_column

MAX_DIFFERENCE = 1e-5
"""Relative difference of scores above which nothing is written."""
STRANGE = 0.05
"""Share of a column's cells in the rows of a check that are missing, far out, or were never fitted."""
_SEED = 20


@dataclass(frozen=True)
class Checked:
    """What a check of a graph found.

    Parameters
    ----------
    rows : int
        Rows that were compared; 0 where nothing was.
    difference : float
        Of a scorer the largest relative difference of scores, of a sampler the share of cells that differ.
    runtime : str
        What ran the graph.
    """

    rows: int
    difference: float
    runtime: str


def check_scorer(
    model: onnx.ModelProto, scorer: RowScorer, calibration: Calibration | None, ports: list[ColumnPort], n: int
) -> Checked:
    """Compare the scores of ``n`` drawn rows.

    Raises
    ------
    ExportError
        Scores differ by more than `MAX_DIFFERENCE`, or a label does.
    """
    if n == 0:
        return Checked(0, 0.0, "")
    session = Session(model)
    frame = drawn_frame(scorer.encoder, n, np.random.default_rng(_SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that were never fitted: these rows have some on purpose
        aligned, rows = scorer.encode(frame)
    found = session.run(aligned_feeds(aligned, scorer.encoder.schema, ports))
    wanted = scorer.score(rows)
    difference = relative_difference(found["score"], wanted)
    worst = float(difference.max())
    if not worst <= MAX_DIFFERENCE:
        at = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        raise ExportError(
            f"the exported scorer differs from the model by {worst:.2g} in units of the score (at most "
            f"{MAX_DIFFERENCE:g} is allowed): {found['score'][at]:.9g} and {wanted[at]:.9g} for the row "
            f"{aligned.iloc[at].to_dict()}; nothing was written"
        )
    if calibration is not None:
        _check_decisions(found, wanted, calibration)
    return Checked(n, worst, session.description)


def relative_difference(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative differences (n,) of scores; those near 0 are as exact as `LEAST` is."""
    return np.asarray(np.abs(found - wanted) / np.maximum(np.abs(wanted), LEAST))


def _check_decisions(found: dict[str, NDArray[Any]], wanted: NDArray[np.float64], calibration: Calibration) -> None:
    near = 100.0 * tie(wanted)
    sure = np.abs(wanted - calibration.offset) > near
    labels = np.where(wanted < calibration.offset, -1, 1)
    if (sure & (found["label"] != labels)).any():
        raise ExportError("labels of the exported scorer differ from the detector's; nothing was written")
    low, high = (conformal_p_values(wanted + side * near, calibration.scores) for side in (-1, 1))
    if ((found["p_value"] < low - 1e-12) | (found["p_value"] > high + 1e-12)).any():
        raise ExportError("p-values of the exported scorer differ from the detector's; nothing was written")


def drawn_frame(encoder: TableEncoder, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return rows that look like fitted ones column by column, some of whose cells are strange.

    Missing cells, numbers and dates far out, categories that were never fitted: where a column can hold such.
    """
    kept = n // 2 if encoder.rules is not None else 0  # rows that keep the relations, and rows that break them
    parts = [_drawn(encoder, kept, rng)] if kept else []
    frame = pd.concat([*parts, _drawn(encoder.plain, n - kept, rng)], ignore_index=True)
    for name, own in encoder.columns.items():
        frame[name] = _with_strange_cells(frame[name], own, encoder.schema[name], rng)
    return frame


def _drawn(encoder: TableEncoder, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return decoded rows whose codes are independent of each other."""
    layout = encoder.layout
    codes = np.zeros((n, len(layout.columns)), dtype=np.int32)
    numeric = rng.random((n, layout.n_numeric))
    for i, column in enumerate(layout.columns):
        shares = np.asarray(column.frequencies)
        if shares.sum() > 0:
            codes[:, i] = rng.choice(len(shares), n, p=shares / shares.sum())
        if column.holds("continuous") and column.numeric is not None:
            numeric[:, column.numeric.index] = rng.standard_normal(n) * rng.choice([0.5, 1.0, 3.0], n)
    return encoder.decode(Rows(numeric, codes), rng)


def _with_strange_cells(series: pd.Series[Any], own: Any, column: Column, rng: np.random.Generator) -> pd.Series[Any]:
    """Return the cells, some replaced by strange ones, as far as the column takes them."""
    for strange in _strange_values(series, own):
        cells = series.astype(object)
        cells[rng.random(len(cells)) < STRANGE] = strange
        try:
            align_column(cells, column)
        except (DataError, TypeError, ValueError, OverflowError):
            continue
        series = cells
    return series


def _strange_values(series: pd.Series[Any], own: Any) -> list[Any]:
    if isinstance(own, CategoryEncoder):
        levels = own.labels.index.tolist()
        new: Any = "never seen" if not levels or isinstance(levels[0], str) else 987_654_321
        if own.column.kind == "boolean":  # a boolean input has no missing cells
            return [None] if own.n_missing else []
        return [None, new]
    assert isinstance(own, NumberEncoder)
    if own.column.kind != "numeric" or own.column.notation is not None or own.n_specials:
        return [None]
    present = series.dropna()
    if own.column.decimals == 0:
        return [None, 10**15, -3]
    return [None, 1e300, -1e12] if len(present) else [None]
