"""Lists that hold text beside other things, and arrays with a mask, keep their cells and their gaps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gensynth.errors import DataError
from gensynth.tables import to_frame
from gensynth.tables.cellarrays import plain_array, refuse_mask

GAP = float("nan")


def test_text_beside_numbers_does_not_make_text_of_them():
    frame, container = to_frame([["a", 1, GAP], [GAP, 2, 0.5], ["b", 3, 1.5]])
    assert [str(dtype) for dtype in frame.dtypes][1:] == ["int64", "float64"]
    assert frame.isna().to_numpy().tolist() == [[False, False, True], [True, False, False], [False] * 3]
    assert container.detail == "|O"


@pytest.mark.parametrize(
    ("rows", "kind"),
    [([["a", "1"], ["b", "2"]], "U"), ([[b"a"], [b"b"]], "S"), ([[1, 2.5]], "f"), ([[True], [False]], "b")],
)
def test_lists_of_one_kind_are_numpy_s_own(rows, kind):
    array = plain_array(rows)
    assert array.dtype == np.asarray(rows).dtype
    assert array.dtype.kind == kind


def test_labels_in_a_list_keep_their_gaps():
    assert plain_array(["a", GAP, None]).tolist()[0] == "a"
    assert plain_array(["a", GAP]).tolist()[1] is GAP


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        (np.array([[1.5], [2.5], [3.5]]), np.isnan),
        (np.array([["2024-01-01"], ["2024-01-02"], ["2024-01-03"]], dtype="M8[us]"), np.isnat),
        (np.array([[1], [2], [2**62 + 1]]), lambda cell: cell is None),
        (np.array([[True], [False], [True]]), lambda cell: cell is None),
        (np.array([["a"], ["b"], ["c"]]), lambda cell: cell is None),
        (np.array([[dt.time(1)], [dt.time(2)], [dt.time(3)]], dtype=object), lambda cell: cell is None),
    ],
)
def test_masked_cells_are_missing(values, missing):
    masked = np.ma.masked_array(values, [[False], [True], [False]])
    array = plain_array(masked)
    assert missing(array[1, 0])
    assert [array[0, 0], array[2, 0]] == [values[0, 0], values[2, 0]]
    assert to_frame(masked)[0].isna().iloc[:, 0].tolist() == [False, True, False]


def test_a_mask_of_nothing_changes_nothing():
    values = np.array([[1, 2], [3, 4]])
    assert plain_array(np.ma.masked_array(values)).dtype == values.dtype
    refuse_mask(np.ma.masked_array(values), "cells")


def test_masked_pixels_are_refused():
    images = np.ma.masked_greater(np.arange(3 * 16.0).reshape(3, 4, 4), 20)
    with pytest.raises(DataError, match="pixels are masked, the first in row 1"):
        to_frame(images)
