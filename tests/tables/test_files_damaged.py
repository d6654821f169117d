"""Damaged files: a clear refusal, whatever byte is wrong."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import zipfile
from pathlib import Path

import pytest
from command_line import people

from gensynth.errors import DataError
from gensynth.tables import read_table

ROWS = people(400).assign(note=[f"x{i % 40}" for i in range(400)])


def packed(ending: str) -> bytes:
    text = ROWS.to_csv(index=False).encode()
    if ending == "csv.gz":
        return gzip.compress(text, mtime=0)
    held = io.BytesIO()
    if ending == "zip":
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", text)
    else:
        ROWS.to_parquet(held)
    return held.getvalue()


def damaged(whole: bytes) -> list[bytes]:
    """Return files that are cut off, have flipped bits, or a piece of chance in them."""
    chance = random.Random(0)
    out = []
    for _ in range(40):
        at, end = sorted((chance.randrange(len(whole)), chance.randrange(len(whole))))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        end = min(end, at + 200)
        out += [whole[:at], bytes(flipped), whole[:at] + chance.randbytes(end - at) + whole[end:]]
    return out


@pytest.mark.parametrize("ending", ["csv.gz", "zip", "parquet"])
def test_a_damaged_file_is_read_whole_or_refused_by_its_name(ending, tmp_path):
    path = tmp_path / f"t.{ending}"
    refused = 0
    for data in damaged(packed(ending)):
        path.write_bytes(data)
        with contextlib.suppress(DataError):
            read_table(path)
            continue
        with pytest.raises(DataError, match=path.name):
            read_table(path)
        refused += 1
    assert refused > 60


def test_a_gzip_file_cut_in_the_middle_or_with_a_wrong_checksum(tmp_path):
    path, whole = tmp_path / "t.csv.gz", packed("csv.gz")
    crc = bytearray(whole)
    crc[-8] ^= 1
    for data in (whole[: len(whole) // 2], bytes(crc), whole[:-4]):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"t\.csv\.gz cannot be read"):
            read_table(path)


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX are bytes")
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_a_file_whose_name_is_not_utf8(ending, tmp_path):
    from gensynth.tables import write_table

    path = tmp_path / f"caf\udce9.{ending}"
    write_table(ROWS, path)
    assert len(read_table(path).frame) == len(ROWS)
    assert [Path(p).name for p in tmp_path.iterdir()] == [path.name]
