"""Directives of date formats: strftime and more, for texts that must be reproduced exactly.

Flags stand between ``%`` and the letter: ``-`` no leading zero, ``^`` upper case, ``#`` lower case, ``_`` a blank
instead of a leading zero, ``.`` with points (``%.p``: A.M.). A number says more: ``%3f`` are three digits of a
fraction, ``%.6f`` a point and six digits or nothing at all, ``%.f`` a point and as many digits as needed, ``%1945y``
two-digit years from 1945 on (``%y`` alone: from 1969 on). Beyond strftime there are ``%K`` (hours of a duration),
``%q`` (quarter) and ``%o`` (day as 1st, 2nd, 3rd). ``%z`` is the offset from UTC (``%:z`` as +02:00, ``%.z`` with Z for
none); what a format with it counts is UTC.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ORDINALS = ("", *(f"{d}{'th' if 10 < d < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(d % 10, 'th')}" for d in range(1, 32)))
"""Days of the month, from 1 on."""
_TOKEN = re.compile(r"%([-_^#.:]*)(\d*)([A-Za-z])")
PIVOT = 1969
"""First year that two digits stand for, if the format does not say."""
LETTERS = frozenset("YGyVjuqKfbBaApomdHIMSz")
_DAY_LETTERS = frozenset("YyGmbBdojqV")


@dataclass(frozen=True)
class Token:
    """One word of a format; ``letter`` is "" for ``text`` that is written as it stands."""

    letter: str
    flags: str = ""
    number: int | None = None
    text: str = ""

    def __str__(self) -> str:
        if not self.letter:
            return self.text.replace("%", "%%")
        return f"%{self.flags}{'' if self.number is None else self.number}{self.letter}"


@functools.lru_cache(maxsize=512)
def tokens(format_: str) -> tuple[Token, ...]:
    """Return the words of a format."""
    parts, end = [], 0
    for match in _TOKEN.finditer(format_):
        if match.start() and format_[match.start() - 1] == "%":  # %%d is a percent sign and a d
            continue
        if match.start() > end:
            parts.append(Token("", text=format_[end : match.start()].replace("%%", "%")))
        flags, number, letter = match.groups()
        parts.append(Token(letter, flags, int(number) if number else None))
        end = match.end()
    if end < len(format_):
        parts.append(Token("", text=format_[end:].replace("%%", "%")))
    return tuple(parts)


def plain(format_: str) -> str:
    """Return a format in plain strftime directives, without flags."""
    return "".join(str(Token(token.letter, text=token.text)) for token in tokens(format_))


@functools.lru_cache(maxsize=512)
def unit_of(format_: str) -> str:
    """Return what the ticks of a format are: "ns" where it has more than six digits of a fraction, else "us"."""
    return "ns" if any(t.letter == "f" and (t.number or 6) > 6 for t in tokens(format_)) else "us"


def has_days(format_: str) -> bool:
    """Whether a format writes dates; otherwise it writes times of day or durations."""
    return any(token.letter in _DAY_LETTERS for token in tokens(format_))


def supported(format_: str) -> bool:
    """Whether every word of a format can be read and written, none twice, and there is one."""
    letters = [token.letter for token in tokens(format_) if token.letter]
    return bool(letters) and set(letters) <= LETTERS and len(set(letters)) == len(letters)
