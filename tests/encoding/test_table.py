"""Encode then decode restores every fitted row, whatever the dtype; state goes through JSON and arrays."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import warnings
from typing import Any, Literal

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.errors import ConditionError, DataError, IdentifierWarning
from gensynth.layout import Encoding, NumericSlot
from gensynth.schema import TableSchema

N = 60
MODES = ("bins", "normal", "standard")
INTS = np.random.default_rng(0).integers(0, 20, N)
DAYS = pd.Series(pd.Timestamp("2019-03-01") + pd.to_timedelta(INTS * 37, unit="D"))


def fit(frame, mode="bins", first=(), keep=(), **options):
    schema = TableSchema.infer(frame, keep=keep)
    return TableEncoder(schema, Encoding(mode, **options), first).fit(frame)


def reloaded(encoder):
    state, arrays = table_state(encoder)
    return table_from_state(json.loads(json.dumps(state, allow_nan=False)), arrays)


def with_gaps(series):
    series = series.copy()
    series.iloc[::7] = None
    return series


def _columns():
    columns: dict[str, pd.Series] = {}
    dtype: Any  # pandas-stubs know literal names alone
    numbers = ["int8", "uint8", "int16", "int32", "int64", "uint64", "float32", "float64"]
    numbers += ["Int8", "Int64", "UInt16", "Float32", "Float64"]
    for dtype in [*numbers, "int64[pyarrow]", "double[pyarrow]", "float[pyarrow]"]:
        columns[dtype] = pd.Series(INTS).astype(dtype)
    for dtype in ("bool", "boolean", "bool[pyarrow]", "object"):
        columns[f"flag {dtype}"] = pd.Series(INTS % 2 == 1).astype(dtype)
    words = pd.Series([f"w{i}" for i in INTS])
    texts = ["object", "string[python]", "string[pyarrow]", "category", pd.ArrowDtype(pa.string())]
    for dtype in [*texts, pd.ArrowDtype(pa.large_string()), pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))]:
        columns[f"text {dtype!r}"] = words.astype(dtype)
    columns["text"] = words
    units: tuple[Literal["s", "ms", "us", "ns"], ...] = ("s", "ms", "us", "ns")
    for unit in units:
        dtype = f"datetime64[{unit}]"
        columns[f"date {unit}"] = DAYS.astype(dtype)
        columns[f"zoned {unit}"] = columns[f"date {unit}"].dt.tz_localize("Europe/Berlin")
        dtype = f"timedelta64[{unit}]"
        columns[f"span {unit}"] = pd.Series(pd.to_timedelta(INTS, unit="h")).astype(dtype)
    for kind in (pa.timestamp("us"), pa.timestamp("ms", tz="UTC"), pa.date32(), pa.date64()):
        dates = DAYS.dt.tz_localize("UTC") if getattr(kind, "tz", None) else DAYS
        values = pa.array(dates.dt.date.tolist() if pa.types.is_date(kind) else dates).cast(kind)
        columns[f"arrow {kind}"] = pd.Series(values, dtype=pd.ArrowDtype(kind))
    columns["arrow span"] = pd.Series(pa.array(columns["span s"]), dtype=pd.ArrowDtype(pa.duration("s")))
    columns["python date"] = pd.Series(DAYS.dt.date.tolist(), dtype=object)
    columns["python datetime"] = pd.Series([day.to_pydatetime() for day in DAYS], dtype=object)
    columns["decimal"] = pd.Series([decimal.Decimal(int(i)).scaleb(-2) for i in INTS], dtype=object)
    kind = pa.decimal128(10, 2)
    columns["arrow decimal"] = pd.Series(pa.array(columns["decimal"].tolist(), kind), dtype=pd.ArrowDtype(kind))
    columns["python int"] = pd.Series([int(i) for i in INTS], dtype=object)
    columns["period"] = pd.Series(pd.PeriodIndex(DAYS, freq="M"))
    columns["cut"] = pd.cut(pd.Series(INTS), [-np.inf, 5, 10, np.inf])
    columns["category of int"] = pd.Series(INTS).astype("category")
    columns["category of dates"] = DAYS.astype("category")
    columns["category of both"] = pd.Series(pd.Categorical([1 if i < 9 else "a" for i in INTS]))
    columns["ordered, one unused"] = pd.Series(pd.Categorical(words, ["zz", *sorted(set(words))], ordered=True))
    columns["text dates"] = DAYS.dt.strftime("%d/%m/%Y")
    columns = {
        name: series for base, column in columns.items() for name, series in ((base, column), (f"{base}, gaps", column))
    }
    gapless = ("int", "uint", "flag bool,")
    columns = {
        name: with_gaps(column) if name.endswith(", gaps") and not name.startswith(gapless) else column
        for name, column in columns.items()
    }
    columns["whole floats"] = pd.Series(INTS.astype(float))
    columns["nan in objects"] = words.astype(object).where(INTS > 3, np.nan)
    columns["NA in objects"] = words.astype(object).where(INTS > 3, pd.NA)
    columns["sparse"] = pd.Series(pd.arrays.SparseArray(np.where(INTS > 5, INTS, 0.0)))
    columns["constant"] = pd.Series(pd.Categorical(["a"] * N, categories=["b", "a"]))
    columns["constant date"] = pd.Series([pd.Timestamp("2020-01-01", tz="UTC")] * N)
    columns["constant python date"] = pd.Series([dt.date(2020, 1, 1)] * N, dtype=object)
    columns["constant Int64"] = pd.Series([3] * N, dtype="Int64")
    for dtype in ("float64", "object", "datetime64[us]", "Int64", "category", "string", "boolean", "double[pyarrow]"):
        columns[f"all missing {dtype}"] = pd.Series([None] * N).astype(dtype)
    rng = np.random.default_rng(1)
    columns["53 bits"] = pd.Series(rng.integers(-(2**52), 2**52, N))
    columns["64 bits"] = pd.Series([-(2**63), 2**63 - 1] * (N // 2))
    columns["huge"] = pd.Series(rng.normal(size=N) * 1e300)
    columns["tiny"] = pd.Series(rng.normal(size=N) * 1e-300)
    columns["greatest float"] = pd.Series([-1.7e308, 1.7e308, 0.0] * (N // 3))
    columns["old dates"] = pd.Series(pd.to_datetime(["1890-01-01", "2100-05-05"] * (N // 2)))
    columns["float32"] = pd.Series(rng.normal(size=N).astype(np.float32))
    return columns


COLUMNS = _columns()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", list(COLUMNS))
def test_every_dtype_comes_back(name, mode):
    frame = pd.DataFrame({"x": COLUMNS[name], "y": INTS * 1.1})
    for keep in ((), ("x",)):
        encoder = fit(frame, mode, keep=keep)
        rows = encoder.encode(encoder.schema.align(frame), jacobian=True)
        assert np.isfinite(rows.numeric).all()
        assert np.isfinite(rows.log_jacobian).all()
        assert (rows.codes > 0).all()
        encoder = reloaded(encoder)
        back = encoder.decode(rows, np.random.default_rng(0))
        assert [type(v) for v in back["x"]] == [type(v) for v in frame["x"]]
        pd.testing.assert_series_equal(back["x"], frame["x"], rtol=1e-9, atol=0)
        empty = frame.iloc[:0]
        none = encoder.decode(encoder.encode(encoder.schema.align(empty)), np.random.default_rng(0))
        pd.testing.assert_series_equal(none.dtypes, frame.dtypes)


CELLS = {
    "float64": st.floats(allow_nan=False, allow_infinity=False, width=64),
    "float32": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "Float64": st.floats(-1e6, 1e6) | st.none(),
    "int64": st.integers(-(2**52), 2**52),
    "Int64": st.integers(-(2**52), 2**52) | st.none(),
    "int8": st.integers(-128, 127),
    "boolean": st.booleans() | st.none(),
    "string": st.text(max_size=4) | st.none(),
    "object": st.text(max_size=3) | st.none(),
    "category": st.sampled_from("abcde") | st.none(),
    "datetime64[us]": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)) | st.none(),
    "datetime64[ns, UTC]": st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)),
    "timedelta64[us]": st.timedeltas(dt.timedelta(-1000), dt.timedelta(1000)),
}


@st.composite
def frames(draw):
    n = draw(st.integers(1, 40))
    parts = {}
    for dtype in draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=6, unique=True)):
        pool = draw(st.lists(CELLS[dtype], min_size=1, max_size=n))
        cells = [pool[i % len(pool)] for i in range(n)]
        if dtype.startswith("datetime64"):
            series = pd.Series(pd.to_datetime(cells)).astype(dtype.split(",")[0].rstrip("]") + "]")
            parts[dtype] = series.dt.tz_localize("UTC") if "UTC" in dtype else series
        else:
            parts[dtype] = pd.Series(cells, dtype=dtype)
    return pd.DataFrame({"base": np.arange(n) % 3, **parts})


@pytest.mark.filterwarnings("ignore::gensynth.errors.ColumnWarning")  # of numbers that are far out
@settings(max_examples=40)
@given(frames(), st.sampled_from(MODES), st.integers(2, 8), st.integers(0, 8))
def test_every_fitted_row_comes_back(frame, mode, few, atoms):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        encoder = reloaded(
            fit(frame, mode, max_levels=few, max_atoms=atoms, max_bins=few, keep=("base", *frame.columns))
        )
    back = encoder.decode(encoder.encode(encoder.schema.align(frame)), np.random.default_rng(0))
    for name, column in frame.items():
        if str(name).lower().startswith("float"):
            finite = column.to_numpy(dtype=float, na_value=np.nan)
            other = back[name].to_numpy(dtype=float, na_value=np.nan)
            assert back[name].dtype == column.dtype
            np.testing.assert_array_equal(np.isnan(other), np.isnan(finite))
            finite, other = finite[~np.isnan(finite)] / 2, other[~np.isnan(finite)] / 2
            if len(finite):
                assert np.abs(other - finite).max() <= 1e-9 * np.ptp(finite)
        else:
            pd.testing.assert_series_equal(back[name], column)


@pytest.mark.parametrize("mode", MODES)
def test_single_ticks_of_a_wide_range_come_back(mode):
    """Fitted moments are exact, though neighbours lie a microsecond apart in a range of decades."""
    start = 946684800000000
    moments = pd.to_datetime([start + 10**6, start, 63072000000000, start, start + 1, start + 10**6], unit="us")
    frame = pd.DataFrame({"moment": pd.Series(moments).astype("datetime64[us]"), "x": 0.5})
    encoder = fit(frame, mode, max_levels=2, max_atoms=0, max_bins=2, keep=("moment",))
    back = encoder.decode(encoder.encode(encoder.schema.align(frame)), np.random.default_rng(0))
    pd.testing.assert_series_equal(back["moment"], frame["moment"])


def test_layout_says_what_the_codes_are():
    rng = np.random.default_rng(0)
    n = 2000
    amount = np.where(rng.random(n) < 0.6, 0.0, rng.exponential(size=n))
    frame = pd.DataFrame(
        {"amount": amount, "sex": np.where(rng.random(n) < 0.3, "F", "M"), "age": rng.integers(0, 90, n)}
    )
    frame.loc[::10, "amount"] = np.nan
    encoder = fit(frame, first=("sex",))
    sex, amounts, age = encoder.layout.columns
    assert encoder.layout.n_conditions == 1
    assert (sex.name, sex.cardinality, sex.numeric) == ("sex", 3, None)
    assert sex.frequencies[1] > sex.frequencies[2] > 0
    assert (amounts.missing, amounts.numeric) == (1, NumericSlot(0, range(3, amounts.cardinality), "within_bin"))
    assert amounts.frequencies[2] == (frame["amount"] == 0).mean()
    assert age.ordered
    assert age.numeric is None
    assert age.cardinality == 91
    for column in encoder.layout.columns:
        assert column.frequencies[0] == 0
        assert sum(column.frequencies) == pytest.approx(1)
    rows = encoder.encode(frame)
    for i, column in enumerate(encoder.layout.columns):
        shares = np.bincount(rows.codes[:, i], minlength=column.cardinality) / n
        np.testing.assert_allclose(shares, column.frequencies)
    position = rows.numeric[:, amounts.numeric.index][rows.codes[:, 1] >= 3]
    assert position.min() >= 0
    assert position.max() <= 1


def test_uniform_positions_follow_the_data():
    rng = np.random.default_rng(0)
    values = rng.lognormal(sigma=1.5, size=20000)
    encoder = fit(pd.DataFrame({"x": values}))
    (column,) = encoder.layout.columns
    codes = rng.choice(column.cardinality, size=20000, p=column.frequencies)
    drawn = encoder.decode(_rows(codes[:, None], rng.random((20000, 1))), rng)["x"]
    shares = np.linspace(0.01, 0.99, 40)
    np.testing.assert_allclose(np.quantile(drawn, shares), np.quantile(values, shares), rtol=0.08)
    assert drawn.max() <= values.max()
    assert drawn.min() >= values.min()


def _rows(codes, numbers):
    from gensynth.encoding.rows import Rows

    return Rows(np.asarray(numbers, dtype=float), np.asarray(codes, dtype=np.int32))


def test_normal_scores_are_normal_and_their_jacobian_is_their_slope():
    rng = np.random.default_rng(0)
    values = rng.exponential(size=5000)
    encoder = fit(pd.DataFrame({"x": values}), "normal")
    rows = encoder.encode(pd.DataFrame({"x": values}), jacobian=True)
    assert abs(rows.numeric.mean()) < 0.01
    assert rows.numeric.std() == pytest.approx(1, abs=0.01)
    far = encoder.encode(pd.DataFrame({"x": [values.max() + 1, values.max() + 5]})).numeric[:, 0]
    assert far[1] > far[0] > rows.numeric.max()
    middle = np.quantile(values, [0.4, 0.6])
    z = encoder.encode(pd.DataFrame({"x": middle})).numeric[:, 0]
    quartiles = np.quantile(values, [0.25, 0.75])
    slope = np.log(np.diff(z)[0] / (np.diff(middle)[0] / (np.diff(quartiles)[0] / 1.349)))
    jacobian = encoder.encode(pd.DataFrame({"x": [np.median(values)]}), jacobian=True).log_jacobian[0, 0]
    assert jacobian == pytest.approx(slope, abs=0.1)


def test_rows_outside_the_fitted_range_lie_outside_the_unit_interval():
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=500)})
    encoder = fit(frame)
    rows = encoder.encode(pd.DataFrame({"x": [frame["x"].min() - 3, frame["x"].max() + 3, np.nan]}))
    assert rows.numeric[0, 0] < 0
    assert rows.numeric[1, 0] > 1
    assert rows.codes[:, 0].tolist() == [1, encoder.layout.columns[0].cardinality - 1, 0]
    back = encoder.decode(rows, np.random.default_rng(0))["x"]
    assert back.between(frame["x"].min(), frame["x"].max()).all()


def test_what_was_never_seen_is_unknown_and_decodes_to_something_fitted():
    frame = pd.DataFrame({"kind": list("aaab") * 10, "flag": [0, 1] * 20})
    encoder = fit(frame)
    new = pd.DataFrame({"kind": ["a", "zebra", None], "flag": [0, 1, 7]})
    rows = encoder.encode(encoder.schema.align(new))
    assert rows.codes.tolist() == [[1, 1], [0, 2], [0, 0]]
    assert encoder.decode(rows, np.random.default_rng(0))["kind"].tolist() == ["a", "a", "a"]
    gaps = pd.DataFrame({"kind": [*"aaab" * 10, None]})
    encoder = fit(gaps)
    back = encoder.decode(encoder.encode(pd.DataFrame({"kind": ["zebra"]})), np.random.default_rng(0))
    assert back["kind"].isna().all()


def test_a_hundred_thousand_levels_fold_into_one_code():
    rng = np.random.default_rng(0)
    names = np.array([f"level {i}" for i in range(100_000)])
    frame = pd.DataFrame({"x": np.concatenate([names, rng.choice(names[:50], 20_000)])})
    encoder = fit(frame)
    (column,) = encoder.layout.columns
    assert column.cardinality == 1001
    assert column.numeric.codes == range(1000, 1001)
    rows = encoder.encode(frame)
    pd.testing.assert_frame_equal(reloaded(encoder).decode(rows, rng), frame)
    tail = rows.codes[:, 0] == 1000
    drawn = encoder.decode(_rows(np.full((1000, 1), 1000), rng.random((1000, 1))), rng)["x"]
    assert drawn.isin(frame["x"][tail]).all()
    assert drawn.nunique() > 900


def test_a_thousand_columns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(50, 1000)))
    encoder = fit(frame)
    assert len(encoder.layout.columns) == 1000
    back = encoder.decode(encoder.encode(frame), rng)
    pd.testing.assert_frame_equal(back, frame, rtol=1e-9)


def test_constants_and_keys_are_not_learned_but_made():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"one": ["a"] * 40, "x": rng.normal(size=40), "id": np.arange(100, 140), "void": [np.nan] * 40}
    )
    with pytest.warns(IdentifierWarning, match="'id'"):
        encoder = fit(frame)
    assert [column.name for column in encoder.layout.columns] == ["x"]
    back = encoder.decode(encoder.encode(frame), rng)
    assert back["id"].tolist() == list(range(140, 180))
    pd.testing.assert_frame_equal(back.drop(columns="id"), frame.drop(columns="id"), rtol=1e-9)
    with pytest.raises(DataError, match="no column can be learned"), pytest.warns(IdentifierWarning):
        fit(frame[["one", "id", "void"]])


def test_conditions_come_back_exactly():
    rng = np.random.default_rng(0)
    n = 1000
    frame = pd.DataFrame({
        "sex": rng.choice(["F", "M"], n), "age": rng.integers(18, 80, n), "pay": rng.lognormal(8, 1, n).round(2),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D"), "one": 1,
    })  # fmt: skip
    frame.loc[::9, "sex"] = None
    for mode in MODES:
        encoder = fit(frame, mode)
        wanted = {"sex": "F", "age": 30, "pay": 1234.56, "day": "2021-05-05", "one": 1}
        columns, rows = encoder.encode_condition(wanted, 7)
        assert columns == (0, 1, 2, 3)
        back = encoder.decode(rows, rng)
        assert len(back) == 7
        first = back.iloc[0]
        assert (first["sex"], first["age"], first["pay"], first["day"]) == (
            "F",
            30,
            1234.56,
            pd.Timestamp("2021-05-05"),
        )
        table = frame.head(5)[["pay", "sex"]]
        columns, rows = encoder.encode_condition(table, 5)
        assert columns == (0, 2)
        pd.testing.assert_frame_equal(encoder.decode(rows, rng)[["pay", "sex"]], table)
        columns, rows = encoder.encode_condition({"sex": None}, 2)
        assert encoder.decode(rows, rng)["sex"].isna().all()


def test_several_allowed_values_are_drawn_by_their_frequency():
    frame = pd.DataFrame({"x": ["a"] * 60 + ["b"] * 30 + ["c"] * 10})
    encoder = fit(frame)
    rng = np.random.default_rng(0)
    for allowed in (["a", "c"], {"a", "c"}):
        _, rows = encoder.encode_condition({"x": allowed}, 3000, rng)
        drawn = encoder.decode(rows, rng)["x"]
        assert set(drawn) == {"a", "c"}
        assert (drawn == "a").mean() == pytest.approx(60 / 70, abs=0.03)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"colour": "red"}, "no column 'colour'"),
        ({"sex": "X"}, "never held 'X'.*'F'"),
        ({"sex": None}, "no missing values"),
        ({"sex": []}, "empty list"),
        ({"sex": ["F", "M"]}, "rng"),
        ({"age": 5000}, "never held 5000, which is outside.*from 0 to"),
        ({"age": "old"}, "'old' is not a number"),
        ({"step": 1.5}, "whole numbers, which 1.5 is not.*1, 2, 3"),
        ({"one": 2}, "constant"),
        ({"id": 3}, "identifier"),
        (pd.DataFrame({"sex": ["F"]}), "1 rows; 3 rows"),
        ("sex", "mapping"),
    ],
)
def test_conditions_that_never_occur_are_refused(conditions, message):
    n = 60
    frame = pd.DataFrame({"sex": list("FM") * 30, "age": np.arange(n)[::-1] * 3, "one": 1, "id": range(n)})
    frame["step"] = [1, 2, 3] * 20
    frame.loc[0, "age"] = 1000
    with pytest.warns(IdentifierWarning):
        encoder = fit(frame)
    with pytest.raises(ConditionError, match=message):
        encoder.encode_condition(conditions, 3)


def test_fit_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=300), "s": rng.choice(list("abcdef"), 300)})
    one, other = fit(frame), fit(frame.sample(frac=1, random_state=0))
    assert one.layout == other.layout
    for (name, a), b in zip(table_state(one)[1].items(), table_state(other)[1].values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
