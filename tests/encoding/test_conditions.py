"""Values that a column cannot have are refused for the right reason."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.conditions import given_identifiers
from gensynth.encoding.table import TableEncoder
from gensynth.errors import ConditionError, IdentifierWarning
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 400


@pytest.fixture(scope="module")
def encoder():
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 3000, N), unit="D")
    frame = pd.DataFrame({
        "age": rng.integers(18, 90, N), "w": rng.normal(size=N).round(3), "tenth": rng.integers(0, 9, N) / 10,
        "pay": rng.integers(10, 90_000, N) * 100, "day": day, "text": day.strftime("%Y-%m-%d"),
        "moment": day + pd.to_timedelta(rng.integers(0, 86_400, N), unit="s"), "few": rng.choice([1, 5, 9], N),
        "week": pd.Timestamp("2020-01-06") + pd.to_timedelta(7 * rng.integers(0, 3000, N), unit="D"),
        "sex": rng.choice(["F", "M"], N),
    })  # fmt: skip
    frame["moment"] = frame["moment"].astype("datetime64[s]")
    return TableEncoder(TableSchema.infer(frame, {"pay": "numeric"}), Encoding()).fit(frame)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"w": 0.12345}, "'w' has 3 decimals, 0.12345 has more; it held values from"),
        ({"w": "0.12345"}, "'w' has 3 decimals"),
        ({"tenth": 0.25}, "'tenth' has 1 decimal, 0.25 has more"),
        ({"age": 20.5}, "'age' holds whole numbers, which 20.5 is not"),
        ({"age": [30, 20.5]}, "which 20.5 is not"),
        ({"age": 200}, "never held 200, which is outside its range.* up to 89"),
        ({"w": -99}, "never held -99, which is outside its range"),
        ({"day": pd.Timestamp("2021-03-01 12:00")}, "'day' holds dates without a time of day"),
        ({"day": "2021-03-01 12:00"}, "'day' holds dates without a time of day"),
        ({"text": dt.datetime(2021, 3, 1, 12)}, "'text' holds dates without a time of day"),
        ({"text": "2021-03-01 12:00"}, "not a date written as %Y-%m-%d"),
        ({"week": "2021-03-02"}, "'week' never held '2021-03-02': its dates fall on Mondays only"),
        ({"moment": "2021-03-01 12:00:00.5"}, "'moment' counts time in larger units"),
        ({"day": "2050-01-01"}, "never held '2050-01-01', which is outside its range"),
        ({"pay": 50_050}, "never held 50050: its values lie 100 apart"),
        ({"few": 4}, "never held 4; it held 1, 5, 9"),
        ({"sex": "m"}, "never held 'm'; it held"),
        ({"agee": 4}, "no column 'agee'.*did you mean 'age'.*'w'"),
        ({"age": "old"}, "^column 'age': 'old' is not a number"),
        (pd.DataFrame({"age": [30, "old"]}), "'age', row 1: 'old'"),
        (pd.DataFrame({"day": pd.to_datetime(["2021-03-01 00:00", "2021-03-01 06:00"])}), "without a time of day"),
    ],
)
def test_impossible_values_are_refused_for_the_right_reason(encoder, conditions, message):
    with pytest.raises(ConditionError, match=message):
        encoder.encode_condition(conditions, 2, np.random.default_rng(0))


def test_values_that_are_possible_though_never_held(encoder):
    wanted = {
        "w": 0.1 + 0.2,
        "pay": 50_100,
        "day": "2021-03-01",
        "text": pd.Timestamp("2021-03-01"),
        "moment": "2021-03-01",
    }
    _, rows = encoder.encode_condition(wanted, 1)
    back = encoder.decode(rows, np.random.default_rng(0)).iloc[0]
    assert (back["w"], back["pay"], back["day"]) == (0.3, 50_100, pd.Timestamp("2021-03-01"))
    assert (back["text"], back["moment"]) == ("2021-03-01", pd.Timestamp("2021-03-01"))


def test_an_identifier_can_be_given_and_no_other_column_depends_on_it():
    number, rng = 2**60 + 1, np.random.default_rng(0)
    accounts = number + 7 * rng.permutation(100)
    frame = pd.DataFrame(
        {"account": accounts, "mail": [f"p{i:03}@x.org" for i in range(100)], "z": rng.normal(size=100)}
    )
    with pytest.warns(IdentifierWarning):
        schema = TableSchema.infer(frame)
    rest, cells = given_identifiers(schema, {"account": str(number), "mail": "me@x.org", "z": 0.5}, 3)
    assert rest == {"z": 0.5}
    assert cells["account"].tolist() == [number] * 3
    assert cells["account"].dtype == frame["account"].dtype
    assert cells["mail"].tolist() == ["me@x.org"] * 3
    rest, cells = given_identifiers(schema, pd.DataFrame({"account": [5, number], "z": [0.1, 0.2]}), 2)
    assert list(rest.columns) == ["z"]
    assert cells["account"].tolist() == [5, number]
    for wanted in ([1, 2], slice(1, 2), "x", 1.5):
        with pytest.raises(ConditionError, match="'account'"):
            given_identifiers(schema, {"account": wanted}, 3)
