"""Tables of any size from a file, a folder, a glob pattern, or an Arrow data set."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from glob import has_magic
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from gensynth.errors import DataError
from gensynth.tables.arrowsources import ArrowDataset, ParquetFiles
from gensynth.tables.arrowstream import ArrowStream
from gensynth.tables.csvstream import CsvStream
from gensynth.tables.files import READ_ENDINGS, is_tabbed, read_table
from gensynth.tables.stream import MemoryStream, TableStream

IN_MEMORY = 2**25
"""Size in bytes up to which a file is read at once."""
_PACKED = 10
"""Assumed maximal ratio of unpacked to packed size."""


def open_table(
    source: Any,
    *,
    missing: str | Collection[str] | None = None,
    categories: Collection[str] = (),
    targets: Collection[str] = (),
    in_memory: int = IN_MEMORY,
) -> TableStream:
    """Open a table that is read in batches.

    Parameters
    ----------
    source : path-like or pyarrow.dataset.Dataset
        A ``.csv``, ``.tsv`` (both also as ``.gz`` or ``.zip``) or ``.parquet`` file; a folder of such files, all
        Parquet or all of text, of which those whose names begin with ``.`` or ``_`` are left out; a pattern (glob)
        for such files; or an Arrow data set. Several files are one table, one below the other in the order of their
        names.
    missing, categories, targets
        As for `read_table`.
    in_memory : int
        Bytes up to which a single file is read in one piece.

    Raises
    ------
    DataError
        There is no such file; it is not a readable table with rows; or the files have not the same columns.
    """
    missing = (missing,) if isinstance(missing, str) else missing
    dataset = sys.modules.get("pyarrow.dataset")
    if dataset is not None and isinstance(source, dataset.Dataset):
        return ArrowStream(ArrowDataset(source), "the data set")
    paths = table_files(source)
    if len(paths) == 1 and _is_small(paths[0], in_memory):
        table = read_table(paths[0], missing=missing, categories=categories, targets=targets)
        return MemoryStream(table, str(paths[0]))
    for path in paths:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; expected a header and rows")
    name = os.fspath(source)
    if _is_parquet(paths[0]):
        return ArrowStream(ParquetFiles(paths), name)
    return CsvStream(paths, missing, categories, targets, source=name, tabbed=is_tabbed(paths[0]))


def table_files(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files of a table, in the order of their names.

    Raises
    ------
    DataError
        There are none, some of them are Parquet and some are text, or a folder says by its name what its files hold.
    """
    path = Path(source)
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if _is_table(file) and not _is_hidden(file, path)]
        if not found:
            raise DataError(f"{path} is a folder without tables; expected files that end in {', '.join(READ_ENDINGS)}")
        keyed = next((p for file in found for p in file.relative_to(path).parts[:-1] if "=" in p), None)
        if keyed is not None:
            raise DataError(
                f"{path} is partitioned: its folder {keyed} stands for a column that no file holds; read it in Python "
                'with pyarrow.dataset.dataset(path, partitioning="hive")'
            )
    elif path.exists() or not has_magic(str(path)):
        found = [path]
    else:
        pattern = path.relative_to(path.anchor)
        asked = path.name.startswith((".", "_"))
        found = [
            file
            for file in sorted(Path(path.anchor).glob(str(pattern)))
            if file.is_file() and (asked or not file.name.startswith((".", "_")))
        ]
        if not found:
            raise DataError(f"no file has a name like {str(path)!r}")
    kinds = {_is_parquet(file) for file in found}
    if len(kinds) > 1:
        raise DataError(f"{path} holds both .parquet and other files; give those of one kind by a pattern")
    return found


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(READ_ENDINGS) and path.is_file()


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


def _is_small(path: Path, limit: int) -> bool:
    """Whether a file, or what does not exist or has an unknown ending, is read in one piece."""
    if not _is_table(path):
        return True
    size = path.stat().st_size
    if _is_parquet(path):
        return size <= limit and _unpacked(path) <= limit
    return size * (_PACKED if path.name.lower().endswith((".gz", ".zip")) else 1) <= limit


def _unpacked(path: Path) -> int:
    try:
        with path.open("rb") as stream, pq.ParquetFile(stream) as file:
            groups: Sequence[Any] = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            return sum(group.total_byte_size for group in groups)
    except Exception:  # noqa: BLE001 - whoever reads it says what is wrong with it
        return 0
