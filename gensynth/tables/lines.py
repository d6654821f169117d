"""Lines of a CSV file that are not rows of its table (titles, totals, extra separators), as errors."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gensynth.errors import DataError, FileWarning

_REGULAR = 0.9
_FEW_ROWS = 6
"""Number of rows up to which a total in the last one may be chance."""
_TOTAL = re.compile(
    r"^\W*(grand |sub-?)?(totals?|totaal|totale?s?|sums?|summe|som|somme|suma|soma|gesamt|averages?|mean)\W*$",
    re.IGNORECASE,
)
_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}

Records = Sequence[tuple[int, list[str]]]


def check_header(source: object, header: list[str], records: Records) -> None:
    """Raise `DataError` if the first line cannot name the columns.

    Parameters
    ----------
    source : path
        For the message.
    header : list of str
        Cells of the first record.
    records : sequence of (int, list of str)
        The first records, the header among them, with the numbers of their lines.
    """
    if not any(header):
        raise DataError(f"{source} has no header in its first line")
    if len(header) > 2 and header[0] and not any(header[1:]):
        raise DataError(_title(source, records, 1))
    told = (
        f"{source}: the first line holds nothing but numbers; if it is a row, put a line with the names of the columns "
        "above it"
    )
    if len(set(header)) < len(header):
        if _are_numbers(header):
            raise DataError(told)
        double = next(name for name in header if header.count(name) > 1)
        raise DataError(f"{source}: several columns have the name {double!r}; rename or drop all but one")
    if _is_row(header):
        warnings.warn(told, FileWarning, stacklevel=2)


def _are_numbers(header: list[str]) -> bool:
    return all(re.fullmatch(r"\s*[-+]?\d*[.,]?\d+([eE][-+]?\d+)?\s*", name) for name in header)


def _is_row(header: list[str]) -> bool:
    """Whether a header holds numbers that name no columns: counts and years stand in ascending order."""
    if len(header) < 2 or not _are_numbers(header):
        return False
    return not all(name.strip().isdecimal() for name in header) or sorted(header, key=int) != header


def too_long(source: object, line: int, row: list[str], header: list[str], records: Records, separator: str) -> str:
    """Return the error text for a row with more cells than the header, with the likely cause."""
    widths = Counter(len(cells) for _, cells in records[1:])
    common, count = widths.most_common(1)[0] if widths else (0, 0)
    if common <= len(header) or count < _REGULAR * (len(records) - 1):
        return (
            f"{source}, line {line}: {len(row)} cells, but the header has {len(header)}; put a cell that holds the "
            f"separator, a {_NAMES[separator]}, in double quotes"
        )
    usual = [cells for _, cells in records[1:] if len(cells) == common]
    if not any(cell for cells in usual for cell in cells[len(header) :]):
        return (
            f"{source}, line {line}: a {_NAMES[separator]} too many at the end ({common} cells, the header has "
            f"{len(header)}), as in most lines; remove it from the lines, or add it to the header"
        )
    if len(header) > 1 and common == len(header) + 1:
        return (
            f"{source}, line {line}: {common} cells, as in most lines, but the header has {len(header)} names; add the "
            "name that is missing to line 1 (the first one, if the first cell of a line is its row's name)"
        )
    return _title(source, records, common)


def _title(source: object, records: Records, common: int) -> str:
    first, title = records[0]
    common = max(common, max((sum(map(bool, cells)) for _, cells in records[1:]), default=1))
    start = next((line for line, cells in records[1:] if sum(map(bool, cells)) == common), None)
    shown = " ".join(cell for cell in title if cell)[:60]
    said = f"{source}, line {first}: {shown!r} is not the header of a table whose lines have {common} cells"
    if start is None:
        return f"{said}; write the names of all columns into line {first}"
    return (
        f"{said}; if it is a title, remove what stands above the header, which seems to be line {start}; "
        f"if it is a name, add those of the other columns to line {first}"
    )


class Ending(Protocol):
    """The last row of a CSV file, and access to the rows above it."""

    @property
    def n_rows(self) -> int:
        """Rows of the table."""

    @property
    def last(self) -> Sequence[str]:
        """Cells of the last row."""

    def above(self) -> Iterable[pa.Table]:
        """Return the cells of all other rows, part by part."""

    def last_line(self) -> int:
        """Return the number of the last line that is not empty."""


@dataclass(frozen=True)
class WholeText:
    """The ending of a file that is in memory.

    Parameters
    ----------
    cells : pyarrow.Table
        All cells as text.
    text : str
        The file.
    """

    cells: pa.Table
    text: str

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return int(self.cells.num_rows)

    @property
    def last(self) -> list[str]:
        """Cells of the last row."""
        return [column[-1].as_py() or "" for column in self.cells.columns]

    def above(self) -> Iterable[pa.Table]:
        """Return the cells of all other rows."""
        return (self.cells.slice(0, self.n_rows - 1),)

    def last_line(self) -> int:
        """Return the number of the last line that is not empty."""
        return len(self.text.rstrip().splitlines())


def check_end(source: object, end: Ending) -> None:
    """Raise `DataError` if the last row is a line of totals, or a note below the table; ``source`` is its path."""
    if end.n_rows < 3:
        return
    last = [cell.strip() for cell in end.last]
    filled = [i for i, cell in enumerate(last) if cell]
    if not filled:
        return
    word = bool(_TOTAL.match(last[filled[0]]))
    gap = any(not last[i] and _never_empty(end, i) for i in range(len(last)))
    if not word and not gap:
        return
    enough = word or end.n_rows > _FEW_ROWS  # 1, 2, 3
    added = enough and _adds_up(end, {i: last[i] for i in filled})
    if (word and (gap or _only_number_breaks(end, filled[0]))) or added:
        what = "a line of totals"
    elif filled == [0] and len(last) > 2 and all(_never_empty(end, i) for i in range(len(last))):
        what = "a note below the table, or a row that is cut off"
    else:
        return
    shown = ", ".join(last[i] for i in filled)[:60]
    raise DataError(f"{source}, line {end.last_line()}: {shown!r} looks like {what}, not like a row; remove the line")


def _never_empty(end: Ending, i: int) -> bool:
    bare = (pc.utf8_trim_whitespace(part.column(i)) for part in end.above())
    return not any(pc.any(pc.equal(cells, "")).as_py() for cells in bare)


def _numbers(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    texts = pd.Series(pc.utf8_trim_whitespace(cells).to_pandas(), dtype=object)
    return np.array(pd.to_numeric(texts, errors="coerce"), dtype=np.float64)


def _only_number_breaks(end: Ending, i: int) -> bool:
    """Whether all other cells of the column are numbers."""
    return all(np.isfinite(_numbers(part.column(i))).all() for part in end.above())


def _adds_up(end: Ending, last: Mapping[int, str]) -> bool:
    """Whether one of the last cells, by column, is the sum of the numbers above it; goes through them once."""
    totals = {}
    for i, cell in last.items():
        with contextlib.suppress(ValueError):
            totals[i] = float(cell)
    totals = {i: total for i, total in totals.items() if total}
    if not totals:
        return False
    added, size = dict.fromkeys(totals, 0.0), dict.fromkeys(totals, 0.0)
    for part in end.above():
        for i in totals:
            numbers = _numbers(part.column(i))
            finite = numbers[np.isfinite(numbers)]
            added[i], size[i] = added[i] + float(finite.sum()), size[i] + float(np.abs(finite).sum())
    return any(size[i] and abs(added[i] - total) <= 1e-9 * size[i] + 1e-12 for i, total in totals.items())
