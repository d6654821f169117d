"""The verdict of a comparison: the recommended model and the reason, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from gensynth.comparison.result import ModelResult

CLOSE_CALL = 0.02
"""Difference in distance up to which two models are called about equally good."""


def verdict_of(results: Sequence[ModelResult]) -> str:
    """Return the verdict on ``results``, which are ranked, the best first."""
    judged = [result for result in results if result.evaluation is not None]
    failed = [f"{result.name} failed ({result.error})" for result in results if result.evaluation is None]
    if not judged:
        return f"No model could be compared: {'; '.join(failed)}."
    first, others = judged[0], judged[1:]
    parts = [_taken(first), *_useful(first)]
    parts += _others(first, [result for result in others if not result.repeats])
    repeating = [result.name for result in others if result.repeats]
    if repeating and not first.repeats:
        parts.append(f"{_and(repeating)} {'repeats' if len(repeating) == 1 else 'repeat'} training rows")
    stopped = [result.name for result in judged if result.stopped]
    if stopped:
        parts.append(f"{_and(stopped)} ran out of time and may do better with more")
    return f"{'; '.join(parts + failed)}."


def _taken(first: ModelResult) -> str:
    assert first.evaluation is not None
    auc, verdict = first["detection_auc"].value, first.evaluation.verdict
    told = f"a classifier separates its rows from real ones with an AUC of {auc:.2f} (0.50 is chance)"
    like = f"{verdict.heading[0].lower()}{verdict.heading[1:]}"
    if verdict.kind in ("real", "close"):
        return f"Use {first.name}: {like}, {told}"
    if verdict.kind == "different":
        return f"{first.name} is the best, but {like}: {told}"
    if verdict.kind == "suspicious":
        return (
            f"{first.name} is the best, but its rows may repeat real ones: detection ({auc:.2f}) is below chance, "
            "which copies can cause, as can rows that one column determines (a date, a running total)"
        )
    if verdict.kind == "poor":
        return f"None comes close to the real rows: {first.name} is the best, and {told}"
    return f"None can be recommended: even for {first.name}, the best, the verdict is {like}"


def _useful(first: ModelResult) -> list[str]:
    gap = first.tstr_gap
    if gap != gap:
        return []
    real = first["tstr"].floor
    if gap <= 0.0005:
        return [f"a model trained on them is as good as one trained on real rows ({real:.3f})"]
    return [f"a model trained on them loses {gap:.3f} of {real:.3f}"]


def _others(first: ModelResult, others: Sequence[ModelResult]) -> list[str]:
    if not others:
        return []
    near = [result.name for result in others if result.distance - first.distance <= CLOSE_CALL]
    if near:
        return [f"{_and(near)} {'is' if len(near) == 1 else 'are'} about as good"]
    second = others[0]
    return [f"{second.name} comes next (AUC {second['detection_auc'].value:.2f})"]


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
