"""Rules by which cells of CSV files are read go through JSON."""

from __future__ import annotations

import json

import pytest

from gensynth.engine.csv_rules import ReadingRules


@pytest.mark.parametrize("rules", [ReadingRules(None, ()), ReadingRules(("-", "none"), ("country",))])
def test_json(rules):
    assert ReadingRules.from_json(json.loads(json.dumps(rules.to_json()))) == rules
