"""Tables in batches: the same columns, dtypes and cells as in memory, whatever the size of a batch."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from gensynth.errors import DataError, FileWarning
from gensynth.tables import open_table, read_table

N = 57
ODD_TEXTS = {
    "plain": "a,b,c,d,e\n" + "".join(f"{i},{i / 4},{'xy'[i % 2]},{'True' if i % 3 else ''},\n" for i in range(N)),
    "late": "a;b\n" + "".join(f"{i};{'' if i < 40 else i}\n" for i in range(N)) + "1.5;NA\n",
    "quoted": '"a b","c"\r\n' + "".join(f'"{i}","line {i}\r\nand ""more"""\r\n' for i in range(N)),
    "short": "a,b,c\n" + "".join(f"{i},x{i % 3}\n" if i % 7 == 3 else f"{i},y,0{i}\n" for i in range(N)),
    "wide integers": "a,b\n" + "".join(f"{i},{i}\n" for i in range(N)) + "1,99999999999999999999\n",
    "tabs": "a\tb\n" + "".join(f"{i}\t{i % 4 == 0}\n" for i in range(N)),
    "one column": "a\n" + "".join(f"{i}\n" for i in range(N)),
}


def joined(stream, rows, start=0):
    """All batches as one frame; each has the asked number of rows but the last."""
    parts = list(stream.batches(rows, start))
    assert [len(p.frame) for p in parts[:-1]] == [rows] * (len(parts) - 1)
    assert 0 < len(parts[-1].frame) <= rows
    frame = pd.concat([p.frame for p in parts])
    texts = None if parts[0].text is None else pd.concat([p.text for p in parts])
    arrows = None if parts[0].arrow is None else pa.concat_tables([p.arrow for p in parts])
    return frame, texts, arrows


@pytest.mark.parametrize("name", ODD_TEXTS)
@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_csv_in_batches_is_the_table_in_memory(tmp_path, name, rows):
    path = tmp_path / ("t.tsv" if name == "tabs" else "t.csv")
    path.write_text(ODD_TEXTS[name], newline="")
    table, stream = read_table(path), open_table(path, in_memory=0)
    assert stream.n_rows == len(table.frame)
    frame, texts, _ = joined(stream, rows)
    pd.testing.assert_frame_equal(frame, table.frame, check_exact=True, check_index_type=False)
    assert table.text is not None
    pd.testing.assert_frame_equal(texts, table.text, check_index_type=False)
    assert stream.style == table.style
    later, _, _ = joined(stream, rows, 13)
    pd.testing.assert_frame_equal(later, table.frame.iloc[13:], check_exact=True, check_index_type=False)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_csv_in_other_encodings(tmp_path, encoding, ending):
    data = ("name,n\n" + "".join(f"Zoë{i},{i}\n" for i in range(N))).encode(encoding)
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    if encoding == "cp1252":
        with pytest.warns(FileWarning, match="Windows-1252"):
            table = read_table(path)
        with pytest.warns(FileWarning, match="Windows-1252"):
            stream = open_table(path, in_memory=0)
    else:
        table, stream = read_table(path), open_table(path, in_memory=0)
    frame, texts, _ = joined(stream, 10)
    pd.testing.assert_frame_equal(frame, table.frame, check_index_type=False)
    assert table.text is not None
    pd.testing.assert_frame_equal(texts, table.text, check_index_type=False)
    assert stream.style == table.style


def test_styles_of_many_rows_are_those_in_memory(tmp_path):
    n = 25_000
    rng = np.random.default_rng(0)
    cells = [f"{v:.2f}" if v > 0.1 else "NA" for v in rng.random(n)]
    path = tmp_path / "t.csv"
    path.write_text("v,w\n" + "".join(f"{c},{i % 2 == 0}\n" for i, c in enumerate(cells)))
    assert open_table(path, in_memory=0).style == read_table(path).style


def odd_frame(n=N, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "i": rng.integers(0, 9, n), "late": pd.array([None if i == n - 1 else i for i in range(n)], dtype="Int64"),
        "flag": pd.array([None if i == n - 2 else i % 2 == 0 for i in range(n)], dtype="boolean"),
        "f": rng.normal(size=n), "s": [None if i % 11 == 5 else f"s{i % 3}" for i in range(n)],
        "c": pd.Categorical([f"k{i // 20}" for i in range(n)], categories=["z", "k1", "k0", "k2"]),
        "t": pd.date_range("2020-01-01", periods=n, freq="h", tz="Europe/Amsterdam"),
    })  # fmt: skip


@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_parquet_in_batches_is_the_table_in_memory(tmp_path, rows):
    path = tmp_path / "t.parquet"
    odd_frame().to_parquet(path, row_group_size=23)
    table, stream = read_table(path), open_table(path, in_memory=0)
    frame, _, arrow = joined(stream, rows)
    pd.testing.assert_frame_equal(frame, table.frame, check_exact=True, check_index_type=False)
    assert table.arrow is not None
    assert arrow.schema.equals(table.arrow.schema, check_metadata=True)
    assert arrow.to_pylist() == table.arrow.to_pylist()
    later, _, _ = joined(stream, rows, 31)
    pd.testing.assert_frame_equal(later, table.frame.iloc[31:], check_exact=True, check_index_type=False)


def test_files_of_a_folder_are_one_table(tmp_path):
    frame = odd_frame()
    frame.iloc[:20].to_parquet(tmp_path / "a.parquet")
    frame.iloc[20:].to_parquet(tmp_path / "b.parquet")
    (tmp_path / "_notes.parquet").write_bytes(b"no table")
    frame.to_parquet(tmp_path.with_suffix(".parquet"))
    whole = read_table(tmp_path.with_suffix(".parquet")).frame
    for source in (tmp_path, tmp_path / "[ab].parquet"):
        found, _, _ = joined(open_table(source), 10)
        pd.testing.assert_frame_equal(found, whole, check_exact=True, check_index_type=False)


def test_a_data_set_is_a_table(tmp_path):
    frame = odd_frame().drop(columns="c")
    (tmp_path / "year=2020").mkdir()
    frame.to_parquet(tmp_path / "year=2020" / "a.parquet", row_group_size=10)
    dataset = pads.dataset(tmp_path, partitioning="hive")
    found, _, _ = joined(open_table(dataset), 9)
    frame.to_parquet(tmp_path.with_suffix(".parquet"))
    whole = read_table(tmp_path.with_suffix(".parquet")).frame
    pd.testing.assert_frame_equal(found[whole.columns], whole, check_exact=True, check_index_type=False)
    assert (found["year"] == 2020).all()
    with pytest.raises(DataError, match=r"year=2020 stands for a column"):
        open_table(tmp_path)


def test_a_type_that_changes_is_said_with_both_files(tmp_path):
    pd.DataFrame({"a": [1, 2], "b": [1, 2]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"b": [1, 2], "a": ["x", "y"]}).to_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"column 'a' is int64 in .*1\.parquet and .*string in .*2\.parquet"):
        open_table(tmp_path)
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "1.csv").write_text("a,b\n1,\n2,x\n")
    (tmp_path / "csv" / "2.csv").write_text("b,a\ny,1.5\nz,\n")
    found, _, _ = joined(open_table(tmp_path / "csv"), 3)
    assert found.to_dict("list")["a"][:3] == [1.0, 2.0, 1.5]
    (tmp_path / "csv" / "3.csv").write_text("b,a\ny,one\n")
    with pytest.raises(DataError, match=r"column 'a' holds numbers in .*1\.csv and text in .*3\.csv"):
        open_table(tmp_path / "csv")
    (tmp_path / "csv" / "3.csv").write_text("b\ny\n")
    with pytest.raises(DataError, match=r"3\.csv lacks the column 'a' of .*1\.csv"):
        open_table(tmp_path / "csv")


def test_a_damaged_part_is_named(tmp_path):
    for name in "ab":
        table = pa.table({"x": np.arange(4000), "y": np.random.default_rng(0).random(4000)})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=1000, write_page_checksum=True,
                       compression="none", use_dictionary=False)  # fmt: skip
    path = tmp_path / "b.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 + 300] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"b\.parquet, row group [12], cannot be read"):
        list(open_table(tmp_path).batches(500))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,a,b\n" + "".join(f"r{i},{i},{i * 2}\n" for i in range(1, 30)) + "Total,435,870\n", "line 31: .*totals"),
        ("name,a,b\n" + "".join(f"r{i},{i},{i}\n" for i in range(1, 30)) + "Source: me\n\n", "line 31: .*a note"),
        ("a,b\n" + "1,2\n" * 30 + '3,"x\n4,5\n', "never closed"),
        ("a,b\n" + "1,2\n" * 30 + "1,2,3\n", "line 32: 3 cells"),
        ("a,b\n", "no rows"),
    ],
)
def test_bad_csv_is_said_as_in_memory(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    for limit in (0, 2**20):
        with pytest.raises(DataError, match=message):
            open_table(path, in_memory=limit)
