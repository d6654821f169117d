"""Rows of ``gensynth detect`` as a row source: with their scores, p-values, labels and reasons."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.cli.input.images import added_names, described, pictured
from gensynth.cli.input.models import models_of
from gensynth.cli.output.cells import scored
from gensynth.cli.row_sources.interface import RowSource
from gensynth.errors import CapabilityError
from gensynth.report.anomalies import MAX_ROWS, Findings
from gensynth.tables.stream import BATCH_ROWS, batches_between

if TYPE_CHECKING:
    from gensynth.detector import AnomalyDetector
    from gensynth.engine.scoring.analysis import Analysis
    from gensynth.tables import Table, TableStream

ADDED = ("score", "p_value", "anomaly", "reason")
"""Columns that OUT has in addition to those of DATA."""


@dataclass(frozen=True)
class AnomalyLabels:
    """Scores and labels of the rows of a table.

    Parameters
    ----------
    scores, p_values, anomalies : ndarray of shape (n,)
        Of all rows.
    threshold : float or None
        Score that the labelled rows lie below; None if no row was far enough out.
    shown : ndarray of shape (k,)
        Positions of the oddest rows, the oddest first.
    listed : int
        How many of them are listed with their reasons.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    anomalies: NDArray[np.bool_]
    threshold: float | None
    shown: NDArray[np.int64]
    listed: int


@dataclass(frozen=True)
class RowExplanation:
    """What the page shows of a row: its rank, what speaks against it, its cells, and a map of its image."""

    rank: int
    reason: str
    attributions: pd.DataFrame
    cells: pd.DataFrame
    unusual: NDArray[np.float64] | None


class DetectedRows(RowSource):
    """Rows of a table with what a detector found; the oddest of them are told, explained.

    Parameters
    ----------
    detector : AnomalyDetector
        What scored them.
    labels : AnomalyLabels
        What it found.
    table : TableStream
        The rows.
    weight : str or None
        Column of weights, which is not explained.
    csv : bool
        Whether they are written to a CSV file.
    """

    tells_of_all = True
    block_rows = BATCH_ROWS

    def __init__(
        self, detector: AnomalyDetector, labels: AnomalyLabels, table: TableStream, weight: str | None, *, csv: bool
    ) -> None:
        self.detector, self.labels, self.table, self.weight, self.csv = detector, labels, table, weight, csv
        self.n_rows = table.n_rows
        self._rank = np.full(len(labels.scores), -1, dtype=np.int64)
        self._rank[labels.shown] = np.arange(len(labels.shown))

    def to_gpu(self) -> None:
        """Move the models of the detector."""
        for model in models_of(self.detector):
            model.to("cuda")

    def make(self, start: int, stop: int) -> Iterator[tuple[Table, list[RowExplanation]]]:
        """Yield rows with what was found, and the oddest of them, explained."""
        labels, at = self.labels, start
        for rows in batches_between(self.table, start, stop):
            part = slice(at, at + len(rows))
            reasons, explained = self.explain(rows if self.weight is None else rows.without(self.weight), at)
            added = (labels.scores[part], labels.p_values[part], labels.anomalies[part], reasons)
            yield scored(described(self.table, rows), dict(zip(ADDED, added, strict=True)), csv=self.csv), explained
            at += len(rows)

    def explain(self, batch: Table, start: int) -> tuple[list[str], list[RowExplanation]]:
        """Return the reasons of the rows from ``start`` on, empty for rows that are not listed, and the oddest ones."""
        rank = self._rank[start : start + len(batch)]
        at = np.flatnonzero(rank >= 0)
        reasons, oddest = [""] * len(batch), list[RowExplanation]()
        if not len(at):
            return reasons, oddest
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # was said when all rows were scored
            analysis = self.detector.analyse(batch.frame.iloc[at])
        attributions = analysis.attributions()
        cells = pictured(self.table, batch).iloc[at]
        maps = score_maps(analysis)
        for i, reason in enumerate(analysis.reasons(attributions=attributions)):
            own = int(rank[at[i]])
            if own < self.labels.listed:
                reasons[at[i]] = reason
            if own < MAX_ROWS:
                unusual = None if maps is None else maps[i]
                oddest.append(RowExplanation(own, reason, attributions.iloc[[i]], cells.iloc[[i]], unusual))
        return reasons, oddest

    def findings(self, told: Iterable[list[RowExplanation]]) -> Findings:
        """Return what the page and the summary show, of what was told of all rows."""
        labels, kept = self.labels, sorted((one for part in told for one in part), key=lambda one: one.rank)
        attributions = pd.concat([one.attributions for one in kept]) if kept else pd.DataFrame()
        cells = pd.concat([one.cells for one in kept]) if kept else pd.DataFrame()
        identifiers = [str(c.name) for c in self.detector.estimators_[0].schema.columns if c.kind == "identifier"]
        identifiers += added_names(self.table)
        return Findings(
            labels.scores,
            labels.p_values,
            labels.anomalies,
            labels.threshold,
            labels.shown,
            [one.reason for one in kept],
            attributions,
            cells,
            next((name for name in cells.columns if name in identifiers), None),
            labels.listed,
            [one.unusual for one in kept],
        )


def score_maps(analysis: Analysis) -> NDArray[np.float64] | None:
    """Return (n, h, w) what each place of the images adds to minus their scores; None without images, or where the
    models cannot say.
    """
    try:
        return analysis.maps()
    except CapabilityError:
        return None
