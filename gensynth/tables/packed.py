"""Text files, plain or compressed (gzip, zip), opened for sequential reading."""

from __future__ import annotations

import contextlib
import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from gensynth.errors import DataError


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; the ending says whether it is unpacked on the way.

    Raises
    ------
    DataError
        A zip archive holds anything else than one .csv or .tsv file, or asks for a password.
    OSError, EOFError, zlib.error, zipfile.BadZipFile
        The file cannot be read, or is damaged.
    """
    name = path.name.lower()
    if name.endswith(".gz"):
        with gzip.open(path, "rb") as stream:
            yield cast("BinaryIO", stream)
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            try:
                member = archive.open(_only_member(archive, path))
            except RuntimeError as error:  # encrypted
                raise DataError(f"{path} cannot be read: {error}") from error
            with member:
                yield cast("BinaryIO", member)
    else:
        with path.open("rb") as stream:
            yield stream


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1 or not names[0].lower().endswith((".csv", ".tsv", ".txt")):
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") or "nothing"
        raise DataError(f"{path} holds {shown}; expected one .csv or .tsv file: unpack it and give the path of one")
    return names[0]
