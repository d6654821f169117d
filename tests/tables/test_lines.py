"""Titles, totals, notes and separators too many: which line it is, and what to do."""

from __future__ import annotations

import pytest

from gensynth.errors import DataError
from gensynth.tables import read_table

ROWS = "".join(f"r{i},{i},{i * 2}\n" for i in range(1, 30))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n" + "1,2,\n" * 30, "line 2: a comma too many at the end"),
        ("x;y\n" + "1;2;\n" * 30, "line 2: a semicolon too many at the end"),
        ("Report 2024\n" + "1,2\n" * 30, "line 1: 'Report 2024' is not the header .* line 2"),
        ("Report 2024\n\nname,a,b\n" + ROWS, "line 1: 'Report 2024' is not the header .* line 3"),
        ("Report 2024,,\nname,a,b\n" + ROWS, "line 1: 'Report 2024' is not the header .* line 2"),
        ("Report\nby me\nname;a;b\n" + ROWS.replace(",", ";"), "line 1: 'Report' is not the header .* line 3"),
        ("a,b\n" + ROWS, "line 2: 3 cells, as in most lines, but the header has 2 names; add the name"),
        ("name,a,b\n" + ROWS + "Total,435,870\n", "line 31: 'Total, 435, 870' looks like a line of totals"),
        ("name,a,b\n" + ROWS + "TOTAL,,870\n\n", "line 31: 'TOTAL, 870' looks like a line of totals"),
        ("name,a,b\n" + ROWS + ",435,870\n", "line 31: '435, 870' looks like a line of totals"),
        ("a,b\n" + "1,2\n2,3\n4,4\n" + "Mean,3\n", "line 5: 'Mean, 3' looks like a line of totals"),
        ("name,a,b\n" + ROWS + "Source: the office\n", "line 31: 'Source: the office' looks like a note"),
        ("name,a,b\n" + ROWS + "x,1,2,3\n", "line 31: 4 cells, but the header has 3; put a cell"),
    ],
)
def test_the_line_is_named_and_the_remedy_fits(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert ("double quotes" in str(caught.value)) == ("put a cell" in message)


@pytest.mark.parametrize(
    "text",
    [
        "name,a,b\n" + ROWS,
        "name,a,b\n" + ROWS + "Total,3,\n".replace("Total", "Tom"),
        "name,a,b\n" + ROWS + "Sum,1,2\n",
        "name,a,b\n" + "x,1,\n" + ROWS + "z,,\n",
        "x,y,\n" + "1,2,\n" * 30,
        ",a,b\n" + ROWS,
        "x\n" + "1\n2\n3\n",
        "x\n" + "1\n2\n3\ntotal\n".replace("total", "unknown"),
    ],
)
def test_ordinary_rows_are_left_alone(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert len(read_table(path).frame) == len(text.splitlines()) - 1


def test_three_rows_with_a_gap_at_the_end_are_no_totals(tmp_path):
    path = tmp_path / "three.csv"
    path.write_text("n,text\n1,a\n2,b\n3,\n")
    assert read_table(path).frame["n"].tolist() == [1, 2, 3]
