"""Files and containers: what comes in goes out."""

from __future__ import annotations

import gzip
import os
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from data_dirs import shared_data

from gensynth.encoding.table import TableEncoder
from gensynth.errors import DataError, FileWarning, GensynthError, IdentifierWarning, OptionError
from gensynth.layout import Encoding
from gensynth.schema import TableSchema
from gensynth.tables import Container, read_table, to_frame, write_table

RAW = ("aid362.csv.gz", "chicago_taxi.csv", "cmc.csv.gz", "googleplaystore.csv", "horse_colic.csv", "hypothyroid.csv",
       "insurance.csv", "nyc_weather.csv", "penguins.csv", "solar_flare.csv.gz", "stroke.csv")  # fmt: skip


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_cells_are_parsed_column_by_column(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "i,n,f,b,m,z,t,void,big\n1,?,0.5,True,true,02208,x,,99999999999999999999\n-2,7,3,False,NA,00000,N/A,NA,1\n",
    )
    frame = read_table(path).frame
    assert {k: str(v) for k, v in frame.dtypes.items() if k not in ("z", "t", "big")} == {
        "i": "int64", "n": "Int64", "f": "float64", "b": "bool", "m": "boolean", "void": "float64",
    }  # fmt: skip
    assert frame["z"].tolist() == ["02208", "00000"]
    assert frame["big"].tolist() == ["99999999999999999999", "1"]
    assert frame["t"].isna().tolist() == [False, True]
    assert frame["void"].isna().all()


def test_text_keeps_the_cells_and_render_follows_their_style(tmp_path):
    path = write(tmp_path / "t.csv", "n,f,w,b\n?,0.50,1.0,true\n3,1.25,2.5,false\n?,2.00,3.0,true\n")
    table = read_table(path)
    assert table.text is not None
    assert table.text.astype(object).to_numpy().tolist()[0] == ["?", "0.50", "1.0", "true"]
    new = pd.DataFrame(
        {
            "n": pd.array([None, 4], dtype="Int64"),
            "f": [1.5, 4.0],
            "w": [7.0, 7.25],
            "b": [False, True],
            "_synthetic": True,
        }
    )
    assert table.render(new).astype(object).to_numpy().tolist() == [
        ["?", "1.50", "7.0", "false", "True"], ["4", "4.00", "7.25", "true", "True"],
    ]  # fmt: skip


def test_short_rows_are_filled_and_quotes_kept(tmp_path):
    path = write(tmp_path / "t.csv", 'a,b\n"x, y",1\nz\n\n"two\nlines",3\n')
    frame = read_table(path).frame
    assert frame["a"].tolist() == ["x, y", "z", "two\nlines"]
    assert frame["b"].tolist() == [1, pd.NA, 3]


def test_other_separators_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffa;b\n1;2,5\n".encode())
    assert read_table(path).frame.columns.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "header but no rows"),
        (b"\n\n", "no header"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but the header has 2"),
        (b"a,a\n1,2\n", "several columns have the name 'a'"),
        (b"5.1,0.2,0.2\n4.9,0.1,0.3\n", "first line holds nothing but numbers; if it is a row, put a line"),
        (b"a,b\nx\0y,1\n", "line 2: a NUL character"),
    ],
)
def test_bad_csv_is_refused(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(path)


def test_a_header_that_is_a_row_is_told_of(tmp_path):
    path = tmp_path / "t.csv"
    for first in ("5.1,3.5", "7,3", "-1,2"):
        path.write_text(f"{first}\n4.9,0.1\n")
        with pytest.warns(FileWarning, match="first line holds nothing but numbers"):
            assert read_table(path).frame.columns.tolist() == first.split(",")
    for first in ("0,1", "2010,2011", "x,3.5", "12"):
        path.write_text(f"{first}\n{first}\n")
        assert len(read_table(path).frame) == 1


def test_bad_paths_are_refused(tmp_path):
    with pytest.raises(DataError, match="no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="directory"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="ends in"):
        read_table(write(tmp_path / "t.xlsx", "x"))
    with pytest.raises(DataError, match="not a Parquet file"):
        read_table(write(tmp_path / "t.parquet", "nothing of the kind"))
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a\n" + os.urandom(9000).hex().encode())[:200])
    with pytest.raises(DataError, match=r"cut\.csv\.gz"):
        read_table(tmp_path / "cut.csv.gz")
    frame = pd.DataFrame({"a": [1]})
    for name, message in (("t.txt", "end the name"), ("none/t.csv", "no folder")):
        with pytest.raises(OptionError, match=message):
            write_table(frame, tmp_path / name)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_written_tables_are_read_again(tmp_path, ending):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, np.nan]})
    path = tmp_path / f"t{ending}"
    write_table(frame, path)
    pd.testing.assert_frame_equal(read_table(path).frame, frame)
    first = path.read_bytes()
    write_table(frame, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("error", "raised"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "No space left on device"), GensynthError)],
)
def test_a_broken_write_leaves_the_old_file_alone(tmp_path, monkeypatch, error, raised):
    path = write(tmp_path / "t.csv", "old")

    def half(_, file, **__):
        file.write(b"half")
        raise error

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(raised, match="No space left" if raised is GensynthError else None):
        write_table(pd.DataFrame({"a": [1]}), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_numpy_arrays_come_back():
    for array in (np.arange(6.0).reshape(3, 2), np.arange(6, dtype=np.int16).reshape(3, 2), np.array([["a"], ["b"]]),
                  np.array([[1, "x"], [2, "y"]], dtype=object)):  # fmt: skip
        frame, container = to_frame(array)
        assert list(frame.columns) == [f"x{i}" for i in range(array.shape[1])]
        back = Container.from_json(container.to_json()).restore(frame)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)
    structured = np.array([(1, 2.5), (3, 4.5)], dtype=[("i", "<i4"), ("f", "<f8")])
    frame, container = to_frame(structured)
    np.testing.assert_array_equal(container.restore(frame), structured)


def test_arrow_and_polars_come_back():
    polars = pytest.importorskip("polars")
    table = pa.table(
        {
            "i": pa.array([1, None, 3], pa.int32()),
            "s": pa.array(["a", None, "b"]),
            "d": pa.array([1, 2, None], pa.date32()),
            "c": pa.array(["u", "v", "u"]).dictionary_encode(),
            "t": pa.array([1, 2, 3], pa.timestamp("ms", tz="UTC")),
        }
    )
    frame, container = to_frame(table)
    schema = TableSchema.infer(frame, keep=list(frame.columns))
    encoder = TableEncoder(schema, Encoding()).fit(frame)
    back = encoder.decode(encoder.encode(schema.align(frame)), np.random.default_rng(0))
    assert Container.from_json(container.to_json()).restore(back).equals(table)
    data = polars.DataFrame(
        {"a": [1, None, 2], "b": ["x", "y", None], "c": polars.Series(["p", "q", "p"], dtype=polars.Categorical)}
    )
    frame, container = to_frame(data)
    back = container.restore(frame)
    assert back.schema == data.schema
    assert back.equals(data)


def test_other_things_are_refused():
    for thing, message in (
        (np.zeros(3), "Reshape your data"),
        (np.zeros((2, 2), complex), "complex"),
        (3, "X is of type int"),
        ({"a": 1}, "dict"),
    ):
        with pytest.raises(DataError, match=message):
            to_frame(thing)


def test_series_and_lists():
    frame, container = to_frame(pd.Series([1, 2], name="y"))
    pd.testing.assert_series_equal(container.restore(frame), pd.Series([1, 2], name="y"))
    frame, container = to_frame([[1, 2], [3, 4]])
    np.testing.assert_array_equal(container.restore(frame), [[1, 2], [3, 4]])


@pytest.mark.parametrize("name", RAW)
def test_dirty_files_go_through(name):
    table = read_table(shared_data() / "raw" / name)
    frame = table.frame
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        schema = TableSchema.infer(frame)
    encoder = TableEncoder(schema, Encoding()).fit(frame)
    back = encoder.decode(encoder.encode(schema.align(frame)), np.random.default_rng(0))
    learned = [column.name for column in schema.columns if column.kind != "identifier"]
    pd.testing.assert_frame_equal(back[learned], frame[learned], rtol=1e-9)
    cells = table.render(back)[learned]
    assert table.text is not None
    assert (cells == table.text[learned]).to_numpy().mean() > 0.97
