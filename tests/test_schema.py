"""What is inferred, declared, refused and aligned."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import DataError, IdentifierWarning, IgnoredColumnWarning, SchemaError
from gensynth.schema import Column, TableSchema
from gensynth.schema.scaled import fixed_decimals

N = 30


def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "age": rng.integers(20, 60, N),
        "pay": rng.lognormal(8, 1, N).round(2),
        "sex": rng.choice(["F", "M"], N),
        "flag": rng.random(N) < 0.5,
        "day": pd.date_range("2020-01-01", periods=N),
        "text_day": pd.date_range("2020-01-01", periods=N).strftime("%B %d, %Y").str.replace(" 0", " "),
        "one": 1.5,
        "void": None,
    })  # fmt: skip


def test_kinds_decimals_and_ranges():
    schema = TableSchema.infer(frame())
    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds == {
        "age": "numeric", "pay": "numeric", "sex": "categorical", "flag": "boolean", "day": "datetime",
        "text_day": "datetime", "one": "constant", "void": "constant",
    }  # fmt: skip
    assert schema["age"].decimals == 0
    assert schema["pay"].decimals == 2
    assert schema["age"].minimum == frame()["age"].min()
    assert schema["text_day"].format == "%B %-d, %Y"
    assert [column.name for column in schema.learned] == ["age", "pay", "sex", "flag", "day", "text_day"]


def test_state_is_json():
    data = frame()
    data["cut"] = pd.cut(data["pay"], [-np.inf, 3000, np.inf])
    schema = TableSchema.infer(data)
    assert TableSchema.from_json(json.loads(json.dumps(schema.to_json(), allow_nan=False))) == schema


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"AB-{i:04d}" for i in range(N)], "identifier"),
        (pd.Series([f"AB-{i:04d}" for i in range(N)], dtype="category"), "categorical"),
        ([f"AB-{i:04d}" for i in range(19)], "categorical"),
        ([f"{i % 20}" for i in range(N)], "categorical"),
        (list(range(500, 500 + N)), "identifier"),
        ([i * 7 % 101 for i in range(N)], "numeric"),
        ([float(i) for i in range(N)], "numeric"),
    ],
)
def test_what_looks_like_an_identifier(values, kind):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        schema = TableSchema.infer(pd.DataFrame({"x": values}))
    assert schema["x"].kind == kind
    assert [w.category for w in caught] == ([IdentifierWarning] if kind == "identifier" else [])
    assert TableSchema.infer(pd.DataFrame({"x": values}), keep=["x"])["x"].kind != "identifier"


@pytest.mark.parametrize(
    ("name", "kind"), [("userId", "identifier"), ("hospital_number", "identifier"), ("width", "numeric")]
)
def test_the_name_of_unique_integers_tells_keys(name, kind):
    data = pd.DataFrame({name: [i * 7919 % 104729 for i in range(N)]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        assert TableSchema.infer(data)[name].kind == kind


def test_declared_kinds_override():
    data = pd.DataFrame(
        {"zip": range(10000, 10000 + N), "id": ["a", "b", "c"] * 10, "day": ["2020-01-05", "2021-02-03"] * 15}
    )
    declared: dict[str, str | Column] = {"zip": "categorical", "id": "identifier", "day": Column("day", "categorical")}
    schema = TableSchema.infer(data, declared)
    assert [column.kind for column in schema.columns] == ["categorical", "identifier", "categorical"]
    assert TableSchema.infer(data, schema) == schema
    assert TableSchema.infer(pd.DataFrame({"n": ["1.5", "2.25"]}), {"n": "numeric"})["n"].decimals == 2


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"colour": "numeric"}, "'colour'"),
        ({"age": "number"}, "'number' is unknown"),
        ({"sex": "numeric"}, "row 0 holds"),
        ({"sex": "datetime"}, "not in one date format"),
        ({"age": "datetime"}, "not in one date format"),
        ({"day": "numeric"}, "declare it datetime"),
        ({"pay": "identifier"}, "only text and integers"),
        ({"age": "constant"}, "several values"),
        (["age"], "mapping"),
    ],
)
def test_declarations_that_do_not_fit(declared, message):
    with pytest.raises(SchemaError, match=message):
        TableSchema.infer(frame(), declared)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame({"x": [1.0, np.inf, 2.0]}), "'x' holds an infinite number.*row 1"),
        (pd.DataFrame({"x": [1, "a", 2.5]}, dtype=object), r"'x'.*types float, int, str.*astype\(str\)"),
        (pd.DataFrame({"x": [[1], [2]]}), "'x'.*list"),
        (pd.DataFrame({"x": [1j, 2j]}), "complex"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "several columns have the name 'x'"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), "several levels"),
        (pd.DataFrame([[1]], columns=[1.5]), "neither text nor an integer"),
        (pd.DataFrame({"x": []}), "no rows"),
        (pd.DataFrame(index=range(3)), "no columns"),
        (pd.DataFrame({"x": np.array([1, 2**64 - 1], dtype=np.uint64)}), r"2\*\*63"),
    ],
)
def test_tables_that_cannot_be_used(data, message):
    with pytest.raises(DataError, match=message):
        TableSchema.infer(data)


def test_align_orders_casts_and_ignores():
    data = frame()
    schema = TableSchema.infer(data)
    new = data.iloc[:, ::-1].astype({"age": str}).assign(extra=1)
    with pytest.warns(IgnoredColumnWarning, match="'extra'"):
        aligned = schema.align(new)
    assert list(aligned.columns) == list(data.columns)
    assert aligned["age"].astype(int).tolist() == data["age"].tolist()
    assert schema.align(data.assign(sex="X"))["sex"].tolist() == ["X"] * N


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns=["age", "sex"]), "lacks the columns 'age', 'sex'"),
        (lambda d: d.assign(age=["old", *["1"] * (N - 1)]), "'age', row 0: 'old' is not a number"),
        (lambda d: d.assign(pay=[np.inf, *[1.0] * (N - 1)]), "'pay', row 0: infinite"),
        (lambda d: d.assign(age=pd.Timestamp("2020")), "expected numbers"),
        (lambda d: d.assign(day=3), "'day' holds numbers"),
        (lambda d: d.assign(day="yesterday"), "'day'.*not a date"),
        (lambda d: d.assign(day=d["day"].dt.tz_localize("UTC")), "time zone"),
        (lambda d: d.assign(text_day="5/5/2020"), "'text_day', row 0"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change, message):
    data = frame()
    schema = TableSchema.infer(data)
    with pytest.raises(DataError, match=message):
        schema.align(change(data))


def test_integer_labels_stay_integers():
    schema = TableSchema.infer(pd.DataFrame({0: [1.5, 2.5], "0": ["a", "b"]}))
    assert schema.names == (0, "0")
    assert TableSchema.from_json(schema.to_json()).names == (0, "0")
    assert schema["0"].kind == "categorical"


def test_decimals():
    assert fixed_decimals(np.array([1.0, 2.0])) == 0
    assert fixed_decimals(np.array([0.1, 2.25, 19.999])) == 3
    assert fixed_decimals(np.array([1 / 3])) is None
    assert fixed_decimals(np.array([1e300, 0.1])) is None
    assert fixed_decimals(np.array([0.1, 2.5], dtype=np.float32).astype(float), single=True) == 1


def test_columns_are_found_by_their_very_name():
    schema = TableSchema.infer(pd.DataFrame({1: [1.5, 2.5, 3.5], "1": ["a", "b", "a"]}))
    assert schema[1].kind == "numeric"
    assert schema["1"].kind == "categorical"
    for absent in ("x", True, 1.0, 2):
        with pytest.raises(SchemaError, match="there is no column"):
            schema[absent]  # type: ignore[index]  # what is refused
    assert schema == TableSchema(schema.columns), "what was looked up before makes no difference"
