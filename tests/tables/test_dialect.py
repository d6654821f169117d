"""Encodings, separators, line ends and quotes are found in the file and written again."""

from __future__ import annotations

import codecs
import gzip
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import DataError, FileWarning
from gensynth.tables import read_table
from gensynth.tables.dialect import Dialect, decode, find_dialect
from gensynth.tables.files import write_text
from gensynth.tables.style import CsvStyle

HEADER, ROWS = ("naam", "lengte, cm", "x"), [("Zoë", "160,12", "1"), ("Jürgen", "171,5", "2"), ("Ada", "158", "3")]


def text_of(separator=",", line_end="\n"):
    def cell(text):
        return f'"{text}"' if separator in text else text

    return line_end.join(separator.join(map(cell, row)) for row in [HEADER, *ROWS]) + line_end


def read_text(path: Path) -> tuple[pd.DataFrame, pd.DataFrame, Dialect]:
    """Return a file's rows, its cells as they are written, and how it is written."""
    table = read_table(path)
    assert table.text is not None
    assert isinstance(table.style, CsvStyle)
    return table.frame, table.text, table.style.dialect


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_and_written_byte_by_byte(tmp_path, separator, encoding, line_end):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_bytes(text_of(separator, line_end).encode(encoding))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if encoding == "cp1252" else "error", FileWarning)
        frame, text, dialect = read_text(path)
    assert tuple(frame.columns) == HEADER
    assert [tuple(row) for row in text.to_numpy().tolist()] == ROWS
    write_text(text, out, dialect)
    assert out.read_bytes() == path.read_bytes()


def test_what_is_not_utf_8_is_read_as_windows_1252_and_said_to_be(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes("name,x\nJosé,1\n€,2\n".encode("cp1252"))
    with pytest.warns(FileWarning, match=r"in\.csv is not UTF-8 \(line 2\): read as Windows-1252"):
        frame, _, dialect = read_text(path)
    assert frame["name"].tolist() == ["José", "€"]
    assert Dialect.from_json(dialect.to_json()) == dialect
    with pytest.warns(FileWarning, match="UTF-8"):
        write_text(pd.DataFrame({"name": ["Ω"]}), tmp_path / "out.csv", dialect)
    assert (tmp_path / "out.csv").read_text("utf-8") == "name\nΩ\n"


@pytest.mark.parametrize("text", ["имя;x\nАнна;1\nИван;2\n", "名,x\n子,1\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_needs_no_latin_letters(text, encoding):
    assert decode(text.encode(encoding), "f") == (text, encoding, False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\nx\0y,1\n", "line 2: a NUL"),
        (b"PK\3\4\0\0\0\0\10\0!\0", "NUL"),
        (codecs.BOM_UTF16_LE + "a,b\n1,2\n".encode("utf-16-le")[:-1], "line 2: bytes that are not UTF-16-LE"),
    ],
)
def test_what_is_no_text_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        decode(data, "f.csv")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("lengte, cm;sexe, m/v\n160,12;F\n171,00;M\n", ";"),
        ("a;b\n1,5;2,5\n", ";"),
        ("a,b\nx;y,1\nz,2\n", ","),
        ("a,b\nx;y;z,1\nz;y;x,2\n", ","),
        ("a\tb\nx, y\tz, w\nu\tv\n", "\t"),
        ("a|b\n1;2|3\n4|5\n", "|"),
        ("name\nhello, world\nhi\n", ","),
        ("single\nx\ny\n", ","),
        ("a,b,c\n1,2\n1,2,3\n", ","),
        ('"a;b",c\n"1;2",3\n', ","),
        ("Report\na;b\n1;2\n3;4\n", ";"),
    ],
)
def test_the_separator_is_the_one_that_cuts_lines_evenly(text, separator):
    assert find_dialect(text).separator == separator


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=6), min_size=3, max_size=3
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_cells_survive(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("t")
    rows = [*rows, ["x", "y", "z"]]  # a last line with gaps may be taken for a note
    cells = pd.DataFrame(rows, columns=["first", "second", "third"], dtype=str)
    write_text(cells, folder / "a.csv", Dialect())
    assert read_text(folder / "a.csv")[1].to_numpy().tolist() == rows


def test_quotes_are_kept_column_by_column(tmp_path):
    text = '"id","name","x"\n"007","a",1\n"008","b, c",2\n"009","d",3\n'
    path = tmp_path / "in.csv"
    path.write_text(text)
    _, cells, dialect = read_text(path)
    assert dialect.quoted == ("id", "name")
    write_text(cells, tmp_path / "out.csv", dialect)
    assert (tmp_path / "out.csv").read_text() == text


def test_tsv_gz_and_zip(tmp_path):
    tabs = text_of("\t")
    (tmp_path / "t.tsv").write_text(tabs)
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(tabs.encode()))
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("folder/t.csv", text_of(";"))
    for name in ("t.tsv", "t.tsv.gz", "t.zip"):
        table = read_table(tmp_path / name)
        assert tuple(table.frame.columns) == HEADER
        assert table.frame["x"].tolist() == [1, 2, 3]
    _, cells, dialect = read_text(tmp_path / "t.tsv")
    for name, text in (("o.tsv", tabs), ("o.csv", text_of(","))):
        write_text(cells, tmp_path / name, dialect)
        assert (tmp_path / name).read_text() == text


def test_an_archive_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
        archive.writestr("b.csv", "x\n1\n")
    with pytest.raises(DataError, match=r"holds a\.csv, b\.csv; expected one"):
        read_table(tmp_path / "t.zip")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"bad\.zip cannot be read"):
        read_table(tmp_path / "bad.zip")
