"""JSON summary of a command on standard output: `gensynth.cli.reports.summary_text` for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from gensynth.augmentation import AugmentReport, ModelChoice
    from gensynth.evaluation import Evaluation
    from gensynth.report.anomalies import Findings
    from gensynth.synthesizer import Synthesizer


def print_json(facts: dict[str, Any]) -> None:
    """Print facts to standard output."""
    typer.echo(json.dumps(_plain(facts), indent=2))


def _plain(value: Any) -> Any:
    """Return JSON values: numpy numbers as Python ones, None for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    plain = value.item() if type(value).__module__ == "numpy" else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return None
    return plain if plain is None or isinstance(plain, bool | int | float | str) else str(plain)


def fit_facts(synthesizer: Synthesizer, rows: int, path: Path, seconds: float) -> dict[str, Any]:
    """Return the facts of `gensynth fit`."""
    schema = synthesizer.schema_
    return {
        "written": [str(path)],
        "seconds": round(seconds, 2),
        "rows": rows,
        "epochs": synthesizer.n_iter_,
        "columns": {str(column.name): column.kind for column in schema.columns},
        "relations": [str(relation) for relation in schema.relations],
    }


def augmentation_facts(
    report: AugmentReport, written: Sequence[Path], seconds: float, evaluation: Evaluation | None = None
) -> dict[str, Any]:
    """Return the facts of `gensynth augment`."""
    fidelity, check = report.fidelity, report.check
    return {
        "written": [str(path) for path in written],
        "seconds": round(seconds, 2),
        "real_rows": report.n_real,
        "synthetic_rows": report.n_synthetic,
        "copies": report.n_copies,
        "copies_dropped": report.n_copies_dropped,
        "real_copy_share": report.real_copy_share,
        "identifiers": list(report.identifiers),
        "classes_before": report.classes_before,
        "classes_after": report.classes_after,
        "shape_error": None if fidelity is None else fidelity.shape_error,
        "trend_error": None if fidelity is None else fidelity.trend_error,
        "check": None
        if check is None
        else {
            "metric": "average precision",
            "class": check.positive,
            "synthetic": check.synthetic,
            "nothing": check.nothing,
            "weights": check.weights,
            "oversampling": check.oversampling,
            "smote": check.smote,
            "skipped": check.skipped,
            "best": check.best,
            "text": str(check),
        },
        "unchecked": report.unchecked,
        "evaluation": None if evaluation is None else evaluation.to_json(),
        "choice": None if report.choice is None else _choice(report.choice),
    }


def _choice(choice: ModelChoice) -> dict[str, Any]:
    return {
        "model": choice.model,
        "helps": choice.helps,
        "text": str(choice),
        "average_precision": {name: check.synthetic for name, check in choice.checks.items()},
        "unchecked": choice.unchecked,
        "distances": {result.name: result.distance for result in choice.comparison.results},
        "verdict": choice.comparison.verdict,
    }


def detection_facts(
    findings: Findings, written: Sequence[str], seconds: float, files: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the facts of `gensynth detect`; ``files`` are those of images."""
    return {
        "written": list(written),
        "seconds": round(seconds, 2),
        "rows": len(findings.scores),
        "anomalies": int(findings.anomalies.sum()),
        "threshold": findings.threshold,
        "most_anomalous": [
            {
                "row": at + 1,
                **({} if files is None else {"file": files[at]}),
                "score": findings.scores[at],
                "p_value": findings.p_values[at],
                "reason": reason,
            }
            for at, reason in zip(findings.shown[: findings.listed].tolist(), findings.reasons, strict=False)
        ],
    }
