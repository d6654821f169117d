"""Columns whose rank nearly follows from an earlier one: found, stored, and the close curve is sampled."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 2000
RNG = np.random.default_rng(3)


def months(n=N):
    """Bills of two months, of which the second is within 3 % of the first, what is left of a limit, and chance."""
    first = RNG.lognormal(8.0, 1.0, n)
    return pd.DataFrame(
        {
            "first": first,
            "other": RNG.normal(size=n),
            "left": -first * RNG.normal(1.0, 0.01, n),
            "second": first * RNG.normal(1.0, 0.03, n),
        }
    )


def fit(frame, encoding=None, first=()):
    return TableEncoder(TableSchema.infer(frame), encoding or Encoding(), first).fit(frame)


def found(encoder):
    names = [column.name for column in encoder.layout.columns]
    return {names[i]: (names[p.column], p.increasing) for i, p in encoder.layout.predictors.items()}


def test_the_closest_earlier_column_is_the_predictor():
    encoder = fit(months())
    assert found(encoder) == {"left": ("first", False), "second": ("first", True)}
    spreads = {encoder.layout.columns[i].name: p.spread for i, p in encoder.layout.predictors.items()}
    assert 0.0 < spreads["left"] < spreads["second"] < 0.08


def test_condition_columns_come_first():
    assert found(fit(months(), first=("second",))) == {"first": ("second", True), "left": ("first", False)}


@pytest.mark.parametrize("numeric", ["normal", "standard"])
def test_only_bins_have_ranks(numeric):
    assert fit(months(), Encoding(numeric)).layout.predictors == {}


def test_few_rows_or_columns_far_apart_give_none():
    assert found(fit(months(50))) == {}
    far = months().assign(second=lambda frame: frame["first"] * RNG.lognormal(0.0, 1.5, N), left=RNG.normal(size=N))
    assert found(fit(far)) == {}


def test_missing_cells_are_left_out():
    frame = months()
    frame.loc[RNG.random(N) < 0.3, "first"] = np.nan
    frame.loc[RNG.random(N) < 0.3, "second"] = np.nan
    assert found(fit(frame))["left"] == ("first", False)
    mostly = frame.assign(first=frame["first"].where(RNG.random(N) < 0.1), left=0.0)
    assert "second" not in found(fit(mostly))


def test_state_and_counts_keep_them():
    encoder = fit(months())
    state, arrays = table_state(encoder)
    again = table_from_state(json.loads(json.dumps(state)), arrays)
    assert again.layout == encoder.layout
    del state["predictors"]  # a file of before
    assert table_from_state(state, arrays).layout.predictors == {}
    codes = encoder.encode(months()).codes
    counts = [np.bincount(codes[:, i], minlength=c.cardinality) for i, c in enumerate(encoder.layout.columns)]
    encoder.set_counts(counts, N)
    assert encoder.layout.predictors == again.layout.predictors
