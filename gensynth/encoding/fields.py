"""Fields of composed keys (digits, letters or a word), and random new ones."""

from __future__ import annotations

import string
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gensynth.schema.values import object_array

Texts = NDArray[np.object_]

DIGITS = string.digits
_CLASSES = (DIGITS, string.ascii_lowercase, string.ascii_uppercase)
_HEX = (DIGITS + "abcdef", DIGITS + "ABCDEF")
_MAX_LENGTHS = 64
_MAX_HEADS = 1000
_MAX_HEAD = 6
_MAX_RANGE_DIGITS = 5
_MIN_DATES = 20
_FEW = 10
_ALWAYS = 5.0
"""Average observations per character of a class from which on unseen characters are taken as impossible."""


@dataclass(frozen=True)
class Part:
    """The tokens of one length in a field, or a vocabulary.

    Parameters
    ----------
    weight : float
        Share of the field's tokens.
    heads : tuple of str
        What tokens begin with; each is shared by several fitted keys. A vocabulary holds whole tokens.
    shares : tuple of float
        Share of each head.
    places : tuple of str
        Characters allowed at each place after the head.
    low, high : int or None
        Range of a number of few digits; days since 1970 for a date.
    length : int
        Characters of a number, leading zeros included.
    date : str or None
        Separator of the parts of a date (may be empty); None for anything else.
    """

    weight: float = 1.0
    heads: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    places: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    length: int = 0
    date: str | None = None

    def draw(self, n: int, rng: np.random.Generator, *, wider: bool, widest: bool, top: int | None) -> Texts:
        """Return n tokens.

        Parameters
        ----------
        n : int
            Number of tokens.
        rng : numpy.random.Generator
            Source of randomness.
        wider : bool
            Allow every character of a class and every number of the length: the pattern is used up.
        widest : bool
            Do not even keep what all fitted tokens have in common.
        top : int or None
            Greatest number that is valid (255 in an IPv4 address).
        """
        if self.low is not None and self.high is not None:
            low, high = self._range(top, wider=wider)
            return self._written(rng.integers(low, high + 1, size=n))
        heads, places = self.heads, self.places
        if widest and heads and not places and all(h.isdigit() and len(h) == len(heads[0]) for h in heads):
            least = min(int(h) for h in heads)  # below ten, or with leading zeros, all of the length are
            part = Part(low=least, high=least, length=len(heads[0]))
            return part.draw(n, rng, wider=True, widest=True, top=top)
        if widest and heads and places:
            heads, places = (), tuple(map("".join, zip(*heads, strict=True))) + places
        if wider:
            places = tuple(_classes(p, hexadecimal=True) if len(p) > 1 or widest else p for p in places)
        out = object_array([""] * n)
        if heads:
            shares = np.asarray(self.shares)
            out = object_array(list(heads))[rng.choice(len(heads), size=n, p=shares / shares.sum())]
        if places:
            codes = np.stack(
                [np.frombuffer(p.encode("utf-32-le"), "<u4")[rng.integers(len(p), size=n)] for p in places], 1
            )
            out = out + codes.astype("<u4").view(f"<U{len(places)}").ravel().astype(object)
        return out

    def _range(self, top: int | None, *, wider: bool) -> tuple[int, int]:
        assert self.low is not None
        assert self.high is not None
        if not wider:
            return self.low, self.high
        if self.date is not None:
            return min(self.low, 0), max(self.high, 20_000)
        most = 10**self.length - 1
        padded = self.low < 10 ** (self.length - 1) and self.length > 1
        return 0 if padded or self.length == 1 else 10 ** (self.length - 1), most if top is None else min(most, top)

    def _written(self, numbers: NDArray[np.int64]) -> Texts:
        if self.date is None:
            return object_array([f"{v:0{self.length}d}" for v in numbers.tolist()])
        days = numbers.astype("M8[D]").astype(str).tolist()
        return object_array([day.replace("-", self.date)[-self.length :] for day in days])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; entries that hold their default are left out."""
        default = Part()
        entries = {
            k: list(v) if isinstance(v, tuple) else v for k, v in self.__dict__.items() if v != getattr(default, k)
        }
        return {**entries, "weight": self.weight}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        entries: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in state.items()}
        return cls(**entries)


def fit_field(tokens: Texts) -> tuple[Part, ...]:
    """Return what the tokens (k,) of a field are drawn from, one `Part` a length or a vocabulary.

    Tokens, and beginnings of tokens, come back only where several keys share them: years, domains, area codes.
    """
    if words := _shared(tokens, 0.9):
        return (Part(heads=tuple(words), shares=tuple(words.values())),)
    lengths = np.array([len(token) for token in tokens.tolist()])
    sizes, counts = np.unique(lengths, return_counts=True)
    most = np.sort(np.argsort(-counts, kind="stable")[:_MAX_LENGTHS])
    context = _Context(tokens)
    total = counts[most].sum()
    return tuple(
        _fit_length(tokens[lengths == sizes[i]], int(sizes[i]), float(counts[i] / total), context) for i in most
    )


class _Context:
    """What all tokens of a field have in common: kinds of characters, and characters at a place."""

    def __init__(self, tokens: Texts) -> None:
        letters = set("".join(tokens.tolist()))
        self.hex = next((h for h in _HEX if letters <= set(h) and letters & set(DIGITS) and letters - set(DIGITS)), "")
        if len(letters) <= 6:
            self.hex = ""
        self.others = sorted(c for c in letters if c.isalpha() and not c.isascii())
        self.leading_zero = any(t[:1] == "0" and len(t) > 1 for t in tokens.tolist())
        first = tokens[0]
        self.common = [all(t[i : i + 1] in (c, "") for t in tokens.tolist()) for i, c in enumerate(first)]
        self.first = first


def _fit_length(tokens: Texts, length: int, weight: float, context: _Context) -> Part:
    if not length:
        return Part(weight=weight)
    if (date := _date_range(tokens, length)) is not None:
        return Part(weight=weight, low=date[0], high=date[1], length=length, date=date[2])
    numeric = all(t.isascii() and t.isdigit() for t in tokens.tolist())
    if numeric and length <= _MAX_RANGE_DIGITS:
        numbers = [int(t) for t in tokens.tolist()]
        low, high = min(numbers), max(numbers)
        if len(tokens) < _FEW and low == high and not (length <= len(context.common) and all(context.common[:length])):
            low, high = (0 if context.leading_zero or length == 1 else 10 ** (length - 1)), 10**length - 1
        return Part(weight=weight, low=low, high=high, length=length)
    cut, heads = 0, dict[str, float]()
    for size in range(1, min(_MAX_HEAD, length - 4) + 1):
        found = _shared(object_array([t[:size] for t in tokens.tolist()]), 0.95)
        if not found:
            break
        cut, heads = size, found
    letters = np.array(tokens.tolist(), dtype=f"U{length}").view("U1").reshape(len(tokens), length)
    places = []
    for i in range(cut, length):
        seen = "".join(np.unique(letters[:, i]))
        common = i < len(context.common) and context.common[i]
        place = _place(seen, len(tokens), context, constant=common or len(tokens) >= _FEW)
        if i == 0 and length > 1 and not context.leading_zero and "0" not in seen and len(place) > 1:
            place = place.replace("0", "")
        places.append(place)
    return Part(weight=weight, heads=tuple(heads), shares=tuple(heads.values()), places=tuple(places))


def _shared(tokens: Texts, coverage: float) -> dict[str, float]:
    """Return the shares of the tokens that several keys have, if they make up nearly all; else nothing."""
    least = 3 if len(tokens) < 100 else 5
    counts = Counter(tokens.tolist())
    if not counts or counts.most_common(1)[0][1] < least:
        return {}
    frequent = sorted((token, count) for token, count in counts.items() if count >= least)
    n = sum(count for _, count in frequent)
    if n < coverage * len(tokens) or len(frequent) > _MAX_HEADS:
        return {}
    return {token: count / n for token, count in frequent}


def _date_range(tokens: Texts, length: int) -> tuple[int, int, str] | None:
    """Return first and last day since 1970 and the separator, if all of many tokens are days."""
    if length not in (6, 8, 10) or len(tokens) < _MIN_DATES:
        return None
    first = tokens[0]
    separator = first[4] if length == 10 else ""
    plain = [t.replace(separator, "") if separator else t for t in tokens.tolist()]
    if separator.isalnum() or any(len(t) != min(length, 8) or not t.isdigit() for t in plain):
        return None
    century = "20" if length == 6 else ""
    try:
        days = np.array([f"{century}{t}"[:4] + f"-{t[-4:-2]}-{t[-2:]}" for t in plain], dtype="M8[D]")
    except ValueError:
        return None
    numbers = days.astype(np.int64)
    usual = days.astype("M8[Y]").astype(np.int64) + 1970
    if usual.min() < 1900 or usual.max() > 2100:
        return None
    return int(numbers.min()), int(numbers.max()), separator


def _place(seen: str, n: int, context: _Context, *, constant: bool) -> str:
    """Return the characters allowed at a place: the one that all share, those seen in many keys, or whole classes."""
    if len(seen) == 1 and (constant or not seen.isalnum()):
        return seen
    whole = context.hex if context.hex and set(seen) <= set(context.hex) else _classes(seen)
    cases = {(c.islower(), c.isupper()) for c in seen if c.isalpha() and not c.isascii()}
    whole += "".join(c for c in context.others if (c.islower(), c.isupper()) in cases and c not in whole)
    return seen if len(seen) > 1 and n >= _ALWAYS * len(whole) else whole


def _classes(seen: str, *, hexadecimal: bool = False) -> str:
    """Return the whole classes of the characters seen."""
    if hexadecimal and set(seen) & set(DIGITS) and set(seen) - set(DIGITS):
        for digits in _HEX:
            if set(seen) <= set(digits):
                return digits
    chosen = "".join(c for c in _CLASSES if set(c) & set(seen))
    return chosen + "".join(sorted(set(seen) - set(chosen)))
