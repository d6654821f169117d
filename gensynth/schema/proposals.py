"""Candidate date formats of a text, from its digits, names and separators."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gensynth.schema.strftime import MONTHS, WEEKDAYS

_HERE = "\0"
_CLOCK = re.compile(
    r"(?:(?<=\d{4}:)|(?<![\d:.,+]))(?P<hour>\d{1,4}):\d\d(?P<seconds>:\d\d(?P<fraction>[.,]\d{1,9})?)?"
    r"(?P<half>\s?[AaPp]\.?[Mm]\.?(?![A-Za-z]))?(?P<zone>\s?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?(?![\d:])"
)
_WORDS = {"of", "at", "on", "the", "t", "z", "utc", "gmt"}
_COMPACT = {
    6: ("%Y%m", "%y%m%d", "%d%m%y"),
    8: ("%Y%m%d", "%d%m%Y", "%m%d%Y"),
    12: ("%Y%m%d%H%M",),
    14: ("%Y%m%d%H%M%S",),
    17: ("%Y%m%d%H%M%S%f",),
}
_ORDERS = {"/": ("mdY", "dmY", "Ymd")}
_OTHER_ORDERS = ("dmY", "mdY", "Ymd")


def candidates(text: str) -> Iterator[str]:
    """Propose formats, without flags, in which a text could be a date, the likelier first."""
    clock = _CLOCK.search(text)
    if clock is None:
        yield from _date_words(text)
        return
    before, after = text[: clock.start()], text[clock.end() :]
    if any(map(str.isdigit, before + after)):
        dates = _date_words(f"{before}{_HERE}{after}")
        yield from (date.replace(_HERE, words) for date in dates for words in _clock_words(clock))
    elif not any(map(str.isalpha, before + after)):
        yield from (f"{_literal(before)}{words}{_literal(after)}" for words in _clock_words(clock, alone=True))


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _clock_words(clock: re.Match[str], *, alone: bool = False) -> Iterator[str]:
    half, zone = clock["half"] or "", clock["zone"] or ""
    ends = [f":%S{clock['fraction'][0]}%f"] if clock["fraction"] else []
    if clock["seconds"]:
        ends += [":%S", ":%S%.f"]
    zones = [zone, f"{zone[: len(zone) - len(zone.lstrip())]}%z"] if zone.strip()[:1] in ("+", "-", "Z") else [zone]
    if half:
        shown = f"{half[: len(half) - len(half.lstrip())]}%p"
        yield from (f"%I:%M{end}{shown}{one}" for one in zones for end in ends or [""])
        return
    hours = ("%H", "%K") if alone and not zone else ("%H",)
    yield from (f"{hour}:%M{end}{one}" for one in zones for hour in hours for end in ends or [""])


def _date_words(text: str) -> Iterator[str]:
    """Propose formats of a date without a time."""
    pieces = re.findall(r"\d+|[A-Za-z]+|[^\dA-Za-z]+", text)
    numbers = [i for i, piece in enumerate(pieces) if piece.isdigit()]
    words = [_literal(piece) for piece in pieces]
    named = False
    for i, piece in enumerate(pieces):
        if not piece.isalpha() or not piece.isascii():
            continue
        lower = piece.lower()
        if lower in {"st", "nd", "rd", "th"} and i and pieces[i - 1].isdigit():
            words[i] = ""
            words[i - 1] = "%o"
            numbers.remove(i - 1)
            named = True
        elif (letter := _name_letter(lower)) is not None:
            words[i] = f"%{letter}"
            named |= letter in "bB"
        elif lower in ("q", "w") and numbers and not named:
            yield from _quarters_and_weeks(pieces, i, numbers)
            return
        elif lower not in _WORDS:
            return
    ordinal = "%o" in words
    month = any(word in ("%b", "%B") for word in words)
    for roles in _roles([len(pieces[i]) for i in numbers], pieces, month=month, ordinal=ordinal):
        filled = list(words)
        for i, role in zip(numbers, roles, strict=True):
            filled[i] = role
        yield "".join(filled)
        if "May" in text and month:
            yield "".join("%B" if word == "%b" else "%b" if word == "%B" else word for word in filled)


def _name_letter(lower: str) -> str | None:
    for names, long in ((MONTHS, "B"), (WEEKDAYS, "A")):
        if lower in (name.lower() for name in names):
            return long if lower != "may" else "b"
        if lower in (name[:3].lower() for name in names):
            return long.lower()
    return None


def _quarters_and_weeks(pieces: list[str], at: int, numbers: list[int]) -> Iterator[str]:
    """Propose 2021-Q3, Q3 2021, 2021-W05 and 2021-W05-3."""
    years = [i for i in numbers if len(pieces[i]) == 4]
    if len(years) != 1 or at + 1 not in numbers or any(piece.isalpha() for i, piece in enumerate(pieces) if i != at):
        return
    week = pieces[at].lower() == "w"
    filled = [_literal(piece) for piece in pieces]
    filled[years[0]] = "%G" if week else "%Y"
    filled[at + 1] = "%V" if week else "%q"
    rest = [i for i in numbers if i not in (years[0], at + 1)]
    if week and len(rest) == 1 and len(pieces[rest[0]]) == 1:
        filled[rest.pop()] = "%u"
    if not rest:
        yield "".join(filled)


def _roles(widths: list[int], pieces: list[str], *, month: bool, ordinal: bool) -> Iterator[tuple[str, ...]]:
    """Propose what the numbers of a date are."""
    if len(widths) == 1 and not (month or ordinal):
        yield from ((words,) for words in _COMPACT.get(widths[0], ()))
        return
    if widths in ([8, 4], [8, 6]):
        yield ("%Y%m%d", "%H%M%S"[: widths[1]])
        return
    year = "%Y" if 4 in widths else "%y"
    if widths.count(4) > 1 or any(width not in (1, 2, 4) for width in widths):
        if widths == [4, 3]:
            yield ("%Y", "%j")
        return
    separator = next((piece for piece in pieces if not piece.isalnum()), "")
    if month and ordinal:
        orders = ["Y"]
    elif month:
        orders = ["dY", "Yd"] if len(widths) == 2 else ["Y"] if year == "%Y" or "-" in separator else []
    elif len(widths) == 3:
        orders = list(_ORDERS.get(separator.strip(), _OTHER_ORDERS))
    elif len(widths) == 4:
        orders = ["YmdH"]
    else:
        orders = ["Ym", "mY"] if year == "%Y" else []
    for order in orders:
        if len(order) != len(widths):
            continue
        place = order.index("Y")
        if (year == "%Y" and widths[place] != 4) or (year == "%y" and widths[place] != 2):
            continue
        if month and year == "%y" and order == "Yd":
            continue
        yield tuple(year if letter == "Y" else f"%{letter}" for letter in order)
