"""Distances that models are ranked by."""

from __future__ import annotations

import math

import pytest
from evaluated_tables import evaluation

from gensynth.comparison.result import ModelResult
from gensynth.evaluation import MetricValue


def test_real_rows_are_near_and_independent_columns_far() -> None:
    real, independent, poor = (ModelResult("m", evaluation=evaluation(k)) for k in ("real", "independent", "poor"))
    assert real.distance < 0.1
    assert independent.distance > 0.5
    assert poor.distance > real.distance
    assert real.repeats is False
    assert ModelResult("m", evaluation=evaluation("leaning")).repeats


def test_a_failure_has_no_numbers() -> None:
    failed = ModelResult("m", error="why")
    assert math.isnan(failed.distance)
    assert math.isnan(failed.tstr_gap)
    assert "tstr" not in failed
    assert not failed.repeats


@pytest.mark.parametrize(
    ("value", "way"),
    [
        (MetricValue("detection_auc", 0.75, 0.5, 1.0), 0.5),
        (MetricValue("detection_auc", 0.3, 0.5, 1.0), 0.0),  # below chance is no nearer
        (MetricValue("detection_auc", 0.4, 0.5, 0.2), None),  # few rows: independent columns are told apart less well
        (MetricValue("tstr", 0.6, 0.8, 0.4), 0.5),
        (MetricValue("tstr", 0.9, 0.8, 0.4), 0.0),
        (MetricValue("tstr", 0.6, 0.5, 0.5), None),
        (MetricValue("trend_error", 0.3, 0.1, 0.2), 1.0),
        (MetricValue("trend_error", 0.3, None, 0.2), None),
    ],
)
def test_the_way_from_real_rows_to_independent_columns(value: MetricValue, way: float | None) -> None:
    from gensynth.comparison.result import way_of

    assert way_of(value) == (None if way is None else pytest.approx(way))
