"""Evaluation of a synthetic table: every metric with its floor and ceiling, and a verdict."""

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
