"""The steps of ``gensynth detect``: checks before training, labels and reasons after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.cli.fitted import image_schema
from gensynth.cli.images import check_beside
from gensynth.cli.terminal import note
from gensynth.cli.training import declared_kinds
from gensynth.cli.weights import split_weights
from gensynth.detector.calibration import benjamini_hochberg
from gensynth.engine.imagestreams import DETECTOR_VALUES, memory_rows_of
from gensynth.engine.streams import BatchWarnings, rows_counted_from
from gensynth.errors import DataError, counted
from gensynth.report.anomalies import MAX_ROWS, Findings
from gensynth.schema import TableSchema
from gensynth.tables.imagestream import ImageStream

if TYPE_CHECKING:
    from gensynth.detector import AnomalyDetector
    from gensynth.scale.cluster import Workers
    from gensynth.tables import Table, TableStream

MIN_LISTED = 10
"""Rows that are listed with their reasons if the contamination is uncertain."""
_MAX_NAMES = 10


def check_same_columns(names: Sequence[Any], normal: Sequence[Any], data: str, train_on: str) -> None:
    """Raise `DataError` if one table has a column that the other lacks."""
    for own, other, here, there in ((names, normal, data, train_on), (normal, names, train_on, data)):
        absent = [repr(name) for name in own if name not in other]
        if absent:
            columns = ", ".join(absent[:_MAX_NAMES]) + (", ..." if len(absent) > _MAX_NAMES else "")
            several = "s" if len(absent) > 1 else ""
            raise DataError(
                f"{there} lacks the column{several} {columns} of {here}; both tables must have the same columns: "
                f"remove the column{several} from {here}, or add to {there}"
            )


def rows_to_learn(
    table: TableStream, most: int | None, kinds: Sequence[str] | None, weight: str | None, seed: int
) -> tuple[Table, NDArray[np.float64] | None, dict[str, str] | None]:
    """Return the rows that are learned from, ``most`` at most, their weights, and what kinds of columns were declared.

    None as ``most``: as many as are in memory at a time.
    """
    declared = declared_kinds(kinds, [str(name) for name in table.names])
    most = most or memory_rows_of(table, declared, DETECTOR_VALUES)
    rows, weights = split_weights(table.sample(most, seed), weight)
    return rows, weights, declared_kinds(kinds, list(rows.frame.columns))


def check_fits(
    table: TableStream, normal: pd.DataFrame, kinds: dict[str, str] | None, data: str, train_on: str
) -> None:
    """Raise `DataError` if columns are not those of the normal rows, or a value is not what its column holds there."""
    if isinstance(table, ImageStream):  # labels that the normal images have not are ignored, with a note
        check_beside(table, list(normal.columns), f"the normal images of {train_on} have")
    else:
        check_same_columns(table.names, list(normal.columns), data, train_on)
    schema = TableSchema.infer(normal, kinds, learn_constants=True)  # as the detector does
    said = BatchWarnings()
    for batch in table.batches():
        with said.batch(), rows_counted_from(int(batch.frame.index[0]), table):
            schema.align(batch.frame)


@dataclass(frozen=True)
class Labels:
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


def find_anomalies(
    detector: AnomalyDetector, table: TableStream, fdr: float | None, *, on_page: bool, workers: Workers | None = None
) -> Labels:
    """Score and label the rows of a table, and select the rows to be explained.

    ``workers`` score them; None: this process.
    """
    if workers is None:
        found = [(analysis.scores, analysis.p_values) for _, analysis in detector.analyse_batches(table)]
    else:
        from gensynth.cli.spreading import score_by_workers

        found = list(score_by_workers(detector, table, workers))
    scores, p_values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    anomalies = ~(scores >= detector.offset_) if fdr is None else benjamini_hochberg(p_values, fdr)
    n_odd = int(anomalies.sum())
    threshold: float | None = detector.offset_
    if fdr is not None:
        threshold = float(scores[anomalies].max()) if n_odd else None
        _note_few_normal_rows(p_values, n_odd, len(detector.calibration_scores_), fdr)
    # the labelled rows are those with the lowest scores, so that they come first
    listed = MIN_LISTED if fdr is None and _note_uncertain_share(detector, n_odd, len(scores)) else 0
    shown = np.argsort(scores, kind="stable")[: max(n_odd, listed, MAX_ROWS if on_page else 0)]
    return Labels(scores, p_values, anomalies, threshold, shown, max(n_odd, min(listed, len(shown))))


def _note_few_normal_rows(p_values: NDArray[np.float64], n_odd: int, n_normal: int, fdr: float) -> None:
    """Write a note if rows have the smallest possible p-value and yet none is labelled."""
    at_the_end = int(np.sum(p_values <= 1.0 / (1 + n_normal)))
    if at_the_end and not n_odd:
        note(
            f"--fdr {fdr:g} labels no row: with {n_normal:,} held-out normal rows the p-values of the {at_the_end:,} "
            f"most anomalous of {len(p_values):,} rows cannot be small enough; give more normal rows, or leave out "
            "--fdr"
        )


def _note_uncertain_share(detector: AnomalyDetector, n_odd: int, n: int) -> bool:
    """Return whether the scores leave the contamination uncertain; write a note if so."""
    if detector.contamination_range_ is None:
        return False
    low, high = (round(share * n) for share in detector.contamination_range_)
    if n_odd > 1 and high <= 2 * max(low, 1) + 2:
        return False
    least = min(low, n_odd) if n_odd > 1 else 0
    note(
        f"the number of anomalies is uncertain: {least:,} to {max(high, n_odd):,} rows are plausible by their scores; "
        f"{counted(n_odd, 'row')} labelled, and the {min(MIN_LISTED, n)} most anomalous are listed. Look at them, then "
        "choose --contamination SHARE, or give normal rows with --train-on"
    )
    return True


def page_facts(
    detector: AnomalyDetector, model: str, *, found: Findings, data: str, train_on: str | None, fdr: float | None
) -> tuple[list[tuple[str, str]], str]:
    """Return the facts of the page, and the meaning of the p-values."""
    n_normal = len(detector.calibration_scores_)
    members = detector.scaling_.n_members
    networks = f"{members} networks" if members > 1 else "1 network"
    beside = "" if detector.density_ is None else ", and a density beside it"
    facts = [
        ("Data", f"{data}: {counted(len(found.scores), 'row')}, {counted(detector.n_features_in_, 'column')}"),
        ("Model", f"{model}, {networks}{beside}; score: {_score_words(detector)}"),
    ]
    if train_on is None:
        left_out = "" if image_schema(detector) is not None else ", of which those that look worst are not learned from"
        facts.append(("Trained on", f"the same rows{left_out}"))
        p_value = "p is a row's rank among all rows: the share of rows with scores as low as its own."
        came = "estimated from the scores" if detector.contamination == "auto" else "given"
        chosen = f"by the share of anomalies, which was {came}"
    else:
        facts.append(("Trained on", f"{train_on}, taken for normal; {n_normal:,} of its rows held out for p-values"))
        p_value = "p is the probability of a score as low as the row's own among normal rows."
        below = round(detector.contamination_ * n_normal)
        chosen = f"so that {below:,} of the {n_normal:,} held-out normal rows lie below it"
    where = "below"
    if fdr is not None:
        where = "up to"
        chosen = f"so that at most {fdr:g} of the labelled rows are expected to be normal (Benjamini-Hochberg)"
    if found.threshold is None:
        facts.append(("Threshold", "none: no row stands out enough"))
    else:
        facts.append(("Threshold", f"scores {where} {found.threshold:.4g} are labelled"))
    facts.append(("Chosen", chosen))
    return facts, p_value


def page_foot(detector: AnomalyDetector) -> str:
    """Return the footer of the page: seed, version and date."""
    return f"seed {detector.seed_}, {datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"


def _score_words(detector: AnomalyDetector) -> str:
    """Return the summed score methods as text: "elbo + denoising"."""
    weights = detector.score_weights_
    return " + ".join(name if weight == 1 else f"{weight:g} {name}" for name, weight in weights.items())
