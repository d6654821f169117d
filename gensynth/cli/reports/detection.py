"""Facts and footer of the page of ``gensynth detect``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from gensynth.cli.input.models import image_schema
from gensynth.errors import counted
from gensynth.report.anomalies import Findings

if TYPE_CHECKING:
    from gensynth.detector import AnomalyDetector


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
