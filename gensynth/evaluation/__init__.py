"""Evaluation of a synthetic table: every metric between its floor and its ceiling, and a verdict in plain words."""

from __future__ import annotations

from gensynth.evaluation.evaluate import evaluate, evaluate_metric
from gensynth.evaluation.result import ColumnResult, Evaluation, MetricValue, PairResult, RelationResult, Verdict

__all__ = [
    "ColumnResult",
    "Evaluation",
    "MetricValue",
    "PairResult",
    "RelationResult",
    "Verdict",
    "evaluate",
    "evaluate_metric",
]
