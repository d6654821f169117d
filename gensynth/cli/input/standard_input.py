"""``-``: a table on standard input, as CSV or as an Arrow stream."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import DataError
from gensynth.tables.arrowsources import ArrowFile
from gensynth.tables.arrowstream import ArrowStream
from gensynth.tables.csvstream import CsvStream

if TYPE_CHECKING:
    from gensynth.tables import TableStream


SOURCE = "standard input"


def read_input(name: str, options: Mapping[str, Any]) -> TableStream:
    """Return the table on standard input, copied to a temporary file to be read more than once.

    Raises
    ------
    DataError
        It is no table of the format ``name``.
    """
    folder = tempfile.mkdtemp(prefix="gensynth-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / ("input.arrow" if name == "arrow" else "input.csv")
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    if path.stat().st_size == 0:
        raise DataError(f"{SOURCE} is empty; expected a header and rows")
    if name == "arrow":
        return ArrowStream(ArrowFile(path, SOURCE), SOURCE)
    return CsvStream([path], options["missing"], options["categories"], options.get("targets", ()), source=SOURCE)
