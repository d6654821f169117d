"""Which codes of a column stand in order, and the ranks that they begin at."""

from __future__ import annotations

import pytest

from gensynth.layout import ColumnLayout, Layout, NumericSlot, Predictor

BINS = ColumnLayout("bins", (0.0,) + (1 / 43,) * 43, numeric=NumericSlot(0, range(4, 44), "within_bin"))
GRADES = ColumnLayout("grades", (0.0, 0.5, 0.2, 0.2, 0.1), ordered=True, missing=1)
COLOURS = ColumnLayout("colours", (0.0,) + (1 / 30,) * 30)


def test_codes_in_order():
    codes = [column.codes_in_order for column in (BINS, GRADES, COLOURS)]
    assert codes[:2] == [range(4, 44), range(2, 5)]
    assert len(codes[2]) == 0


def test_ranks_are_cumulative_shares_of_the_codes_in_order():
    assert GRADES.rank_edges == pytest.approx((0.0, 0.4, 0.8, 1.0))
    assert len(BINS.rank_edges) == 41
    assert BINS.rank_edges[-1] == pytest.approx(1.0)
    assert COLOURS.rank_edges == ()


def test_predictors_by_position():
    predictor = Predictor(0, increasing=False, spread=0.02)
    columns = (BINS, COLOURS, ColumnLayout("later", GRADES.frequencies, ordered=True, predictor=predictor))
    assert Layout(columns, 100).predictors == {2: predictor}
