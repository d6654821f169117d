from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.ranges import Range
from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.errors import ConditionError, IdentifierWarning, SchemaError
from gensynth.layout import UNKNOWN, Encoding, NumericEncoding
from gensynth.schema import Column, TableSchema

RNG = np.random.default_rng(0)
N = 300
PRICES = [f"${v:,.2f}" for v in RNG.exponential(2_000, N) + 1]


def with_text(values: list[str], text: str, every: int = 25) -> list[str]:
    return [text if i % every == 3 else value for i, value in enumerate(values)]


def fitted(values: Sequence[str | None], encoding: NumericEncoding = "bins", **declared: str) -> TableEncoder:
    frame = pd.DataFrame({"x": values, "z": RNG.normal(size=len(values))})
    schema = TableSchema.infer(frame, declared or None)
    return TableEncoder(schema, Encoding(encoding)).fit(schema.align(frame))


def round_trip(encoder: TableEncoder, values: Sequence[str | None]) -> list[str]:
    frame = encoder.schema.align(pd.DataFrame({"x": values, "z": np.zeros(len(values))}))
    return encoder.decode(encoder.encode(frame), np.random.default_rng(0))["x"].tolist()


@pytest.mark.parametrize("encoding", ["bins", "normal"])
@pytest.mark.parametrize("text", ["unknown", "-", "#DIV/0!", "<5"])
def test_numbers_with_a_few_texts_come_back(text, encoding):
    values = with_text(PRICES, text)
    encoder = fitted(values, encoding)
    column = encoder.schema["x"]
    assert (column.kind, column.specials, column.decimals) == ("numeric", (text,), 2)
    assert round_trip(encoder, values) == values
    assert Column.from_json(json.loads(json.dumps(column.to_json()))) == column


def test_missing_cells_and_texts_are_told_apart():
    values = [None if i % 10 == 0 else v for i, v in enumerate(with_text(PRICES, "unknown"))]
    encoder = fitted(values)
    assert [v if isinstance(v, str) else None for v in round_trip(encoder, values)] == values
    layout = encoder.layout.columns[encoder.position["x"]]
    assert layout.frequencies[1] == pytest.approx(values.count(None) / N)
    assert layout.frequencies[2] == pytest.approx(values.count("unknown") / N)
    assert not layout.ordered


def test_an_encoder_with_texts_among_numbers_is_stored():
    values = with_text(PRICES, "unknown")
    encoder = fitted(values)
    state, arrays = table_state(encoder)
    again = table_from_state(json.loads(json.dumps(state)), arrays)
    assert round_trip(again, values) == values
    assert again.layout == encoder.layout


def test_texts_that_were_never_there_are_unknown_values():
    encoder = fitted(with_text(PRICES, "unknown"))
    frame = encoder.schema.align(pd.DataFrame({"x": ["n/k", "unknown", "$5.00"], "z": 0.0}))
    codes = encoder.encode(frame).codes[:, encoder.position["x"]]
    assert codes[0] == UNKNOWN
    assert (codes[1:] != UNKNOWN).all()


def test_numbers_may_come_for_their_texts():
    encoder = fitted(PRICES)
    some = [float(v[1:].replace(",", "")) for v in PRICES]
    frames = [pd.DataFrame({"x": values, "z": 0.0}) for values in (PRICES, some)]
    one, other = (encoder.encode(encoder.schema.align(frame)) for frame in frames)
    np.testing.assert_array_equal(one.codes, other.codes)
    np.testing.assert_allclose(one.numeric, other.numeric)


def test_conditions_on_written_numbers():
    encoder = fitted(with_text(PRICES, "unknown"))
    for value in (PRICES[0], "unknown"):
        _, rows = encoder.encode_condition({"x": value}, 3)
        decoded = encoder.decode(rows, np.random.default_rng(0))["x"]
        assert decoded.tolist() == [value] * 3
    with pytest.raises(ConditionError, match="'x'"):
        encoder.encode_condition({"x": "n/k"}, 3)


def test_dates_with_a_few_texts_come_back():
    days = pd.Timestamp("2021-03-01") + pd.to_timedelta(RNG.integers(0, 900, N), unit="D")
    values = with_text([f"{d:%d.%m.%Y}" for d in days], "n/k")
    encoder = fitted(values)
    column = encoder.schema["x"]
    assert (column.kind, column.specials) == ("datetime", ("n/k",))
    assert round_trip(encoder, values) == values


def test_one_odd_cell_does_not_make_an_identifier():
    values = [f"{v:.2f}" for v in RNG.exponential(100, N)]
    values[7] = "oops"
    assert fitted(values).schema["x"].kind == "numeric"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"{i % 7}%" for i in range(N)], "categorical"),  # few different ones
        ([["S", "M", "L", "10", "12"][i % 5] for i in range(N)], "categorical"),
        ([f"Q{1 + i % 4}" for i in range(N)], "categorical"),
        ([f"{v:.1f}" if i % 2 else f"word {i}" for i, v in enumerate(RNG.normal(size=N))], "categorical"),
    ],
)
def test_other_texts_stay_what_they_are(values, kind):
    assert fitted(values).schema["x"].kind == kind


def test_a_declared_kind_wins_or_names_the_cell():
    assert fitted([f"{i % 5}.5" for i in range(N)], x="categorical").schema["x"].notation is None
    assert fitted([f"{i % 5}" for i in range(N)], x="numeric").schema["x"].kind == "numeric"
    with pytest.raises(SchemaError, match="'x' is declared numeric, but row 0 holds 'a'"):
        fitted(["a", "b", "c", "7"] * 30, x="numeric")


@pytest.mark.parametrize("dtype", [object, "string", "string[pyarrow]"])
def test_every_kind_of_text_comes_back(dtype):
    frame = pd.DataFrame({"x": pd.Series(with_text(PRICES, "unknown"), dtype=dtype), "z": RNG.normal(size=N)})
    schema = TableSchema.infer(frame)
    aligned = schema.align(frame)
    encoder = TableEncoder(schema, Encoding()).fit(aligned)
    back = encoder.decode(encoder.encode(aligned), np.random.default_rng(0))
    pd.testing.assert_series_equal(back["x"], frame["x"])


def test_numbers_and_texts_may_be_mixed_in_new_tables():
    encoder = fitted(with_text(PRICES, "unknown"))
    texts = ["$1,200.50", "unknown", "$3.00"]
    mixed = pd.DataFrame({"x": [1200.5, "unknown", 3], "z": 0.0})
    written = pd.DataFrame({"x": texts, "z": 0.0})
    one, other = (encoder.encode(encoder.schema.align(frame)) for frame in (mixed, written))
    np.testing.assert_array_equal(one.codes, other.codes)


def test_conditions_are_read_as_the_column_writes():
    german = [v[1:].translate(str.maketrans(",.", ".,")) for v in PRICES]
    encoder = fitted(german)
    rng = np.random.default_rng(0)
    _, rows = encoder.encode_condition({"x": Range(((">=", "1.000"), ("<", "2.000,50")))}, 20, rng)
    notation = encoder.schema["x"].notation
    assert notation is not None
    values = notation.read(encoder.decode(rows, rng)["x"])
    assert ((values >= 1000) & (values < 2000.5)).all()
    with pytest.raises(ConditionError, match="has 2 decimals, '5,123' has more"):
        encoder.encode_condition({"x": "5,123"}, 3)


def test_a_slip_may_have_digits_but_many_such_texts_are_codes():
    numbers = [str(v) for v in RNG.integers(1, 200, N)]
    assert fitted([*numbers, "3.0M"]).schema["x"].specials == ("3.0M",)
    assert fitted(with_text(numbers, "101A")).schema["x"].kind == "categorical"


def test_a_slip_does_not_make_categories_of_dates():
    days = [f"{d:%B %d, %Y}" for d in pd.date_range("2020-01-10", periods=N)]
    column = fitted([*days, "1.0.19"]).schema["x"]
    assert (column.kind, column.specials) == ("datetime", ("1.0.19",))


def test_one_text_does_not_hide_account_numbers():
    numbers = [str(v) for v in RNG.integers(10**8, 10**9, N)]
    with pytest.warns(IdentifierWarning):
        assert fitted([*numbers, "unknown"]).schema["x"].kind == "identifier"


def test_numbers_of_two_digits_beside_a_text_are_numbers():
    ages = [str(age) for age in RNG.integers(18, 90, N)]
    column = fitted(with_text(ages, "unknown")).schema["x"]
    assert (column.kind, column.specials, column.decimals) == ("numeric", ("unknown",), 0)
    codes = [str(code) for code in RNG.integers(10_000, 10_090, N)]
    assert fitted(with_text(codes, "unknown")).schema["x"].kind == "categorical"
