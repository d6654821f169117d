"""Detection of a CSV file's dialect: encoding, separator, line ends and quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gensynth.errors import DataError, FileWarning

SEPARATORS = "\t;|,"
"""Candidates; ties go to the earlier one, as commas occur in texts and decimals, too."""

_MARKS = (  # the longer first: UTF-32 begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LOOK_AT = 1 << 18
"""Characters at a file's start from which its dialect is inferred."""
_MAX_RECORDS = 500
_NUL_SHARE = 0.02  # UTF-16 has a NUL in every separator, digit and line end


@dataclass(frozen=True)
class Dialect:
    r"""Dialect of a CSV file.

    Parameters
    ----------
    separator : str
        Between the cells of a line.
    encoding : str
        Name of a codec.
    mark : bool
        Whether the file begins with a byte order mark.
    line_end : str
        ``"\n"``, ``"\r\n"`` or ``"\r"``.
    quoted : tuple of str
        Columns whose cells are all in double quotes, needed or not.
    quoted_names : bool
        Whether the names of the columns are.
    tabbed : bool
        Whether the file's ending, ``.tsv``, said that there are tabs: a ``.csv`` file of its rows has commas.
    """

    separator: str = ","
    encoding: str = "utf-8"
    mark: bool = False
    line_end: str = "\n"
    quoted: tuple[str, ...] = ()
    quoted_names: bool = False
    tabbed: bool = False

    @property
    def first_bytes(self) -> bytes:
        """The byte order mark, if there is one."""
        return next(mark for mark, name in _MARKS if name == self.encoding) if self.mark else b""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what holds its default is left out."""
        plain = asdict(Dialect())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Dialect:
        """Rebuild from `to_json`."""
        return cls(**{**state, "quoted": tuple(state.get("quoted", ()))})


def decode(data: bytes, source: object) -> tuple[str, str, bool]:
    """Return the text of a file, the name of its encoding, and whether a byte order mark said so.

    Raises and warns as `find_encoding`.
    """
    name, mark = find_encoding(lambda: (data,), source)
    return data[mark_of(name) if mark else 0 :].decode(name), name, mark


def mark_of(encoding: str) -> int:
    """Return the length of the byte order mark of an encoding that has one."""
    return len(next(mark for mark, name in _MARKS if name == encoding))


def find_encoding(pieces: Callable[[], Iterable[bytes]], source: object) -> tuple[str, bool]:
    """Return a file's encoding, and whether it has a byte order mark.

    UTF-8, UTF-16 and UTF-32, with or without a mark; what is none of these is read as Windows-1252.

    Parameters
    ----------
    pieces : callable
        Gives the bytes of the file from its beginning, the first piece of at least 262,144 bytes if there are so many.
    source : path
        For messages.

    Raises
    ------
    DataError
        If it is no text.

    Warns
    -----
    FileWarning
        If the encoding was guessed.
    """
    head = next(iter(pieces()), b"")[:LOOK_AT]
    for mark, name in _MARKS:
        if head.startswith(mark):
            _check_encoding(pieces, name, source, len(mark))
            return name, True
    if b"\0" in head:
        guess = _utf16(head)
        if guess is None:
            line = head[: head.index(b"\0")].count(b"\n") + 1
            raise DataError(f"{source}, line {line}: a NUL character; this is not a text file, or a damaged one")
        _check_encoding(pieces, guess, source)
        return guess, False
    found = _first_undecodable(pieces(), "utf-8")
    if found is None:
        return "utf-8", False
    for name, known in (("cp1252", "Windows-1252"), ("latin-1", "Latin-1")):
        if _first_undecodable(pieces(), name) is not None:
            continue
        warnings.warn(
            f"{source} is not UTF-8 (line {found[0]}): read as {known}, and written so; if accents come out wrong, "
            "convert the file to UTF-8 first, for example: iconv -f ENCODING -t UTF-8",
            FileWarning,
            stacklevel=3,
        )
        return name, False
    raise AssertionError("Latin-1 decodes every byte")


def _check_encoding(pieces: Callable[[], Iterable[bytes]], name: str, source: object, skip: int = 0) -> None:
    found = _first_undecodable(pieces(), name, skip)
    if found is not None:
        raise DataError(
            f"{source}, line {found[0]}: bytes that are not {name.upper()} ({found[1]}); the file is damaged or cut off"
        )


def _first_undecodable(pieces: Iterable[bytes], name: str, skip: int = 0) -> tuple[int, str] | None:
    """Return the line of the first bytes that are not in an encoding, and why; None if all are."""
    decoder = codecs.getincrementaldecoder(name)()
    lines = 1
    try:
        for piece in pieces:
            lines += decoder.decode(piece[skip:]).count("\n")
            skip = 0
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = bytes(error.object[: error.start]).decode(name, "replace")
        return lines + before.count("\n"), error.reason
    return None


def _utf16(data: bytes) -> str | None:
    """Return the variant of UTF-16 of text without a byte order mark, or None, by the positions of NULs."""
    zeros = np.frombuffer(data[:LOOK_AT], dtype=np.uint8) == 0
    even, odd = int(zeros[::2].sum()), int(zeros[1::2].sum())
    if len(data) % 2 or even + odd < _NUL_SHARE * len(zeros) or min(even, odd) > 0.1 * max(even, odd):
        return None
    name = "utf-16-le" if odd > even else "utf-16-be"
    text = data[:LOOK_AT].decode(name, "ignore")
    return name if "\n" in text or "\r" in text else None


def find_dialect(text: str, encoding: str = "utf-8", *, mark: bool = False) -> Dialect:
    """Return the dialect of a text; its separator is the one that splits lines most evenly."""
    sample = text[:LOOK_AT]
    whole = len(sample) == len(text)
    separator = _separator(sample, whole=whole)
    end = re.search(r"\r\n|\n|\r", sample)
    raw = raw_records(sample, separator)
    names = [_bare(cell) for cell in raw[0]] if raw else []
    rows = [row for row in raw[1:] if len(row) == len(names)]
    quoted = tuple(name for i, name in enumerate(names) if _all_quoted([row[i] for row in rows], separator))
    return Dialect(
        separator, encoding, mark, end.group() if end else "\n", quoted, bool(raw) and _all_quoted(raw[0], separator)
    )


def read_records(text: str, separator: str, most: int = _MAX_RECORDS) -> list[tuple[int, list[str]]]:
    """Return the first records that are not empty, each with the number of its last line; the last may be cut off.

    Raises
    ------
    csv.Error
        If a cell is too large.
    """
    reader = csv.reader(io.StringIO(text[:LOOK_AT], newline=""), delimiter=separator)
    found: list[tuple[int, list[str]]] = []
    for row in reader:
        if row:
            found.append((reader.line_num, row))
        if len(found) == most:
            break
    return found


def raw_records(sample: str, separator: str) -> list[list[str]]:
    """Return the cells of the first lines as they stand there, with their quotes."""
    cell = re.compile(rf'("(?:[^"]|"")*"|[^{re.escape(separator)}\r\n]*)({re.escape(separator)}|\r\n|\n|\r|$)')
    records: list[list[str]] = [[]]
    at = 0
    while at < len(sample) and len(records) <= _MAX_RECORDS:
        found = cell.match(sample, at)
        if found is None:  # a quote in the middle of a cell
            break
        records[-1].append(found[1])
        at = found.end()
        if found[2] != separator:
            records.append([])
    return [row for row in records[:-1] if row != [""]]


def _all_quoted(cells: list[str], separator: str) -> bool:
    """Whether all cells are in quotes, some of them without need."""
    needed = re.compile(rf'[{re.escape(separator)}"\r\n]')
    return all(map(_is_quoted, cells)) and any(not needed.search(cell[1:-1]) for cell in cells)


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell.startswith('"')


def _bare(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _is_quoted(cell) else cell


def _separator(sample: str, *, whole: bool) -> str:
    fits = {separator: _regularity(sample, separator, whole=whole) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: fits[separator])
    return best if any(fits[best]) else ","


def _regularity(sample: str, separator: str, *, whole: bool) -> tuple[float, float]:
    """Return the share of records with as many cells as the header has, and with the commonest count of cells."""
    if separator not in sample:
        return 0.0, 0.0
    try:
        records = read_records(sample, separator)
    except csv.Error:
        return 0.0, 0.0
    if not whole and 1 < len(records) < _MAX_RECORDS:
        records = records[:-1]  # cut off
    widths = [len(row) for _, row in records]
    if len(widths) == 1:
        return float(widths[0] > 1), 0.0
    common, count = Counter(widths[1:]).most_common(1)[0]
    as_header = sum(width == widths[0] for width in widths[1:]) / (len(widths) - 1) if widths[0] > 1 else 0.0
    return as_header, count / (len(widths) - 1) if common > 1 else 0.0
