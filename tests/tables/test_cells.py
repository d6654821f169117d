"""Only plainly written cells are numbers or booleans; values are written as the column writes its own."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from gensynth.errors import ColumnWarning
from gensynth.tables import read_table
from gensynth.tables.cells import CellStyle
from gensynth.tables.style import CsvStyle


def column(tmp_path, cells, **more):
    path = tmp_path / "t.csv"
    path.write_text("v;w\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells)))
    table = read_table(path, **more)
    return table, table.frame["v"]


@pytest.mark.parametrize(
    "cells",
    [
        ["+1", "-2", "3"],
        ["+31612345678", "+31687654321"],
        ["1,5", "2,25"],
        ["1.234,50", "0,99"],
        ["12 %", "13 %"],
        ["$5", "$6"],
        ["007", "008"],
        ["(3)", "4"],
        ["1", "unknown", "2"],
        ["99999999999999999999", "1"],
        ["yes", "no"],
    ],
)
def test_what_is_not_plainly_a_number_stays_text(tmp_path, cells):
    _, values = column(tmp_path, cells)
    assert values.tolist() == cells


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["12", "-3"], "int64"),
        (["12", "", "-3"], "Int64"),
        (["-3.50", "1e5", ".5"], "float64"),
        (["true", "false"], "bool"),
        (["TRUE", "", "FALSE"], "boolean"),
        ([" 1.5", " 2.5"], "float64"),
    ],
)
@pytest.mark.parametrize("tail", ["7.25", "8"])
def test_cells_are_written_in_the_style_they_had(tmp_path, cells, dtype, tail):
    table, values = column(tmp_path, cells)
    assert values.dtype == dtype
    style = CellStyle.from_json(table.style.columns["v"].to_json())
    assert style == table.style.columns["v"]
    if dtype in ("bool", "boolean"):
        assert style.write(values).tolist() == cells
    else:
        new = pd.Series([float(tail) if dtype == "float64" else int(float(tail))]).astype(values.dtype)
        (written,) = style.write(new)
        assert float(written) == new[0]
        assert written.startswith(" ") == cells[0].startswith(" ")


def test_missing_tokens(tmp_path):
    cells = ["NA", "None", "", "x", "y"] * 4
    with pytest.warns(ColumnWarning, match=r"'v' \(NA, None\); to keep them as categories: read_table") as caught:
        _, values = column(tmp_path, cells)
    assert len(caught) == 1
    assert values.isna().sum() == 12
    for more, missing in (
        ({"missing": ""}, 4), ({"missing": ["NA"]}, 8), ({"missing": ["NA", "x"]}, 12), ({"categories": ["v"]}, 4),
        ({"targets": ["v"]}, 4), ({"missing": "y", "categories": ["v"]}, 8),
    ):  # fmt: skip
        table, values = column(tmp_path, cells, **more)
        assert values.isna().sum() == missing
        assert table.style.missing == (
            None
            if "missing" not in more
            else tuple([more["missing"]] if isinstance(more["missing"], str) else more["missing"])
        )


def test_a_target_of_numbers_keeps_its_gaps_and_a_declared_category_does_not(tmp_path):
    cells = ["1", "2", "NA"] * 4
    assert column(tmp_path, cells, targets=["v"])[1].dtype == "Int64"
    assert column(tmp_path, cells, categories=["v"])[1].tolist() == cells


@pytest.mark.parametrize(
    "cells", [["?", "x", "y"] * 4, ["NA", "1", "2"] * 4, ["NA", *"abcdefghij"], ["NA", "2020-01-01"] * 5]
)
def test_no_word_is_said_where_it_does_not_matter(tmp_path, cells):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert column(tmp_path, cells)[1].isna().any()


@pytest.mark.parametrize(
    ("cells", "values", "written"),
    [
        (["6.97E-06", "3.1E-05", "1.26E-07"], [4.066074497e-07, 0.0], ["4.07E-07", "0.00E+00"]),
        (["1e-05", "3e+05", "2e-07"], [4.066074497e-07], ["4e-07"]),
        ([".590", "-.512", "1.250"], [0.4, -0.125, 2.5, 0.0], [".400", "-.125", "2.500", ".0"]),
        (["0.590", ".512", "1.250"], [0.4], ["0.400"]),
    ],
)
def test_new_numbers_are_written_with_the_exponents_and_points_of_the_old_ones(tmp_path, cells, values, written):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["x", *cells]) + "\n")
    found = read_table(path).style
    assert isinstance(found, CsvStyle)
    style = found.columns["x"]
    assert CellStyle.from_json(style.to_json()).write(pd.Series(values)).tolist() == written
