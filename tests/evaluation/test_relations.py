"""Relations of the real rows, counted in others."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from evaluated_tables import bills

from gensynth.evaluation import evaluate
from gensynth.evaluation.relations import RelationChecks
from gensynth.evaluation.samples import Samples


def test_rows_that_break_a_relation_are_counted():
    other = bills(200, 1)
    other.loc[:49, "total"] += 1
    other.loc[40:59, "country"] = "FR"
    found = RelationChecks(Samples.of(bills(300, 0), other))
    assert {"total = net + vat", "city -> country"} <= set(found.names)
    kept = found.kept("value")
    assert kept.each["total = net + vat"] == 150 / 200
    assert kept.each["city -> country"] == 180 / 200
    assert kept.every == 140 / 200
    assert found.kept("floor").every == 1


def test_no_relation():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100)})
    checks = RelationChecks(Samples.of(frame, frame))
    assert checks.names == ()
    assert checks.kept("value").each == {}
    assert np.isnan(checks.kept("value").every)


def test_each_table_is_counted_once():
    counted = RelationChecks.rows
    with patch.object(RelationChecks, "rows", autospec=True, side_effect=counted) as rows:
        found = evaluate(bills(120, 0), bills(120, 1), metrics={})
    assert rows.call_count == 3  # synthetic rows, real ones, independent columns
    assert min(relation.kept for relation in found.relations) == pytest.approx(1.0)
    assert found["relation_validity"].value == 1.0
