"""What ``gensynth detect`` does with tables: checks before the training, labels and reasons after it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.cli.terminal import note
from gensynth.detector.calibration import benjamini_hochberg
from gensynth.errors import DataError, counted
from gensynth.report.anomalies import MAX_ROWS, Findings
from gensynth.schema import TableSchema

if TYPE_CHECKING:
    from gensynth.detector import AnomalyDetector
    from gensynth.tables import Table

ADDED = ("score", "p_value", "anomaly", "reason")
"""Columns of OUT that DATA has not."""
MIN_LISTED = 10
"""Rows that are listed with their reasons where the share of anomalies cannot be told."""
_MAX_NAMES = 10


def check_same_columns(frame: pd.DataFrame, normal: pd.DataFrame, data: str, train_on: str) -> None:
    """Raise `DataError` if one table has a column that the other lacks."""
    for own, other, here, there in ((frame, normal, data, train_on), (normal, frame, train_on, data)):
        absent = [repr(name) for name in own.columns if name not in other.columns]
        if absent:
            names = ", ".join(absent[:_MAX_NAMES]) + (", ..." if len(absent) > _MAX_NAMES else "")
            several = "s" if len(absent) > 1 else ""
            raise DataError(
                f"{there} lacks the column{several} {names} of {here}; both tables must have the same columns: "
                f"remove the column{several} from {here}, or add to {there}"
            )


def check_values(frame: pd.DataFrame, normal: pd.DataFrame, kinds: dict[str, str] | None) -> None:
    """Raise `DataError` for a value that cannot be read as what its column holds in the normal rows."""
    TableSchema.infer(normal, kinds).align(frame)


def find_anomalies(detector: AnomalyDetector, table: Table, fdr: float | None, *, on_page: bool) -> Findings:
    """Score and label the rows of a table, and explain the labelled ones and those that go on the page."""
    analysis = detector.analyse(table.frame)
    scores, p_values = analysis.scores, analysis.p_values
    anomalies = ~(scores >= detector.offset_) if fdr is None else benjamini_hochberg(p_values, fdr)
    n_odd = int(anomalies.sum())
    threshold: float | None = detector.offset_
    if fdr is not None:
        threshold = float(scores[anomalies].max()) if n_odd else None
        _tell_of_few_normal_rows(p_values, n_odd, len(detector.calibration_scores_), fdr)
    # the labelled rows are those with the lowest scores, so that they come first
    listed = MIN_LISTED if fdr is None and _tell_of_unsure_share(detector, n_odd, len(scores)) else 0
    shown = np.argsort(scores, kind="stable")[: max(n_odd, listed, MAX_ROWS if on_page else 0)]
    attributions, reasons = pd.DataFrame(), []
    if len(shown):
        attributions = analysis.attributions(shown)
        reasons = analysis.reasons(shown, attributions=attributions)
    cells = (table.frame if table.text is None else table.text).iloc[shown]
    identifiers = [str(c.name) for c in detector.estimators_[0].schema.columns if c.kind == "identifier"]
    first = next((name for name in cells.columns if name in identifiers), None)
    listed = max(n_odd, min(listed, len(shown)))
    return Findings(scores, p_values, anomalies, threshold, shown, reasons, attributions, cells, first, listed)


def _tell_of_few_normal_rows(p_values: NDArray[np.float64], n_odd: int, n_normal: int, fdr: float) -> None:
    """Write a note if rows are as odd as p-values can say, and yet none is labelled."""
    at_the_end = int(np.sum(p_values <= 1.0 / (1 + n_normal)))
    if at_the_end and not n_odd:
        note(
            f"--fdr {fdr:g} labels no row: p-values are counted among {n_normal:,} held-out normal rows, too few for "
            f"the {at_the_end:,} oddest of {len(p_values):,} rows to stand out; give more normal rows, or leave out "
            "--fdr"
        )


def _tell_of_unsure_share(detector: AnomalyDetector, n_odd: int, n: int) -> bool:
    """Return whether the share of anomalies cannot be told from the scores; write a note if so."""
    if detector.contamination_range_ is None:
        return False
    low, high = (round(share * n) for share in detector.contamination_range_)
    if n_odd > 1 and high <= 2 * max(low, 1) + 2:
        return False
    least = min(low, n_odd) if n_odd > 1 else 0
    note(
        f"how many rows are anomalies cannot be told from the scores: {least:,} to {max(high, n_odd):,} would fit; "
        f"{counted(n_odd, 'row')} labelled, and the {min(MIN_LISTED, n)} most anomalous are listed. Look at them, then "
        "choose --contamination SHARE, or give normal rows with --train-on"
    )
    return True


def reasons_of(findings: Findings) -> list[str]:
    """Return the reason of each row of the table: empty for rows that are not listed."""
    out = [""] * len(findings.scores)
    for at, reason in zip(findings.shown[: findings.listed], findings.reasons, strict=False):
        out[at] = reason
    return out


def page_facts(
    detector: AnomalyDetector, model: str, *, found: Findings, data: str, train_on: str | None, fdr: float | None
) -> tuple[list[tuple[str, str]], str]:
    """Return what was done, in names and values, and what the p-values are."""
    n_normal = len(detector.calibration_scores_)
    members = detector.scaling_.n_members
    networks = f"{members} networks" if members > 1 else "1 network"
    beside = "" if detector.density_ is None else ", and a density beside it"
    facts = [
        ("Data", f"{data}: {counted(len(found.scores), 'row')}, {counted(detector.n_features_in_, 'column')}"),
        ("Model", f"{model}, {networks}{beside}; score: {_score_words(detector)}"),
    ]
    if train_on is None:
        facts.append(("Trained on", "the same rows, of which those that look worst are not learned from"))
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
    """Return what the findings are to be found again by."""
    return f"seed {detector.seed_}, {datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"


def _score_words(detector: AnomalyDetector) -> str:
    """Return the score methods that are added up: "elbo + denoising"."""
    weights = detector.score_weights_
    return " + ".join(name if weight == 1 else f"{weight:g} {name}" for name, weight in weights.items())
