"""Tables written batch by batch are those written in one piece."""

from __future__ import annotations

import warnings

import pandas as pd
import pyarrow.parquet as pq
import pytest

from gensynth.errors import FileWarning, OutputError
from gensynth.tables import Table, open_table, read_table, write_table
from gensynth.tables import writer as writers
from gensynth.tables.writer import PartsWriter, file_writer, part_path


def frame(n: int = 50) -> pd.DataFrame:
    return pd.DataFrame({"n": range(n), "x": [i / 4 for i in range(n)], "s": [f"é{i % 3}" for i in range(n)]})


def write(batches, path) -> None:
    with file_writer(path, sum(map(len, batches))) as writer:
        for batch in batches:
            writer.write(batch)


def copied(source, target, rows: int = 7) -> None:
    write(list(open_table(source, in_memory=0).batches(rows)), target)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_file_is_copied_byte_for_byte(tmp_path, encoding):
    data = '"n","x";y\r\n'.replace(";y", ',"s"') + "".join(f'"{i}",{i}.50,é{i}\r\n' for i in range(50))
    (tmp_path / "a.csv").write_bytes(data.encode(encoding))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FileWarning)
        copied(tmp_path / "a.csv", tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_a_late_character_that_the_encoding_lacks_makes_the_file_utf8(tmp_path):
    (tmp_path / "a.csv").write_bytes(("n,s\n" + "".join(f"{i},é\n" for i in range(50))).encode("cp1252"))
    with pytest.warns(FileWarning, match="Windows-1252"):
        stream = open_table(tmp_path / "a.csv", in_memory=0)
    batches = list(stream.batches(20))
    assert batches[2].text is not None
    batches[2].text.iloc[0, 1] = "Ω"
    with pytest.warns(FileWarning, match="has no 'Ω'"):
        write(batches, tmp_path / "b.csv")
    lines = (tmp_path / "b.csv").read_text("utf-8").splitlines()
    assert (lines[1], lines[41]) == ("0,é", "40,Ω")


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_frames_are_written_as_in_one_piece(tmp_path, ending):
    whole = frame()
    write_table(whole, tmp_path / f"a{ending}")
    with file_writer(tmp_path / f"b{ending}", len(whole)) as writer:
        for first in range(0, 50, 20):
            writer.write(Table(whole.iloc[first : first + 20]))
    if ending in {".csv", ".tsv"}:
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
    one, other = (read_table(tmp_path / f"{name}{ending}").frame for name in "ab")
    pd.testing.assert_frame_equal(one, other)


def test_the_index_that_pandas_noted_has_the_length_of_the_table(tmp_path):
    frame().to_parquet(tmp_path / "a.parquet", row_group_size=9)
    copied(tmp_path / "a.parquet", tmp_path / "b.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "b.parquet"), frame())
    assert pq.read_schema(tmp_path / "a.parquet").equals(pq.read_schema(tmp_path / "b.parquet"), check_metadata=True)


def test_parts_have_their_rows_whatever_the_batches(tmp_path):
    with PartsWriter(tmp_path, 50, 12) as writer:
        for first in range(0, 50, 7):
            writer.write(Table(frame().iloc[first : first + 7]))
    sizes = [pq.read_metadata(path).num_rows for path in sorted(tmp_path.iterdir())]
    assert sizes == [12, 12, 12, 12, 2]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path), frame())


def test_an_error_leaves_the_finished_parts_only(tmp_path, monkeypatch):
    with PartsWriter(tmp_path, 50, 20) as writer:
        writer.write(Table(frame().iloc[:30]))
    assert list(tmp_path.iterdir()) == [part_path(tmp_path, 0)]
    again = PartsWriter(tmp_path, 50, 20)
    assert again.start == 20

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writers.FileWriter, "write", full)
    with pytest.raises(OutputError, match=r"No space left on device; 1 finished part of .* is kept"):
        again.write(Table(frame().iloc[20:]))
    assert list(tmp_path.iterdir()) == [part_path(tmp_path, 0)]
