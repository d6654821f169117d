"""Inference of date formats: proposed from the cells, and accepted if they reproduce each of them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gensynth.schema.dates import NAT, Ints, match, offsets_of, parse_dates, write_dates
from gensynth.schema.proposals import candidates
from gensynth.schema.strftime import PIVOT, Token, has_days, tokens, unit_of

_LONGEST = 48
_SAMPLE = 50
_MAX_SHAPES = 4
_DAY = 86_400 * 10**6
_MONTH_YEARS, _MIN_YEAR, _LAST_YEAR = 3, 1900, 2100
_LAST_SHORT_YEAR = 2049
_MAX_FORMATS, _MIN_SHARE = 4, 0.02
_MOSTLY = 0.8
_MIN_EVIDENCE, _MUCH_EVIDENCE, _SHORTER = 3, 20, 3


@dataclass(frozen=True)
class FormatMatch:
    """The date format of a column, with the other formats that match the same texts.

    Parameters
    ----------
    format : str
        The format; it reads and writes texts exactly.
    others : tuple of str
        Formats that do as well and read other dates: day and month cannot be told apart.
    variants : tuple of (str, float)
        Further formats that some of the texts have, and their shares; empty if all have the same.
    """

    format: str
    others: tuple[str, ...] = ()
    variants: tuple[tuple[str, float], ...] = ()


def find_format(texts: NDArray[np.object_], *, declared: bool = False) -> FormatMatch | None:
    """Return the format that reproduces all of these distinct texts exactly, or None.

    Where no format fits them all, several are returned that together do. ``texts`` stand in the order in which the
    column shows them. ``declared``: they are known to be dates, so numbers need not spread as dates do.
    """
    few = texts[:: max(1, len(texts) // _SAMPLE)]
    if not len(few) or any(not 4 <= len(text) <= _LONGEST or not any(map(str.isdigit, text)) for text in few):
        return None
    one = _one_format(texts, few, declared=declared)
    return _several_formats(texts) if one is None and len(texts) >= _MUCH_EVIDENCE else one


def _one_format(texts: NDArray[np.object_], few: NDArray[np.object_], *, declared: bool) -> FormatMatch | None:
    fits: dict[str, str] = {}
    for words in _proposed(few):
        if fit_format(few, words) is None or _meaning(words) in fits:
            continue
        exact = fit_format(texts, words)
        if exact is not None and (declared or not _is_doubtful(exact) or _spread_like_dates(texts, exact)):
            fits[_meaning(words)] = exact
    if not fits:
        return None
    best = _likeliest(texts, list(fits.values()))
    others = [other for other in fits.values() if other != best]
    if len(texts) >= _MUCH_EVIDENCE:  # a year that were a day would spread the dates over decades
        others = [other for other in others if _year_place(other) == _year_place(best)]
    return FormatMatch(best, tuple(others))


def _several_formats(texts: NDArray[np.object_]) -> FormatMatch | None:
    """Return the formats of texts that are written in up to four ways, each by some of them; None if some have none."""
    rest = texts
    parts: list[tuple[FormatMatch, int]] = []
    while len(rest) and len(parts) < _MAX_FORMATS:
        few = rest[:: max(1, len(rest) // _SAMPLE)]
        fits = {words: _restored(few, words).sum() for words in _proposed(few) if not _is_doubtful(words)}
        best = max(fits, key=lambda words: fits[words], default=None)
        if best is None or not fits[best]:
            return None
        own = rest[_restored(rest, best)]
        found = _one_format(own, own[:: max(1, len(own) // _SAMPLE)], declared=False)
        if found is None or len(own) < _MIN_SHARE * len(texts):
            return None
        parts.append((found, len(own)))
        rest = rest[~_restored(rest, best)]
    formats = [found.format for found, _ in parts]
    kinds = {(unit_of(one), has_days(one), "z" in _letters(one)) for one in formats}
    if len(rest) or len(kinds) > 1:
        return None
    shares = [count / len(texts) for _, count in parts]
    return FormatMatch(formats[0], parts[0][0].others, tuple(zip(formats[1:], shares[1:], strict=True)))


def dates_among(texts: NDArray[np.object_]) -> NDArray[np.bool_] | None:
    """Return which of these distinct texts (n,) are dates of the most frequent format; None if not nearly all are."""
    few = texts[:: max(1, len(texts) // _SAMPLE)]
    few = np.array([text for text in few if len(text) <= _LONGEST and any(map(str.isdigit, text))], dtype=object)
    fits = {words: _restored(few, words).mean() for words in _proposed(few) if not _is_doubtful(words)}
    best = max(fits, key=lambda words: fits[words], default=None)
    if best is None or fits[best] < _MOSTLY:
        return None
    dates = _restored(texts, best)
    return dates if dates.mean() >= _MOSTLY else None


def _proposed(few: NDArray[np.object_]) -> list[str]:
    """Return the formats that some of these texts could have, those of frequent shapes first."""
    return list(dict.fromkeys(itertools.chain.from_iterable(map(candidates, _shapes(few)))))


def fit_format(texts: NDArray[np.object_], words: str) -> str | None:
    """Return a format with flags (leading zeros, case, digits) that restores every text exactly, or None.

    ``words`` is what a user would declare, such as ``%d/%m/%Y %I:%M %p``.
    """
    exact = _flagged_format(texts, words)
    return exact if exact is not None and _is_restored(texts, exact).all() else None


def _restored(texts: NDArray[np.object_], words: str) -> NDArray[np.bool_]:
    """Return which texts (n,) are restored by the format whose flags fit those that have its form."""
    exact = _flagged_format(texts, words)
    return np.zeros(len(texts), dtype=bool) if exact is None else _is_restored(texts, exact)


def _flagged_format(texts: NDArray[np.object_], words: str) -> str | None:
    parts = match(texts, words)
    if parts is None:
        return None
    return "".join(str(_flagged(token, parts[token.letter]) if token.letter else token) for token in tokens(words))


def _is_restored(texts: NDArray[np.object_], exact: str) -> NDArray[np.bool_]:
    ticks = parse_dates(texts, exact)
    offsets = offsets_of(texts, exact) if "z" in _letters(exact) else None
    known = ticks != NAT
    return np.asarray(known & (write_dates(np.where(known, ticks, 0), exact, offsets) == texts))


def _letters(format_: str) -> list[str]:
    return [token.letter for token in tokens(format_) if token.letter]


def _flagged(token: Token, part: pa.Array) -> Token:
    """Return a word with what these parts of texts tell of leading zeros, case and digits."""
    distinct = pc.unique(part).to_pylist()
    shown = [text for text in distinct if text]
    letter, number = token.letter, token.number
    if not shown:
        return token
    lengths = {len(text) for text in shown}
    flags = ""
    if letter in "mdHIMSK":
        flags = "_" if any(text.startswith(" ") for text in shown) else "-" if 1 in lengths else ""
    elif letter in "bBaA":
        flags = "^" if all(map(str.isupper, shown)) else "#" if all(map(str.islower, shown)) else ""
    elif letter == "p":
        flags = ("." if "." in shown[0] else "") + ("#" if shown[0].islower() else "")
    elif letter == "z":
        flags = "." if "Z" in shown else ""
        flags += ":" if any(":" in text for text in shown) else "#" if max(lengths) == 3 else ""
    elif letter == "f":
        flags = token.flags
        same = len(lengths) == 1 and (not flags or lengths in ({3}, {6}, {9}))
        number = lengths.pop() if same else 9 if max(lengths) > 6 else None
        number = None if number == 6 and not flags else number
    elif letter == "y":
        number = _first_year([int(text) for text in shown])
    return Token(letter, flags, number)


def _first_year(years: list[int]) -> int | None:
    """Return the first of the hundred years that two digits stand for: they are cut where the gap is widest.

    None where this is what two digits stand for anyway (1969 to 2068).
    """
    ordered = sorted(set(years))
    gaps = [(after - before - 1) % 100 for before, after in zip(ordered, ordered[1:] + ordered[:1], strict=True)]
    widest = int(np.argmax(gaps))
    start = ordered[(widest + 1) % len(ordered)]
    first = 2000 + start
    if first + (ordered[widest] - start) % 100 > _LAST_SHORT_YEAR:
        first -= 100
    usual = all(first + (year - first) % 100 == PIVOT + (year - PIVOT) % 100 for year in ordered)
    return None if usual else first


def _shapes(few: NDArray[np.object_]) -> list[str]:
    """Return one text of every frequent shape (digits and letters alike), the most frequent first."""
    shapes: dict[str, list[str]] = {}
    for text in few:
        shapes.setdefault(re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "0", text)), []).append(text)
    ranked = sorted(shapes.values(), key=len, reverse=True)
    return [text for group in ranked[:_MAX_SHAPES] for text in dict.fromkeys((group[0], group[-1]))]


def _meaning(words: str) -> str:
    """Return the letters of a format by which two that read the same dates are the same."""
    return "".join(
        {"B": "b", "A": "a", "o": "d", "K": "H"}.get(t.letter, t.letter) for t in tokens(words) if t.letter not in "fpz"
    )


def _year_place(format_: str) -> int:
    return next((i for i, letter in enumerate(_letters(format_)) if letter in "Yy"), -1)


def _is_doubtful(format_: str) -> bool:
    """Whether numbers or versions (1.10.12) could match the format."""
    words = tokens(format_)
    short = any(token.letter == "y" for token in words) and any(token.text == "." for token in words)
    return short or all(token.letter for token in words)


def _spread_like_dates(texts: NDArray[np.object_], format_: str) -> bool:
    """Whether ambiguous dates are distributed like dates, so that numbers are not taken for dates by chance.

    Of random numbers with eight digits about one in 27 is a day, of those with six one in 8 a month. A run of numbers
    within one month would always be dates, so they have to lie in several.
    """
    ticks = parse_dates(texts, format_)
    months = np.unique(ticks.view("M8[us]").astype("M8[M]"))
    years = months.astype("M8[Y]").astype(np.int64) + 1970
    usual = np.mean((years >= _MIN_YEAR) & (years <= _LAST_YEAR))
    if format_ == "%Y%m":
        return usual == 1 and len(ticks) >= 8 and len(np.unique(years)) >= _MONTH_YEARS
    least = 10 if "y" in format_ else 5
    return bool(usual >= 0.8 and len(ticks) >= least and len(months) > 1)


def _likeliest(texts: NDArray[np.object_], formats: list[str]) -> str:
    """Return the format that reads firsts of months, dates in order, or dates close to each other; else the first."""
    if len(formats) == 1 or len(texts) < _MIN_EVIDENCE:
        return formats[0]
    ticks = [parse_dates(texts, format_) for format_ in formats]
    reach = np.array([float(np.ptp(own)) for own in ticks])
    closest = np.sort(reach)[:2]
    for evidence in (
        [_first_days(own) for own in ticks],
        [_in_order(own) for own in ticks],
        list((reach == closest[0]) & (_SHORTER * closest[0] < closest[1])),
    ):
        if sum(evidence) == 1:
            return formats[evidence.index(True)]
    return formats[0]


def _first_days(ticks: Ints) -> bool:
    days = (ticks // _DAY).view("M8[D]")
    return bool((days == days.astype("M8[M]").astype("M8[D]")).all())


def _in_order(ticks: Ints) -> bool:
    steps = np.diff(ticks)
    return bool((steps > 0).all() or (steps < 0).all())
