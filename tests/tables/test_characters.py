"""Texts with characters that files cannot hold, or only in quotes: they come back, or are refused by name."""

from __future__ import annotations

import pandas as pd
import pytest

from gensynth.errors import DataError
from gensynth.tables import read_table, write_table


def frame(cell: str, **options) -> pd.DataFrame:
    return pd.DataFrame({"n": [5, 1, 3], "text": pd.Series(["a", cell, None], **options)})


@pytest.mark.parametrize("kind", [object, "str", "category"])
@pytest.mark.parametrize("cell", ["x\ry", "x\r", "x\r\ny", "x\ny", 'x"\r,y', "x\x1by", "x\x85", "x\u2028"])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "parquet"])
def test_line_breaks_of_all_kinds_survive(kind, cell, ending, tmp_path):
    path = tmp_path / f"t.{ending}"
    write_table(frame(cell, dtype=kind), path)
    back = read_table(path).frame
    assert back["text"].astype(object).tolist()[:2] == ["a", cell]
    assert back["text"].isna().tolist() == [False, False, True]
    assert back["n"].tolist() == [5, 1, 3]


def test_a_name_with_a_carriage_return_survives(tmp_path):
    write_table(frame("b").rename(columns={"text": "te\rxt"}), tmp_path / "t.csv")
    assert list(read_table(tmp_path / "t.csv").frame.columns) == ["n", "te\rxt"]


def test_a_table_without_carriage_returns_has_no_needless_quotes(tmp_path):
    write_table(frame("b"), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "n,text\n5,a\n1,b\n3,\n"


@pytest.mark.parametrize("kind", [object, "str", "category"])
def test_nul_is_refused_by_csv_and_kept_by_parquet(kind, tmp_path):
    table = frame("x\0y", dtype=kind)
    with pytest.raises(DataError, match=r"column 'text', row 1: .* NUL .*\.parquet"):
        write_table(table, tmp_path / "t.csv")
    with pytest.raises(DataError, match="column name"):
        write_table(frame("b").rename(columns={"text": "te\0xt"}), tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())
    write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").frame["text"].tolist()[1] == "x\0y"


def test_nul_in_a_csv_style_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("n;text\n1;a\n2;b\n")
    table = read_table(tmp_path / "t.csv")
    with pytest.raises(DataError, match="column 'text', row 1"):
        write_table(frame("x\0y"), tmp_path / "out.csv", table.style)
