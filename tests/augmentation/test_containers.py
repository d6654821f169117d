from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gensynth.augmentation.containers import stack, take
from gensynth.errors import DataError

polars = pytest.importorskip("polars")

FRAME = pd.DataFrame(
    {
        "i": pd.array([1, None, 3], dtype="Int64"),
        "f": np.array([0.1, np.nan, -0.0], dtype=np.float32),
        "c": pd.Categorical(["x", None, "y"], categories=["y", "x", "unused"], ordered=True),
        "t": pd.to_datetime(pd.Series(["2020-01-01", None, "2021-01-01"])).dt.tz_localize("Europe/Rome"),
        "s": ["a", "b", None],
    },
    index=[7, 8, 9],
)


def test_a_frame_keeps_dtypes_and_bits():
    whole = stack(FRAME, take(FRAME, np.array([2, 0])))
    pd.testing.assert_frame_equal(whole.iloc[:3], FRAME.reset_index(drop=True), check_exact=True)
    pd.testing.assert_frame_equal(whole.iloc[3:].reset_index(drop=True), FRAME.iloc[[2, 0]].reset_index(drop=True))
    assert list(whole.index) == list(range(5))


def test_dtypes_of_the_lower_frame_are_cast():
    whole = stack(FRAME[["i", "f"]], pd.DataFrame({"i": [4.0], "f": [0.5]}))
    assert whole.dtypes.equals(FRAME[["i", "f"]].dtypes)


@pytest.mark.parametrize(
    "rows",
    [
        pd.Series([1, 2, 3], dtype="Int64", name="y"),
        np.array([[1, 2], [3, 4], [5, 6]], dtype=np.int8),
        np.array([(1, "a"), (2, "b"), (3, "c")], dtype=[("x", "i4"), ("s", "U1")]),
        [1, "a", None],
        ("a", "b", "c"),
        pa.table({"x": [1, 2, 3], "s": ["a", None, "c"]}),
        pa.array(["a", "b", "c"]),
        pa.chunked_array([["a"], ["b", "c"]]),
        polars.DataFrame({"x": [1, 2, 3], "s": ["a", None, "c"]}),
        polars.Series("y", ["a", "b", "c"]),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_other_containers_stay_what_they_are(rows):
    whole = stack(rows, take(rows, np.array([2])))
    assert type(whole) is type(rows)
    assert len(whole) == 4
    as_list = whole.to_pylist() if hasattr(whole, "to_pylist") else None
    if as_list is None:
        as_list = whole.rows() if hasattr(whole, "rows") else list(map(str, whole))
    assert as_list[3] == as_list[2]
    for attribute in ("dtype", "schema", "type", "name"):
        assert getattr(whole, attribute, None) == getattr(rows, attribute, None)
    assert len(rows) == 3  # the one that came is as it was


def test_unknown_containers_are_refused():
    with pytest.raises(DataError, match="type set"):
        stack({1}, {2})
