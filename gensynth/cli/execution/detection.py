"""Scores and labels of the rows of ``gensynth detect``, computed in this process or by workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gensynth.cli.row_sources.anomalies import AnomalyLabels
from gensynth.cli.terminal.messages import note
from gensynth.detector.calibration import benjamini_hochberg
from gensynth.errors import counted
from gensynth.report.anomalies import MAX_ROWS

if TYPE_CHECKING:
    from gensynth.detector import AnomalyDetector
    from gensynth.scale.cluster import Workers
    from gensynth.tables import TableStream


MIN_LISTED = 10
"""Rows that are listed with their reasons if the contamination is uncertain."""


def find_anomalies(
    detector: AnomalyDetector, table: TableStream, fdr: float | None, *, on_page: bool, workers: Workers | None = None
) -> AnomalyLabels:
    """Score and label the rows of a table, and select the rows to be explained.

    ``workers`` score them; None: this process.
    """
    if workers is None:
        found = [(analysis.scores, analysis.p_values) for _, analysis in detector.analyse_batches(table)]
    else:
        from gensynth.cli.execution.ray_rows import score_by_workers

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
    return AnomalyLabels(scores, p_values, anomalies, threshold, shown, max(n_odd, min(listed, len(shown))))


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
