"""Parquet: every type comes back as it went in, and so does what pandas noted beside the columns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gensynth.errors import DataError
from gensynth.tables import ArrowStyle, Container, read_table, to_frame, write_table
from gensynth.tables.files import write_arrow
from gensynth.tables.parquet import extended, fill, stacked

N = 60
RNG = np.random.default_rng(0)
SMALL = RNG.integers(0, 50, N).tolist()
DAY = dt.datetime(2020, 1, 1)


def gaps(values):
    return [None if i % 6 == 0 else value for i, value in enumerate(values)]


TYPES = {
    "int64": pa.array(gaps([2**60 + 1 + 7 * i for i in range(N)]), pa.int64()),
    "uint8": pa.array(gaps(SMALL), pa.uint8()),
    "int32": pa.array(gaps(SMALL), pa.int32()),
    "uint64": pa.array([2**63 + v for v in SMALL], pa.uint64()),
    "decimal": pa.array(gaps([Decimal(v).scaleb(-2) for v in SMALL]), pa.decimal128(12, 2)),
    "long decimal": pa.array([Decimal(v).scaleb(-18) for v in SMALL], pa.decimal128(38, 18)),
    "longest decimal": pa.array([Decimal(v) * 10**60 for v in SMALL], pa.decimal256(76, 4)),
    "date32": pa.array(gaps([DAY.date() + dt.timedelta(days=v) for v in SMALL]), pa.date32()),
    "timestamp": pa.array(gaps([DAY + dt.timedelta(hours=v) for v in SMALL]), pa.timestamp("ms")),
    "zoned": pa.array([DAY + dt.timedelta(hours=v) for v in SMALL], pa.timestamp("ns", tz="Europe/Berlin")),
    "time": pa.array(gaps([dt.time(v % 24, v) for v in SMALL]), pa.time64("us")),
    "duration": pa.array(gaps([dt.timedelta(seconds=v) for v in SMALL]), pa.duration("s")),
    "dictionary": pa.array(gaps(["abc"[v % 3] for v in SMALL])).dictionary_encode(),
    "large_string": pa.array(gaps(["abc"[v % 3] for v in SMALL]), pa.large_string()),
    "bool": pa.array(gaps([v % 2 == 0 for v in SMALL]), pa.bool_()),
    "float32": pa.array([v / 7 for v in SMALL], pa.float32()),
    "float64": pa.array(gaps([v / 7 for v in SMALL]), pa.float64()),
    "binary": pa.array(gaps([bytes([v]) for v in SMALL]), pa.binary()),
    "null": pa.nulls(N),
}
TABLE = pa.table(TYPES)


@pytest.fixture
def read(tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    return read_table(tmp_path / "in.parquet")


def test_real_cells_and_types_stay_under_new_rows(read, tmp_path):
    new = read.frame.iloc[RNG.permutation(N)[:20]].reset_index(drop=True)
    write_arrow(extended(stacked(read.arrow, new), {"_synthetic": np.arange(N + 20) >= N}), tmp_path / "o.parquet")
    out = pq.read_table(tmp_path / "o.parquet")
    assert out.schema.types == [*TABLE.schema.types, pa.bool_()]
    assert out.slice(0, N).drop_columns("_synthetic").equals(TABLE)
    for name in TYPES:
        assert set(out[name].to_pylist()) == set(TABLE[name].to_pylist())


def test_a_model_writes_the_types_of_its_table(read, tmp_path):
    _, container = to_frame(read)
    style = Container.from_json(container.to_json()).style
    assert style == read.style
    assert isinstance(style, ArrowStyle)
    write_table(read.frame, tmp_path / "o.parquet", style)
    assert pq.read_table(tmp_path / "o.parquet").equals(TABLE)


def test_gaps_are_filled_and_nothing_else_is_touched(read):
    full = read.frame.copy()
    for name in full.columns:
        if read.frame[name].notna().any():
            full[name] = full[name].bfill()
    gap = read.frame.isna() & full.notna()
    out = fill(read.arrow, full, gap)
    assert out.schema.types == TABLE.schema.types
    for name in TYPES:
        before, after = TABLE[name].to_pylist(), out[name].to_pylist()
        assert all(b == a for b, a in zip(before, after, strict=True) if b is not None)
        assert (None not in after) == (name != "null")


FRAME = pd.DataFrame({"x": RNG.normal(size=N), "c": pd.Categorical(["ab"[v % 2] for v in SMALL], ["z", "b", "a"])})
INDEXES: dict[str, pd.Index] = {
    "none": pd.RangeIndex(N),
    "range": pd.RangeIndex(10, 10 + 2 * N, 2),
    "picked rows": pd.Index(np.arange(N) * 3),
    "named": pd.Index(np.arange(N) + 5, name="id"),
    "dates": pd.date_range("2020-01-01", periods=N, freq="h"),
    "zoned dates": pd.date_range("2020-01-01", periods=N, tz="Europe/Berlin", name="when"),
    "levels": pd.MultiIndex.from_product([["nl", "de"], range(N // 2)], names=["country", "i"]),
    "levels without names": pd.MultiIndex.from_product([["nl", "de"], range(N // 2)]),
}


@pytest.mark.parametrize("name", INDEXES)
def test_the_index_comes_back(name, tmp_path):
    frame = FRAME.set_axis(INDEXES[name])
    frame.to_parquet(tmp_path / "in.parquet")
    frame = pd.read_parquet(tmp_path / "in.parquet")
    table = read_table(tmp_path / "in.parquet")
    new = table.frame.iloc[:3].reset_index(drop=True)
    write_arrow(extended(stacked(table.arrow, new), {"mark": ["r"] * N + ["s"] * 3}), tmp_path / "o.parquet")
    out = pd.read_parquet(tmp_path / "o.parquet")
    pd.testing.assert_frame_equal(out.iloc[:N].drop(columns="mark"), frame, check_freq=False)
    assert out["c"].iloc[N:].tolist() == frame["c"].iloc[:3].tolist()
    if name == "range":
        assert out.index[-1] == 10 + 2 * (N + 2)
    if name == "picked rows":
        assert list(table.frame.columns) == ["x", "c"]
        assert out.index[N:].tolist() == [3 * N - 2, 3 * N - 1, 3 * N]
    write_table(table.frame.iloc[:5], tmp_path / "s.parquet", table.style)
    sample = pd.read_parquet(tmp_path / "s.parquet")
    assert sample.index.names == frame.index.names
    assert sample.dtypes.tolist() == frame.dtypes.tolist()
    assert len(sample) == 5


@pytest.mark.parametrize(
    "columns",
    [pd.Index(["x", "c"], name="feature"), pd.MultiIndex.from_tuples([("a", "x"), ("b", "c")], names=["u", "v"])],
)
def test_names_of_the_columns_come_back(columns, tmp_path):
    frame = FRAME.set_axis(columns, axis=1)
    frame.to_parquet(tmp_path / "in.parquet")
    table = read_table(tmp_path / "in.parquet")
    write_arrow(extended(table.arrow, {"score": np.zeros(N)}), tmp_path / "o.parquet")
    out = pd.read_parquet(tmp_path / "o.parquet")
    assert out.columns.names == columns.names
    pd.testing.assert_frame_equal(out.iloc[:, :-1], pd.read_parquet(tmp_path / "in.parquet"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"ok": [1, 2], "tags": [[1], [2]]}), "column 'tags' has the type list"),
        (pa.table({"who": [{"a": 1}, {"a": 2}]}), "column 'who' has the type struct"),
        (pa.table({"m": pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64()))}), "column 'm' has the type map"),
        (pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), "several columns have the name 'a'"),
        (pa.table({"a": pa.array([], pa.int64())}), "has no rows"),
    ],
)
def test_other_tables_are_refused_by_name(table, message, tmp_path):
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=rf"t\.parquet.*{message}"):
        read_table(tmp_path / "t.parquet")
    if table.num_rows:
        with pytest.raises(DataError, match=message):
            to_frame(table)


@pytest.mark.parametrize("cut", [8, 200, -20])
def test_a_damaged_file_is_refused(cut, tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(TABLE, path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"t\.parquet is not a Parquet file, or a damaged one"):
        read_table(path)
    pq.write_table(TABLE, path)
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"t\.parquet"):
        read_table(path)
