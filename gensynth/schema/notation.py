"""Numbers written as text: marks, decimals, signs, and what stands before and behind them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MINUS = "-\u2212\u2013"
"""Hyphen, minus and dash."""
GROUPS = (",", ".", "'", "\u2019", " ", "\u00a0", "\u202f", "\u2009")
"""Thousands marks: comma, point, apostrophes, spaces of several widths."""

_SIGN = "[+\\-\u2212\u2013]"
_AROUND = "[^\\d.,+()\\-\u2212\u2013]"
_CELL = re.compile(
    rf"^\s*(?P<open>\()?(?P<lead>{_SIGN}?)(?P<prefix>(?:{_AROUND}*[A-Za-z]\.)?{_AROUND}*?)(?P<inner>{_SIGN}?)"
    r"(?P<number>\d(?:[\d.,'\u2019 \u00a0\u202f\u2009]*\d)?|[.,]\d+)(?P<exponent>[eE][+-]?\d{1,3})?"
    rf"(?P<suffix>[^\d()+\-\u2212\u2013]*?)(?P<trail>[\-\u2212\u2013]?)(?P<close>\))?\s*$"
)
_PREFIX = re.compile(r"^(?:\W*|[A-Za-z]{1,3}\W+|\W*[A-Z]{2,3}\W*)$")
"""What may stand before a number: signs such as $ and #, a short word and a sign (``Rs.``), a currency (``USD``)."""
_SUFFIX = re.compile(r"^\s?(?:[%\u2030\u00b0\u20ac$\u00a3\u00a5]|[^\W\d_]{1,8}\.?)?(?:/[^\W\d_]{1,6})?$")
"""What may stand behind it: a percent sign, a currency, a unit."""


@dataclass(frozen=True)
class Notation:
    """How a column writes its numbers.

    Parameters
    ----------
    prefix, suffix : str
        What stands before and behind every number.
    point, group : str
        Decimal mark, and thousands mark ("" for none).
    decimals : int or None
        Decimals of every number; None for as many as needed.
    whole : bool
        Whole numbers have no decimals in any case.
    negative : {"lead", "inner", "trail", "parentheses"}
        Where negative numbers have their sign: before the prefix, behind it, behind all, or none but parentheses.
    minus : str
        That sign.
    plus : bool
        Positive numbers have a plus sign, where negative ones have theirs.
    exponent : {"", "e", "E"}
        Letter of numbers like ``1.5e+03``; "" for none.
    """

    prefix: str = ""
    suffix: str = ""
    point: str = "."
    group: str = ""
    decimals: int | None = None
    whole: bool = False
    negative: str = "lead"
    minus: str = "-"
    plus: bool = False
    exponent: str = ""

    def read(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the numbers (n,) that texts stand for, NaN for a text that is none in this notation."""
        return np.array([self._number(text) for text in texts], dtype=np.float64)

    def write(self, values: Sequence[float], decimals: int | None) -> list[str]:
        """Return numbers as text; ``decimals`` is the most that the column's numbers have, None for no fixed count."""
        return [self._text(value, decimals) for value in values]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def _number(self, text: str) -> float:
        cell = _CELL.match(text)
        if cell is None or cell["prefix"] not in (self.prefix, "") or cell["suffix"] not in (self.suffix, ""):
            return np.nan
        value = plain_number(cell["number"], self.point, self.group)
        if value is None or bool(cell["open"]) != bool(cell["close"]):
            return np.nan
        number = float(value + (cell["exponent"] or ""))
        return -number if _is_negative(cell) else number

    def _text(self, value: float, decimals: int | None) -> str:
        size = abs(value)
        comma = "," if self.group else ""
        if self.exponent:
            body = f"{size:.{self.decimals or 0}{self.exponent}}"
        elif self.decimals is not None:
            body = f"{size:{comma}.{0 if self.whole and size == round(size) else self.decimals}f}"
        elif decimals is None:
            body = f"{size:{comma}}" if comma else repr(float(size))
            body = body.removesuffix(".0")
        else:
            body = f"{size:{comma}.{decimals}f}"
            body = body.rstrip("0").rstrip(".") if decimals else body
        body = body.replace(",", "\0").replace(".", self.point).replace("\0", self.group)
        negative = value < 0 and any(c in body for c in "123456789")
        sign = self.minus if negative else "+" if self.plus and value > 0 else ""
        if negative and self.negative == "parentheses":
            return f"({self.prefix}{body}{self.suffix})"
        if self.negative == "inner":
            return f"{self.prefix}{sign}{body}{self.suffix}"
        if self.negative == "trail" and negative:
            return f"{self.prefix}{body}{self.suffix}{sign}"
        return f"{sign}{self.prefix}{body}{self.suffix}"


def find_notation(texts: Sequence[str], *, declared: bool = False) -> tuple[Notation, list[str]] | None:
    """Return how the numbers among distinct texts are written, and the texts that are none; None if they hold codes.

    Most of the texts must be numbers. Digits and nothing else are numbers only if their count varies, and leading zeros
    make codes of all of them; ``declared`` numbers may be of any look.
    """
    cells = {text: cell for text in texts if (cell := _CELL.match(text)) and bool(cell["open"]) == bool(cell["close"])}
    if 2 * len(cells) <= len(texts):
        return None
    (prefix, suffix), n = Counter((c["prefix"], c["suffix"]) for c in cells.values()).most_common(1)[0]
    if 2 * n <= len(texts) or not (_PREFIX.match(prefix) and _SUFFIX.match(suffix)):
        return None
    cells = {text: c for text, c in cells.items() if (c["prefix"], c["suffix"]) == (prefix, suffix)}
    marks = _marks([cell["number"] for cell in cells.values()])
    if marks is None:
        return None
    numbers = {text: plain_number(cell["number"], *marks) for text, cell in cells.items()}
    cells = {text: cell for text, cell in cells.items() if numbers[text] is not None}
    bodies = [number for number in numbers.values() if number is not None]
    others = [text for text in texts if text not in cells]
    if not declared and _are_codes(bodies, list(cells.values()), alone=not others):
        return None
    notation = _described(prefix, suffix, marks, bodies, list(cells.values()))
    return notation, others


def plain_number(text: str, point: str, group: str) -> str | None:
    """Return a number without its marks, as Python reads it; None if the marks do not stand where they should."""
    whole, found, fraction = text.partition(point)
    if found and not fraction.isdigit():
        return None
    if group and group in whole:
        parts = whole.split(group)
        if not 1 <= len(parts[0]) <= 3 or any(len(part) != 3 for part in parts[1:]):
            return None
        whole = "".join(parts)
    if not (whole.isdigit() or (not whole and found)):
        return None
    return f"{whole or '0'}.{fraction}" if found else whole


def _marks(numbers: list[str]) -> tuple[str, str] | None:
    """Return decimal and thousands mark that most of the numbers have: the simplest that explains as many."""
    used = {c for number in numbers for c in number if not c.isdigit()}
    if not used:
        return ".", ""
    pairs = [(point, group) for point in ".," for group in ("", *GROUPS) if point != group]
    pairs = [(p, g) for p, g in pairs if (not g or g in used) and (p in used or p == ("," if g == "." else "."))]
    best, most = None, 0
    for point, group in sorted(pairs, key=lambda pair: (bool(pair[1]), pair[0] != ".")):
        n = sum(plain_number(number, point, group) is not None for number in numbers)
        if n > most:
            best, most = (point, group), n
    if best is None or 2 * most <= len(numbers):
        return None
    point, group = best
    if not group and point in used and _are_thousands(numbers, point):
        return ("." if point == "," else ","), point
    return best


def _are_thousands(numbers: list[str], mark: str) -> bool:
    """Whether a mark that could be the decimal one parts thousands: three digits behind it, and no number below 1.

    A point does only where numbers without it are all below 1,000: 1.234 and 987.
    """
    marked = [number.split(mark) for number in numbers if mark in number]
    if any(len(parts[1]) != 3 or not parts[0] or parts[0].startswith("0") for parts in marked):
        return False
    bare = [number for number in numbers if mark not in number]
    return all(len(number) <= 3 for number in bare) and (mark == "," or bool(bare))


def _are_codes(bodies: list[str], cells: list[re.Match[str]], *, alone: bool) -> bool:
    """Whether the texts are codes or categories; ``alone``: there are no other texts in the column."""
    if any(len(body) > 1 and body[0] == "0" and body[1].isdigit() for body in bodies):
        return True
    if any(c["exponent"] or c["prefix"] or c["suffix"] or c["open"] for c in cells):
        return False
    signed = any(c["lead"] or c["inner"] or c["trail"] for c in cells)
    lengths = {len(body) for body in bodies}
    if any("." in body for body in bodies) or any(not c["number"].isdigit() for c in cells):
        return False
    if signed:
        return min(lengths) >= 7  # +31612345678
    return len(lengths) < (3 if alone else 2)  # zip codes of one length; classes 1 to 20


def _described(
    prefix: str, suffix: str, marks: tuple[str, str], bodies: list[str], cells: list[re.Match[str]]
) -> Notation:
    fractions = [body.partition(".")[2] for body in bodies]
    counts = Counter(map(len, fractions))
    decimals, whole = None, False
    if len(counts) == 1:
        decimals = counts.most_common(1)[0][0]
    elif any(fraction.endswith("0") for fraction in fractions):
        counts.pop(0, None)
        decimals, whole = counts.most_common(1)[0][0], True
    places = Counter(_place(cell) for cell in cells if _is_negative(cell))
    signs = Counter(s for cell in cells for s in (cell["lead"], cell["inner"], cell["trail"]) if s and s in MINUS)
    plus = [cell for cell in cells if "+" in (cell["lead"], cell["inner"])]
    negative = places.most_common(1)[0][0] if places else "inner" if plus and plus[0]["inner"] else "lead"
    n_positive = sum(not _is_negative(cell) for cell in cells)
    exponents = Counter((cell["exponent"] or "")[:1] for cell in cells)
    return Notation(
        prefix,
        suffix,
        *marks,
        decimals=decimals,
        whole=whole,
        negative=negative,
        minus=signs.most_common(1)[0][0] if signs else "-",
        plus=2 * len(plus) > n_positive,
        exponent=exponents.most_common(1)[0][0],
    )


def _is_negative(cell: re.Match[str]) -> bool:
    return bool(cell["open"]) or any(s and s in MINUS for s in (cell["lead"], cell["inner"], cell["trail"]))


def _place(cell: re.Match[str]) -> str:
    if cell["open"]:
        return "parentheses"
    return "trail" if cell["trail"] else "inner" if cell["prefix"] and cell["inner"] else "lead"
