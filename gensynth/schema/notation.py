"""Notation of numbers in text: separators, decimals, signs, prefix and suffix; parsing and formatting."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLANKS = " \u00a0\u202f\u2009"
"""Thousands separators that are spaces: plain, no-break, narrow no-break and thin."""
MINUS = "-\u2212\u2013"
_CELL = re.compile(
    rf"(?P<head>[^0-9]*?)(?P<core>[.,]?[0-9](?:[0-9.,'\u2019_{BLANKS}]*[0-9])?)"
    r"(?P<exponent>[eE][+-]?[0-9]{1,3}(?![0-9]))?(?P<tail>[^0-9]*(?:[A-Za-z][23])?)"
)
_GROUPED = re.compile(rf"(?<=[0-9])[',\u2019{BLANKS}](?=[0-9]{{3}}(?:[^0-9]|$))")
_PLAIN = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class Cell(NamedTuple):
    """A text with one number: sign ("", "+" or "-"), digits with their marks, prefix and suffix.

    ``template`` is the text with ``{}`` for the digits, ``affix`` what is left of it without signs and blanks.
    """

    sign: str
    core: str
    exponent: str
    template: str
    affix: tuple[str, str]


def split_cell(text: str) -> Cell | None:
    """Take a text with one number in it apart; None for any other."""
    found = _CELL.fullmatch(text.strip())
    if found is None:
        return None
    head, core, tail = found["head"], found["core"], found["tail"]
    if core[0] in ".," and head[-1:].isalpha():  # Rs.500
        head, core = head + core[0], core[1:]
    template = f"{head}{{}}{tail}"
    sign = ""
    if "(" in head and ")" in tail:
        sign, head, tail = "-", head.replace("(", "", 1), tail.replace(")", "", 1)
    marks = [c for c in head + tail if c in MINUS + "+"]
    if marks and not sign and (head.strip(BLANKS)[:1] == marks[0] or head.strip(BLANKS)[-1:] == marks[0]):
        sign, head = "+" if marks[0] == "+" else "-", head.replace(marks[0], "", 1)
    elif marks and not sign and tail.strip(BLANKS)[-1:] == marks[0] != "+":
        sign, tail = "-", tail.replace(marks[0], "", 1)
    return Cell(sign, core, found["exponent"] or "", template, (head.strip(), tail.strip()))


@functools.lru_cache(maxsize=64)
def _shape(decimal: str, thousands: str, group: int) -> re.Pattern[str]:
    """Return what digits with their marks look like."""
    t, d = re.escape(thousands), re.escape(decimal)
    grouped = rf"|[0-9]{{1,{group}}}(?:{t}[0-9]{{{group}}})*{t}[0-9]{{3}}" if t else ""
    return re.compile(rf"(?:[0-9]+{grouped})(?:{d}[0-9]*)?|{d}[0-9]+")


@dataclass(frozen=True)
class Notation:
    """Notation of a column's numbers.

    Parameters
    ----------
    positive, negative : str
        What a number looks like, with ``{}`` for its digits: ``$ {}``, ``({} %)``.
    zero : str
        Text of 0; "" if it is written as positive numbers are.
    decimal : str
        Decimal mark.
    thousands : str
        What stands between groups of digits; "" for nothing.
    group : int
        Digits of the groups from the second one on: 3, in India 2.
    places : int or None
        Decimals of numbers with a fraction; None: as many as needed.
    whole : int
        Decimals of whole numbers.
    leading_zero : bool
        Whether 0.5 is written with its zero.
    exponent : str
        "e" or "E" of numbers written as 1.5e+05; "" for none.
    """

    positive: str = "{}"
    negative: str = "-{}"
    zero: str = ""
    decimal: str = "."
    thousands: str = ""
    group: int = 3
    places: int | None = None
    whole: int = 0
    leading_zero: bool = True
    exponent: str = ""

    @property
    def plain(self) -> bool:
        """Whether digits are written as a programming language would: no marks but a decimal point, nothing around."""
        return (self.positive, self.decimal, self.thousands, self.exponent) == ("{}", ".", "", "")

    @property
    def affix(self) -> tuple[str, str]:
        """What stands before and behind the digits, without signs and blanks."""
        cell = split_cell(self.positive.replace("{}", "0"))
        return ("", "") if cell is None else cell.affix

    def read(self, texts: Iterable[str], *, strict: bool = False) -> Floats:
        """Return the numbers (n,) that texts stand for, NaN for a text that is none.

        Parameters
        ----------
        texts : sequence of str
            Cells.
        strict : bool
            Whether only this notation is read; else plainly written numbers as well.
        """
        texts = list(texts)
        array = pa.array(texts, pa.string())
        out = np.full(len(array), np.nan)
        if self.plain:
            plain = pc.match_substring_regex(array, f"^{_PLAIN.pattern}$").to_numpy(zero_copy_only=False)
            out[plain] = pc.cast(array.filter(pa.array(plain)), pa.float64()).to_numpy(zero_copy_only=False)
        affix, shape = self.affix, _shape(self.decimal, self.thousands, self.group)
        for i in np.flatnonzero(np.isnan(out)).tolist():
            out[i] = self._number(texts[i], affix, shape, strict=strict)
        out[~np.isfinite(out)] = np.nan
        return out

    def fits(self, core: str) -> bool:
        """Whether digits have their marks where they belong."""
        return _shape(self.decimal, self.thousands, self.group).fullmatch(core) is not None

    def _number(self, text: str, affix: tuple[str, str], shape: re.Pattern[str], *, strict: bool) -> float:
        cell = split_cell(text)
        if cell is None:
            return np.nan
        own = cell.affix == affix or (cell.affix == ("", "") and (not strict or text.strip() == self.zero))
        if own and shape.fullmatch(cell.core):
            digits = cell.core.replace(self.thousands, "") if self.thousands else cell.core
            number = float(digits.replace(self.decimal, ".") + cell.exponent)
            return -number if cell.sign == "-" else number
        if own and not strict and not self.thousands and (bare := _GROUPED.sub("", text)) != text:
            return self._number(bare, affix, shape, strict=strict)
        return float(text) if not strict and _PLAIN.fullmatch(text.strip()) else np.nan

    def write(self, ticks: NDArray[Any], decimals: int | None) -> list[str]:
        """Return numbers as texts.

        Parameters
        ----------
        ticks : ndarray of shape (n,)
            ``value * 10**decimals``, or the values themselves where ``decimals`` is None.
        decimals : int or None
            As in `Column`.
        """
        return [self._text(tick, decimals) for tick in ticks.tolist()]

    def _text(self, tick: Any, decimals: int | None) -> str:
        if tick == 0 and self.zero:
            return self.zero
        size = abs(tick)
        if self.exponent:
            value = size if decimals is None else size / 10**decimals
            digits = f"{value:.{self.whole if self.places is None else self.places}e}".replace("e", self.exponent)
            digits = digits.replace(".", self.decimal)
        else:
            digits = self._digits(size, decimals)
        return (self.negative if tick < 0 else self.positive).replace("{}", digits)

    def _digits(self, size: Any, decimals: int | None) -> str:
        if decimals is None:
            shown = f"{size:.0f}" if size >= 1e16 else np.format_float_positional(size, trim="-")
            whole, _, fraction = shown.partition(".")
        else:
            whole, rest = str(size // 10**decimals), size % 10**decimals
            fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
        places = self.whole if not fraction.strip("0") else self.places
        fraction = fraction.ljust(places or 0, "0")
        if self.thousands and len(whole) > 3:
            head, end = whole[:-3], whole[-3:]
            first = len(head) % self.group
            groups = [head[:first]] if first else []
            groups += [head[i : i + self.group] for i in range(first, len(head), self.group)]
            whole = self.thousands.join([*groups, end])
        if fraction and not self.leading_zero and whole == "0":
            whole = ""
        return f"{whole}{self.decimal}{fraction}" if fraction else whole

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; entries that hold their default are left out."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(**state)
