"""Decimals, large whole numbers and sparse columns: exact, or refused by an error that names the column."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.encoding.table import TableEncoder
from gensynth.errors import ConditionError, DataError
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 300
RNG = np.random.default_rng(0)
SMALL = RNG.integers(1, 50, N).tolist()
WIDE = RNG.integers(1, 10**9, N).tolist()


def fitted(column, kind=None):
    frame = pd.DataFrame({"v": column, "z": RNG.normal(size=len(column))})
    schema = TableSchema.infer(frame, {"v": kind} if kind else None, keep=["v"])
    schema = TableSchema.from_json(json.loads(json.dumps(schema.to_json())))
    return TableEncoder(schema, Encoding()).fit(schema.align(frame)), frame


def there_and_back(column, kind=None):
    encoder, frame = fitted(column, kind)
    return encoder.decode(encoder.encode(encoder.schema.align(frame)), np.random.default_rng(0))["v"]


def gaps(values, marker=None):
    return [marker if i % 4 == 0 else value for i, value in enumerate(values)]


def arrow(values, kind):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


EXACT = {
    "sevenths": pd.Series([Decimal(v) / 7 for v in SMALL]),
    "cents": pd.Series([Decimal(v).scaleb(-2) for v in WIDE]),
    "cents, NaN": pd.Series(gaps([Decimal(v).scaleb(-2) for v in SMALL], Decimal("NaN"))),
    "cents, None": pd.Series(gaps([Decimal(v).scaleb(-2) for v in SMALL])),
    "eighteen places": pd.Series([Decimal(v).scaleb(-18) for v in WIDE]),
    "thousands": pd.Series([Decimal(f"{v}E+3") for v in SMALL]),
    "near 2**62": pd.Series([Decimal(2**62 + v) for v in SMALL]),
    "beyond 64 bits": pd.Series([Decimal(v) * 2**90 for v in SMALL]),
    "arrow": arrow([Decimal(v).scaleb(-2) for v in WIDE], pa.decimal128(38, 18)),
    "arrow, nulls": arrow(gaps([Decimal(v).scaleb(-2) for v in SMALL]), pa.decimal128(12, 2)),
    "arrow, 256 bits": arrow([Decimal(v) * 10**40 for v in SMALL], pa.decimal256(60, 2)),
    "objects": pd.Series([2**60 + 7 * v for v in WIDE], dtype=object),
    "objects, None": pd.Series(gaps([2**60 + 7 * v for v in WIDE]), dtype=object),
    "int64": pd.Series([2**60 + 1 + 7 * v for v in WIDE]),
    "Int64, NA": pd.Series(gaps([2**60 + 1 + 7 * v for v in WIDE]), dtype="Int64"),
    "arrow int64, nulls": arrow(gaps([2**60 + 1 + 7 * v for v in WIDE]), pa.int64()),
    "uint64": pd.Series([2**62 + v for v in WIDE], dtype="uint64"),
}


def same(left, right):
    return left.dtype == right.dtype and all(
        (pd.isna(a) and pd.isna(b)) or (not pd.isna(a) and not pd.isna(b) and a == b)
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    )


@pytest.mark.parametrize("name", EXACT)
def test_numbers_come_back_exactly(name):
    column = EXACT[name]
    back = there_and_back(column)
    assert same(column, back)
    if name.startswith(("sevenths", "cents")):
        places = [{v.as_tuple().exponent for v in cells if not pd.isna(v)} for cells in (column, back)]
        assert places[1] <= places[0]


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("write", [lambda v: v, str])
def test_conditions_come_back_exactly(name, write):
    encoder, frame = fitted(EXACT[name])
    wanted = next(v for v in frame["v"].tolist()[1:] if not pd.isna(v))
    _, rows = encoder.encode_condition({"v": write(wanted)}, 3, np.random.default_rng(0))
    assert encoder.decode(rows, np.random.default_rng(0))["v"].tolist() == [wanted] * 3


@pytest.mark.parametrize("name", ["int64", "objects", "cents", "eighteen places"])
def test_a_neighbour_that_was_never_held_is_refused(name):
    encoder, frame = fitted(EXACT[name])
    wanted = max(frame["v"].tolist()) + (1 if name in ("int64", "objects") else Decimal(1).scaleb(-19))
    with pytest.raises(ConditionError, match="'v'"):
        encoder.encode_condition({"v": wanted}, 3, np.random.default_rng(0))


def test_long_fractions_without_repetition_keep_their_digits():
    column = pd.Series([Decimal(v) / 7 for v in WIDE])
    back = there_and_back(column)
    assert max(len(v.as_tuple().digits) for v in back) == 28
    assert min(v.as_tuple().exponent for v in back) == min(v.as_tuple().exponent for v in column)
    assert all(abs(a - b) <= abs(a) * Decimal("1e-6") for a, b in zip(column, back, strict=True))


@given(st.lists(st.decimals(-(10**8), 10**8, places=6), min_size=2, max_size=40), st.integers(0, 3))
def test_any_decimals_come_back(values, every):
    column = pd.Series([None if every and i % (every + 1) == 0 else v for i, v in enumerate(values * 3)], dtype=object)
    if column.isna().all():
        return
    assert same(column, there_and_back(column))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series([2**100 + v for v in SMALL], dtype=object), "column 'v' holds .*64-bit"),
        (pd.Series([2**63 + v for v in SMALL], dtype="uint64"), "column 'v' holds .*64-bit"),
        (pd.Series([2**63 + v for v in SMALL], dtype="UInt64"), "column 'v' holds .*64-bit"),
        (arrow([2**63 + v for v in SMALL], pa.uint64()), "column 'v' holds .*64-bit"),
        (pd.Series([2**60 + 1, 0.5] * 100, dtype=object), "column 'v' holds .*among floats"),
        (pd.Series([Decimal("Infinity"), Decimal(1)] * 100), "column 'v', row 0"),
        (pd.Series([Decimal("1e60"), Decimal("1e-60")] * 100), "column 'v' holds decimals that need more than 76"),
        (pd.Series([Decimal(2**90 + v) for v in SMALL]), "column 'v' holds decimals that differ only beyond"),
        (arrow([[1], [2]] * 100, pa.list_(pa.int64())), "column 'v' has the type list"),
        (pd.Series(["\ud800", "b"] * 100, dtype=object), "column 'v', row 0: .* half a character"),
    ],
)
def test_what_cannot_be_exact_is_refused_by_name(column, message):
    with pytest.raises(DataError, match=message):
        fitted(column)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([2**100 + v for v in SMALL], dtype=object),
        pd.Series([2**63 + v for v in SMALL], dtype="uint64"),
        pd.Series([Decimal(v) / 7 for v in SMALL]),
        arrow([Decimal(v).scaleb(-2) for v in SMALL], pa.decimal128(12, 2)),
    ],
)
def test_declared_categories_come_back_exactly(column):
    assert same(column, there_and_back(column, "categorical"))


@pytest.mark.parametrize(
    ("values", "fill"),
    [
        (np.where(RNG.random(N) < 0.3, 1.5, 0.0), 0.0),
        (np.where(RNG.random(N) < 0.3, RNG.normal(size=N), np.nan), np.nan),
        (np.where(RNG.random(N) < 0.3, RNG.normal(size=N), 7.25).astype("float32"), 7.25),
        (RNG.integers(0, 3, N), 0),
        (RNG.integers(-1, 30, N).astype("int8"), -1),
        (RNG.integers(0, 3, N).astype("uint8"), 0),
        (2**60 + RNG.integers(0, 3000, N), 2**60),
        (RNG.random(N) < 0.3, False),
        (RNG.random(N) < 0.3, True),
        (np.array(["a", "b", ""], dtype=object)[RNG.integers(0, 3, N)], ""),
        (np.array(["a", "b", np.nan], dtype=object)[RNG.integers(0, 3, N)], np.nan),
        (np.where(RNG.random(N) < 0.5, np.datetime64("2020-01-01", "ns"), np.datetime64("2021-03-01", "ns")), pd.NaT),
    ],
)
def test_sparse_columns_stay_sparse(values, fill):
    dtype = pd.SparseDtype(values.dtype, fill)
    column = pd.Series(pd.arrays.SparseArray(values, dtype=dtype))
    back = there_and_back(column)
    assert back.dtype == column.dtype
    assert same(column, back)
