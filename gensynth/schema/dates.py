"""Dates as text: parsing and formatting in one format, independent of the locale."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gensynth.schema import civil
from gensynth.schema.strftime import MONTHS, ORDINALS, PIVOT, WEEKDAYS, Token, has_days, tokens, unit_of

Ints = NDArray[np.int64]
NAT = np.iinfo(np.int64).min

_PATTERNS = {
    "Y": r"\d{4}", "G": r"\d{4}", "y": r"\d{2}", "V": r"\d{2}", "j": r"\d{3}", "u": "[1-7]", "q": "[1-4]",
    "K": r"\d{1,6}", "f": r"\d{1,9}", "b": "[A-Za-z]{3}", "B": "[A-Za-z]{3,9}",
    "a": "[A-Za-z]{3}", "A": "[A-Za-z]{6,9}",
    "z": r"[+-]\d{2}(?::?\d{2})?|Z", "p": r"[AaPp]\.?[Mm]\.?", "o": r"\d{1,2}(?:st|nd|rd|th|ST|ND|RD|TH)",
}  # fmt: skip
_NUMBERS = "YGyVjuqKfmdHIMS"
_DAY_NUMBERS: dict[str, tuple[int, Callable[[Ints], Ints]]] = {
    "Y": (4, civil.years), "y": (2, lambda days: civil.years(days) % 100), "j": (3, civil.days_of_year),
    "G": (4, lambda days: civil.iso_weeks(days)[0]), "V": (2, lambda days: civil.iso_weeks(days)[1]),
    "q": (1, lambda days: (civil.months(days) + 2) // 3), "m": (2, civil.months), "d": (2, civil.days_of_month),
    "u": (1, lambda days: civil.weekdays(days) + 1),
}  # fmt: skip
"""Numeric directives: their number of digits, and the function that computes the number."""
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "j": 3, "f": 6}


@functools.lru_cache(maxsize=512)
def _pattern(format_: str) -> str:
    """Return the RE2 pattern of texts in the format, a group ``g0``, ``g1``, ... for every word."""
    parts, words = [], tokens(format_)
    for i, token in enumerate(words):
        if not token.letter:
            parts.append(re.escape(token.text))
            continue
        near = [words[j].letter for j in (i - 1, i + 1) if 0 <= j < len(words)]
        pattern = _PATTERNS.get(token.letter) or (
            r"\d{2}" if any(letter in _NUMBERS for letter in near if letter) else r" ?\d{1,2}"
        )
        if token.letter == "f" and "." in token.flags:
            parts.append(rf"(?:\.(?P<g{i}>{pattern}))?")
        else:
            parts.append(f"(?P<g{i}>{pattern})")
    return f"^{''.join(parts)}$"


def match(texts: Any, format_: str) -> dict[str, pa.Array] | None:
    """Return the parts of texts by directive, null for texts in another form; None if no text matches."""
    array = pa.array(texts, pa.string(), from_pandas=True)
    found = pc.extract_regex(array, _pattern(format_))
    if found.null_count == len(found):
        return None
    gap = pc.is_null(found)
    parts = {}
    for i, token in enumerate(tokens(format_)):
        if token.letter:
            part = pc.struct_field(found, [found.type.get_field_index(f"g{i}")])
            parts[token.letter] = pc.if_else(gap, pa.scalar(None, pa.string()), part)
    return parts


def parse_dates(texts: Any, format_: str) -> Ints:
    """Return ticks (n,), in the unit of the format, since 1970; the least int64 for a text that is not such a date.

    Leading zeros may be missing and the case of names may differ; a date or time that does not exist is none.
    """
    words = {token.letter: token for token in tokens(format_)}
    found = _fixed_fields(texts, format_)
    if found is not None:
        fields, bad = found
    else:
        parts = match(texts, format_)
        if parts is None:
            return np.full(len(texts), NAT, dtype=np.int64)
        bad = np.asarray(pc.is_null(next(iter(parts.values()))).to_numpy(zero_copy_only=False), dtype=bool)
        fields = {letter: _number(letter, part) for letter, part in parts.items() if letter != "f"}
        if "f" in parts:
            fields["f"] = _fraction(parts["f"])
    days = _days(fields, words, bad)
    hours = fields.get("H", fields.get("K", np.zeros(len(bad), dtype=np.int64)))
    if "I" in fields:
        bad |= (fields["I"] < 1) | (fields["I"] > 12)
        hours = fields["I"] % 12 + 12 * fields.get("p", np.zeros(len(bad), dtype=np.int64))
    minutes, seconds = (fields.get(letter, np.zeros(len(bad), dtype=np.int64)) for letter in "MS")
    bad |= (minutes > 59) | (seconds > 59)
    if "K" not in fields:
        bad |= hours > 23
    digits = 9 if unit_of(format_) == "ns" else 6
    reach = 2**63 // (86_400 * 10**digits) - 1
    bad |= np.abs(days) > reach
    whole = (np.where(bad, 0, days) * 24 + hours) * 3600 + minutes * 60 + seconds
    if "z" in fields:
        whole -= fields["z"]
    ticks = whole * 10**digits
    if "f" in fields:
        finer = 10 ** (9 - digits)
        bad |= fields["f"] % finer != 0
        ticks += fields["f"] // finer
    return np.where(bad, NAT, ticks)


def _number(letter: str, part: pa.Array) -> Ints:
    """Return one part of every text as a number: months and weekdays from 0 on by their names, 1 for PM."""
    if letter in "bBaA":
        names = MONTHS if letter in "bB" else WEEKDAYS
        known = pa.array([(name if letter in "BA" else name[:3]).lower() for name in names])
        number = pc.index_in(pc.ascii_lower(part), value_set=known)
        return np.asarray(pc.fill_null(number, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    if letter == "z":
        return _offset_seconds(part)
    if letter == "p":
        number = pc.cast(pc.starts_with(pc.ascii_lower(part), "p"), pa.int64())
    else:
        number = pc.cast(pc.replace_substring_regex(part, r"\D", "") if letter in "mdHIo" else part, pa.int64())
    return np.asarray(pc.fill_null(number, 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def offsets_of(texts: Any, format_: str) -> Ints:
    """Return the offsets (n,) from UTC in seconds of texts in a format that has them; 0 for other texts."""
    parts = match(texts, format_)
    return np.zeros(len(texts), dtype=np.int64) if parts is None else _offset_seconds(parts["z"])


def _offset_seconds(part: pa.Array) -> Ints:
    codes = part.dictionary_encode()
    seconds = []
    for text in codes.dictionary.to_pylist():
        digits = text.replace(":", "")[1:].ljust(4, "0")
        seconds.append(
            0 if text == "Z" else (-1 if text[0] == "-" else 1) * 60 * (60 * int(digits[:2]) + int(digits[2:]))
        )
    lookup = np.array([*seconds, 0], dtype=np.int64)
    return np.asarray(lookup[codes.indices.fill_null(-1).to_numpy(zero_copy_only=False)])


def _days(fields: dict[str, Ints], words: dict[str, Token], bad: NDArray[np.bool_]) -> Ints:
    """Return days since 1970; marks dates that do not exist as ``bad``."""
    if not has_days("".join(f"%{letter}" for letter in fields)):  # a time of day
        return np.zeros(len(bad), dtype=np.int64)
    ones = np.ones(len(bad), dtype=np.int64)
    year = fields.get("Y", fields.get("G"))
    if "y" in fields:
        first = words["y"].number or PIVOT
        year = first + (fields["y"] - first) % 100
    if year is None:
        year = 2000 * ones  # dates without a year: one with a leap day
    bad |= (year < 1) | (year > 9999)
    if "V" in fields:
        days, there = civil.days_from_iso_week(year, fields["V"], fields.get("u", ones))
    elif "j" in fields:
        days, there = civil.days_from_day_of_year(year, fields["j"])
    else:
        month = ones
        if "m" in fields:
            month = fields["m"]
        elif "q" in fields:
            month = 3 * fields["q"] - 2
        elif named := set(fields) & set("bB"):
            month = fields[named.pop()] + 1
        days, there = civil.days_from_date(year, month, fields.get("d", fields.get("o", ones)))
    bad |= ~there
    return days


def _fraction(part: pa.Array) -> Ints:
    """Return nanoseconds."""
    text = pc.utf8_rpad(pc.fill_null(part, "0"), 9, "0")
    return np.asarray(pc.cast(text, pa.int64()).to_numpy(zero_copy_only=False))


def _fixed_fields(texts: Any, format_: str) -> tuple[dict[str, Ints], NDArray[np.bool_]] | None:
    """Return numbers by letter, and which texts do not fit, of texts of one length made of digits; else None.

    The quick way for the most frequent formats, such as ISO 8601.
    """
    words = tokens(format_)
    if not all(token.letter in _WIDTHS and token.flags == "" for token in words if token.letter):
        return None
    widths = [
        len(t.text.encode()) if not t.letter else t.number or 6 if t.letter == "f" else _WIDTHS[t.letter] for t in words
    ]
    array = pa.array(texts, pa.large_string(), from_pandas=True)
    total = sum(widths)
    if array.null_count or not pc.all(pc.equal(pc.binary_length(array), total)).as_py():
        return None
    data = np.frombuffer(array.buffers()[2], dtype=np.uint8, count=total * len(array)).reshape(len(array), total)
    bad = np.zeros(len(array), dtype=bool)
    fields, start = {}, 0
    for token, width in zip(words, widths, strict=True):
        cells = data[:, start : start + width]
        start += width
        if not token.letter:
            bad |= (cells != np.frombuffer(token.text.encode(), dtype=np.uint8)).any(1)
            continue
        number = np.zeros(len(array), dtype=np.int64)
        for j in range(width):
            digit = cells[:, j] - np.uint8(48)  # less than the digit 0 is a large number
            bad |= digit > 9
            number = number * 10 + digit
        fields[token.letter] = number * 10 ** (9 - width) if token.letter == "f" else number
    return fields, bad


def write_dates(ticks: Ints, format_: str, offsets: Ints | None = None) -> NDArray[np.object_]:
    """Write ticks, in the unit of the format, since 1970 (names in English, whatever the locale).

    ``offsets`` from UTC (n,), in seconds, are for a format that has them.
    """
    if not len(ticks):
        return np.empty(0, dtype=object)
    second = 10**9 if unit_of(format_) == "ns" else 10**6
    whole, fraction = np.divmod(ticks, second)
    if offsets is not None:
        whole = whole + offsets
    words = tokens(format_)
    durations = any(token.letter == "K" for token in words)
    days, clock = (np.zeros(len(ticks), dtype=np.int64), whole) if durations else np.divmod(whole, 86_400)
    parts = [
        pa.scalar(token.text)
        if not token.letter
        else _write_offset(np.zeros(len(ticks), dtype=np.int64) if offsets is None else offsets, token)
        if token.letter == "z"
        else _part(days, clock, fraction * (10**9 // second), token)
        for token in words
    ]
    joined = pc.binary_join_element_wise(*parts, "")
    return np.asarray(joined.to_numpy(zero_copy_only=False), dtype=object)


def _part(days: Ints, clock: Ints, nanoseconds: Ints, token: Token) -> pa.Array:
    """Return one word of every date as text."""
    letter, flags = token.letter, token.flags
    if letter == "f":
        return _write_fraction(nanoseconds, token)
    if letter in "HIKMSp":
        hour = clock // 3600
        if letter == "p":
            names = ["A.M.", "P.M."] if "." in flags else ["AM", "PM"]
            return pa.array([n.lower() for n in names] if "#" in flags else names).take(pa.array(hour // 12))
        number = {"I": (hour - 1) % 12 + 1, "M": clock // 60 % 60, "S": clock % 60}.get(letter, hour)
        return _digits(number, 2, flags)
    if letter in "aA":
        return _named(civil.weekdays(days), WEEKDAYS, token)
    if letter in "bB":
        return _named(civil.months(days) - 1, MONTHS, token)
    if letter == "o":
        return pa.array(ORDINALS).take(pa.array(civil.days_of_month(days)))
    width, number_of = _DAY_NUMBERS[letter]
    return _digits(number_of(days), width, flags)


def _named(index: Ints, names: tuple[str, ...], token: Token) -> pa.Array:
    shown = [name if token.letter in "AB" else name[:3] for name in names]
    if "^" in token.flags:
        shown = [name.upper() for name in shown]
    elif "#" in token.flags:
        shown = [name.lower() for name in shown]
    return pa.array(shown).take(pa.array(index))


def _digits(number: Ints, width: int, flags: str) -> pa.Array:
    """Write numbers with leading zeros up to a width, or as the flags say; each distinct one once."""
    low, high = int(number.min()), int(number.max())
    if high - low > 10_000:
        text = pc.cast(pa.array(number), pa.string())
        return text if "-" in flags else pc.utf8_lpad(text, width, "0")
    pad = "" if "-" in flags else f">{width}" if "_" in flags else f"0>{width}"
    return pa.array([format(str(n), pad) for n in range(low, high + 1)]).take(pa.array(number - low))


def _write_offset(offsets: Ints, token: Token) -> pa.Array:
    distinct, which = np.unique(offsets, return_inverse=True)
    texts = []
    for seconds in distinct.tolist():
        hours, minutes = divmod(abs(seconds) // 60, 60)
        tail = f"{':' if ':' in token.flags else ''}{minutes:02d}" if "#" not in token.flags else ""
        text = f"{'-' if seconds < 0 else '+'}{hours:02d}{tail}"
        texts.append("Z" if "." in token.flags and not seconds else text)
    return pa.array(texts).take(pa.array(which))


def _write_fraction(nanoseconds: Ints, token: Token) -> pa.Array:
    text = pc.utf8_lpad(pc.cast(pa.array(nanoseconds), pa.string()), 9, "0")
    if "." not in token.flags:
        return pc.utf8_slice_codeunits(text, 0, token.number or 6)
    text = pc.utf8_rtrim(text, "0") if token.number is None else pc.utf8_slice_codeunits(text, 0, token.number)
    return pc.if_else(pa.array(nanoseconds == 0), "", pc.binary_join_element_wise(pa.scalar("."), text, ""))
