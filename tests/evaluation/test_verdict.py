"""What is said of numbers."""

from __future__ import annotations

import pytest

from gensynth.evaluation import ColumnResult, MetricValue, PairResult, Verdict
from gensynth.evaluation.verdict import verdict_of

ROWS = {"real": 5000, "synthetic": 5000, "holdout": 2000}
GOOD = {
    "shape_error": (0.008, 0.008, 0.0, None),
    "trend_error": (0.015, 0.019, 0.14, None),
    "detection_auc": (0.50, 0.50, 0.99, (0.49, 0.51)),
    "exact_copies": (0.003, 0.003, 0.0, None),
    "dcr_share": (0.51, 0.50, 0.50, (0.49, 0.53)),
    "tstr": (0.92, 0.93, 0.5, None),
}


def judged(without: tuple[str, ...] = (), **changes: tuple[object, ...]) -> Verdict:
    values = {name: MetricValue(name, *value) for name, value in (GOOD | changes).items() if name not in without}
    column = ColumnResult("age", "numeric", 0.2, 0.01, 0.03, 0.02)
    return verdict_of(values, [column], [PairResult("age", "pay", 0.1, 0.01)], ROWS)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("real", {}),
        ("close", {"detection_auc": (0.6, 0.5, 0.99, (0.59, 0.61))}),
        ("close", {"trend_error": (0.05, 0.02, 0.14, None)}),
        ("different", {"detection_auc": (0.8, 0.5, 0.99, (0.79, 0.81))}),
        ("poor", {"detection_auc": (0.99, 0.5, 0.99, (0.98, 1.0))}),
        ("independent", {"trend_error": (0.13, 0.02, 0.14, None), "detection_auc": (0.99, 0.5, 0.99, (0.98, 1.0))}),
        ("copies", {"exact_copies": (0.9, 0.003, 0.0, None)}),
        ("memorised", {"exact_copies": (0.02, 0.003, 0.0, None)}),
        ("memorised", {"dcr_share": (0.56, 0.5, 0.5, (0.54, 0.58))}),
        ("suspicious", {"detection_auc": (0.45, 0.5, 0.99, (0.44, 0.46))}),
    ],
)
def test_kinds(kind, changes):
    assert judged(**changes).kind == kind
    assert judged(**changes).text.startswith(judged(**changes).heading)
    assert "\n" not in judged(**changes).text


def test_a_table_of_few_different_rows_holds_copies_by_nature():
    assert judged(exact_copies=(0.62, 0.60, 0.3, None)).kind == "real"


def test_columns_on_a_grid_hold_copies_by_chance():
    assert judged(exact_copies=(0.2, 0.0, 0.2, None)).kind == "real"
    assert judged(exact_copies=(0.9, 0.0, 0.2, None)).kind == "copies"


def test_what_else_makes_detection_low_is_said():
    low = (0.2, 0.5, 0.7, (0.18, 0.22))
    text = judged(detection_auc=low, nearest_share=(0.49, 0.5, 0.1, None)).text
    assert "as can rows that one column determines" in text
    assert "its rows are no nearer to real rows than these to each other" in text
    assert "no nearer" not in judged(detection_auc=low, nearest_share=(0.7, 0.5, 0.1, None)).text


def test_a_share_that_few_held_out_rows_leave_open_is_no_verdict():
    assert judged(dcr_share=(0.56, 0.5, 0.5, (0.51, 0.61))).kind == "real"


def test_the_reasons_are_named():
    text = judged(detection_auc=(0.9, 0.5, 0.99, (0.89, 0.91))).text
    assert "the column age differs most (error 0.200)" in text
    assert "loses 0.010 of 0.930" in text
    assert "no sign of memorised rows" in text
    assert "memorisation of training rows was not tested, for lack of held-out rows" in judged(("dcr_share",)).text
    text = judged(dcr_share=(0.6, 0.5, 0.5, (0.58, 0.62)), detection_auc=(0.41, 0.5, 0.99, (0.4, 0.42))).text
    assert "60 % of the rows are nearer to a training row than to a held-out one" in text
    assert "below chance (0.41) is a sign of copies, not of quality" in text
    assert "2 % of the rows break a relation" in judged(relation_validity=(0.98, 1.0, 0.5, None)).text
