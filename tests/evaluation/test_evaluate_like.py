"""Floors and ceilings of one evaluation, used for another beside the same real rows."""

from __future__ import annotations

import pytest
from evaluated_tables import bills, evaluation, synthetic

from gensynth.errors import OptionError
from gensynth.evaluation import evaluate
from gensynth.evaluation.evaluate import _prepared


def test_it_is_the_same_evaluation() -> None:
    real, held = bills(120, 0), bills(120, 2)
    first = evaluate(real, synthetic("poor", 120), held, target="late", metrics={})
    alone = evaluate(real, bills(120, 3), held, target="late", metrics={})
    told: list[str] = []
    found = evaluate(
        real, bills(120, 3), held, target="late", metrics={}, like=first, progress=lambda title, _: told.append(title)
    )
    assert found.values == alone.values
    assert found.verdict == alone.verdict
    assert (found.columns, found.pairs) == (alone.columns, alone.pairs)
    *_, available = _prepared(real, bills(120, 3), held, "late", None, {}, 0)
    assert len(told) == len(available) + 1, "nothing was computed for real rows and independent columns"


@pytest.mark.parametrize(
    "given",
    [
        {"real": bills(500, 5)},
        {"synthetic": bills(400, 3)},
        {"target": "city"},
        {"random_state": 1},
    ],
)
def test_other_tables_are_refused(given) -> None:
    options = {"real": bills(500, 0), "synthetic": bills(500, 3), "holdout": bills(500, 2), "target": "late"} | given
    with pytest.raises(OptionError, match="leave it out"):
        evaluate(**options, metrics={}, like=evaluation("real"))


def test_other_held_out_rows_are_refused() -> None:
    real = bills(120, 0)
    first = evaluate(real, bills(120, 3), bills(120, 2), metrics={})
    with pytest.raises(OptionError, match="leave it out"):
        evaluate(real, bills(120, 3), bills(120, 4), metrics={}, like=first)
