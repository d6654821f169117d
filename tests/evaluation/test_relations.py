"""Relations of the real rows, counted in others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from evaluated_tables import bills

from gensynth.evaluation.relations import RelationChecks
from gensynth.evaluation.samples import Samples


def checks(frame: pd.DataFrame) -> RelationChecks:
    samples = Samples.of(frame, frame)
    return RelationChecks(samples.aligned["real"], samples.schema)


def test_rows_that_break_a_relation_are_counted():
    real = bills(300, 0)
    found = checks(real)
    assert {"total = net + vat", "city -> country"} <= set(found.names)
    other = bills(200, 1)
    assert found.validity(other) == 1
    other.loc[:49, "total"] += 1
    other.loc[40:59, "country"] = "FR"
    kept = found.kept(other)
    assert (~kept["total = net + vat"]).sum() == 50
    assert (~kept["city -> country"]).sum() == 20
    assert found.validity(other) == 140 / 200


def test_no_relation():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100)})
    assert checks(frame).names == ()
    assert np.isnan(checks(frame).validity(frame))
