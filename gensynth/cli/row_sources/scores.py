"""Scored rows as row sources: by an estimator or by an exported graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from gensynth.cli.input.images import described
from gensynth.cli.input.models import models_of
from gensynth.cli.output.cells import scored
from gensynth.cli.row_sources.interface import RowSource
from gensynth.detector.decisions import OutlierDecisions
from gensynth.engine.inputs.streams import rows_counted_from
from gensynth.engine.scoring.reasons import chosen_columns
from gensynth.tables.stream import BATCH_ROWS, batches_between

if TYPE_CHECKING:
    import pandas as pd

    from gensynth.detector import AnomalyDetector
    from gensynth.engine.scoring.analysis import Analysis
    from gensynth.export.runtime import OnnxScorer
    from gensynth.synthesizer import Synthesizer
    from gensynth.tables import Table, TableStream


class ScoredRows(RowSource):
    """Rows of a table with their scores, and the range of the scores.

    A detector's rows have p-values and labels too, unless another score method than its own is asked for.

    Parameters
    ----------
    fitted : Synthesizer or AnomalyDetector
        What scores.
    table : TableStream
        The rows.
    method : str or None
        Score method; None for the estimator's own.
    n_reasons : int
        Columns that are named as reasons at most; 0: no reasons.
    csv : bool
        Whether they are written to a CSV file.
    """

    block_rows = BATCH_ROWS

    def __init__(
        self,
        fitted: Synthesizer | AnomalyDetector,
        table: TableStream,
        method: str | None,
        n_reasons: int,
        *,
        csv: bool,
    ) -> None:
        self.fitted, self.table, self.method, self.n_reasons, self.csv = fitted, table, method, n_reasons, csv
        self.n_rows = table.n_rows
        self.labelled = method is None and isinstance(fitted, OutlierDecisions)
        labels = ("p_value", "anomaly") if self.labelled else ()
        self.added = ("score", *labels, *(("top_columns", "reason") if n_reasons else ()))

    def make(self, start: int, stop: int) -> Iterator[tuple[Table, tuple[float, float]]]:
        """Yield rows with their scores, and the range of the scores."""
        for rows, analysis in self.fitted.analyse_batches(self.table, self.method, start=start, stop=stop):
            columns: dict[str, Any] = {"score": analysis.scores}
            if self.labelled:
                columns |= self._labels(analysis)
            if self.n_reasons:
                columns |= explained(analysis, self.n_reasons)
            yield scored(described(self.table, rows), columns, csv=self.csv), _range_of(columns)

    def _labels(self, analysis: Analysis) -> dict[str, Any]:
        """Return the p-values of a detector and its labels by its own threshold."""
        detector = cast("AnomalyDetector", self.fitted)
        return {"p_value": analysis.p_values, "anomaly": ~(analysis.scores >= detector.offset_)}

    def to_gpu(self) -> None:
        """Move the models."""
        for model in models_of(self.fitted):
            model.to("cuda")


class GraphScoredRows(RowSource):
    """The same with an exported scorer, which may have p-values and labels too.

    Parameters
    ----------
    scorer : OnnxScorer
        What scores.
    table : TableStream
        The rows.
    csv : bool
        Whether they are written to a CSV file.
    """

    block_rows = BATCH_ROWS

    def __init__(self, scorer: OnnxScorer, table: TableStream, *, csv: bool) -> None:
        self.scorer, self.table, self.csv = scorer, table, csv
        self.n_rows = table.n_rows
        self.added = tuple("anomaly" if name == "label" else name for name in scorer.scores)

    def make(self, start: int, stop: int) -> Iterator[tuple[Table, tuple[float, float]]]:
        """Yield rows with their scores, and the range of the scores."""
        for rows in batches_between(self.table, start, stop):
            with rows_counted_from(int(rows.frame.index[0]), self.table):
                columns: dict[str, Any] = self.scorer.score(rows.frame)
            if "label" in columns:
                columns["anomaly"] = columns.pop("label") == -1
            yield scored(described(self.table, rows), columns, csv=self.csv), _range_of(columns)

    def to_gpu(self) -> None:
        """Move nothing: onnxruntime scores on the CPU."""


def _range_of(columns: dict[str, Any]) -> tuple[float, float]:
    scores = columns["score"]
    return float(scores.min()), float(scores.max())


def explained(analysis: Analysis, max_columns: int) -> dict[str, list[str]]:
    """Return the columns ``top_columns`` and ``reason``, which explain the score of each row."""
    found = analysis.attributions()
    said = analysis.reasons(attributions=found, max_columns=max_columns)
    return {"top_columns": top_columns(found, max_columns), "reason": said}


def top_columns(attributions: pd.DataFrame, max_columns: int) -> list[str]:
    """Return for each row the columns that its reason names, the one with the largest attribution first."""
    order, enough = chosen_columns(attributions, max_columns)
    names = [str(name) for name in attributions.columns]
    return [", ".join(names[i] for i in row[keep]) for row, keep in zip(order, enough, strict=True)]
