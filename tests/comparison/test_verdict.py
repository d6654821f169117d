"""Which model to take, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evaluated_tables import Kind, evaluation

from gensynth.comparison.result import ModelResult, ranked
from gensynth.comparison.verdict import verdict_of


def result(name: str, kind: Kind, **options: object) -> ModelResult:
    return replace(ModelResult(name, 1.0, 0.1, evaluation=evaluation(kind)), **options)  # type: ignore[arg-type]


def test_those_that_repeat_rows_come_after_all_others_and_failures_last() -> None:
    given = [result("f", "real", evaluation=None, error="why"), result("c", "copies"), result("l", "leaning")]
    given += [result("p", "poor"), result("r", "real"), result("i", "independent")]
    order = [found.name for found in ranked(given)]
    assert order[0] == "r"
    assert set(order[1:3]) == {"p", "i"}
    assert set(order[3:5]) == {"c", "l"}
    assert order[5] == "f"


def test_the_best_is_recommended_and_the_next_is_named() -> None:
    said = verdict_of([result("vae", "real"), result("gan", "poor"), result("knn", "copies")])
    assert said.startswith("Use vae: like a second sample of real rows, a classifier separates its rows from real ones")
    assert "a model trained on them" in said
    assert "gan comes next (AUC 1.00)" in said
    assert said.endswith("knn repeats training rows.")


def test_equals_are_called_so() -> None:
    assert "b and c are about as good" in verdict_of([result(name, "real") for name in "abc"])
    assert "b is about as good" in verdict_of([result(name, "real") for name in "ab"])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("copies", "None can be recommended: even for m, the best, the verdict is copies of real rows"),
        ("leaning", "None can be recommended: even for m, the best, the verdict is real rows repeated"),
        ("independent", "None can be recommended: even for m, the best, the verdict is independent columns"),
        ("poor", "None comes close to the real rows: m is the best"),
    ],
)
def test_what_is_not_good_is_not_recommended(kind: Kind, said: str) -> None:
    assert verdict_of([result("m", kind)]).startswith(said)


def test_time_and_failures_are_told() -> None:
    said = verdict_of([result("m", "real", stopped=True), result("f", "real", evaluation=None, error="no memory")])
    assert "m ran out of time and may do better with more" in said
    assert said.endswith("f failed (no memory).")
