"""Patterns of the texts of a column, composed keys and free text, and random texts that follow them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gensynth.encoding.fields import Part, Texts, fit_field
from gensynth.schema.values import object_array

_DATE = r"(?:19|20)\d\d([-/.])(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])"
_DOMAIN = r"(?<=@)[^@\s]+$"
_FINE, _COARSE = r"[^\W\d_]+|\d+", r"[^\W_]+"
_MAX_SKELETONS = 64
_MAX_FIELDS = 24
_COVERAGE = 0.9
_FIT_ROWS = 10_000
_MAX_WORDS = 2000
_MAX_SHAPES = 2000
_MAX_GAPS = 20
_QUANTILES = 200
_MARKS = {"lower": "\ue000", "upper": "\ue001", "digit": "\ue002", "other": "\ue003"}


class Pattern(Protocol):
    """Distribution of new texts."""

    def draw(self, n: int, rng: np.random.Generator, level: int) -> Texts:
        """Return n texts (n,); ``level`` counts how often the pattern was exhausted."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""


def fit_pattern(texts: Texts) -> Pattern:
    """Return the pattern of distinct texts (k,).

    Keys are composed: the same few sequences of fields and separators, each field with its own range or characters.
    Texts that share no such sequences are free text.
    """
    some = object_array([t for t in texts[:: max(1, len(texts) // _FIT_ROWS)].tolist() if t])
    if not len(some):
        return SkeletonMixture([Skeleton(("",), 1.0, ())])
    at = [t.rsplit("@", 1)[-1] for t in some.tolist()] if all(t.count("@") == 1 for t in some.tolist()) else []
    shared = sum(count for count in Counter(at).values() if count >= 3)
    whole = f"{_DOMAIN}|" if at and shared >= _COVERAGE * len(some) else ""
    fine = _split(some, re.compile(f"({whole}{_DATE}|{_FINE})"), kinds=True)
    coarse = _split(some, re.compile(f"({whole}{_DATE}|{_COARSE})"), kinds=False)
    if fine and len(fine) <= 2 * max(len(coarse), 1):  # letters and digits that take turns at random are one field
        return SkeletonMixture(_skeletons(fine))
    lengths = Counter(len(t) for t in some.tolist())
    if coarse and (len(lengths) > 1 or len(coarse) == 1):  # of one length: separators anywhere, as in Base64
        return SkeletonMixture(_skeletons(coarse))
    spaces = sum(" " in t for t in some.tolist())
    if spaces > 0.5 * len(some) or len(lengths) > max(5, len(some) / 10):
        return FreeText.fit(some)
    return SkeletonMixture([Skeleton(("", ""), 1.0, (fit_field(some),))])


@dataclass(frozen=True)
class Skeleton:
    """One sequence of separators, and the fields between them.

    Parameters
    ----------
    separators : tuple of str
        One more than there are fields.
    weight : float
        Share of the texts.
    fields : tuple of tuple of Part
        What each field is drawn from.
    """

    separators: tuple[str, ...]
    weight: float
    fields: tuple[tuple[Part, ...], ...]

    def draw(self, n: int, rng: np.random.Generator, level: int) -> Texts:
        """Return n texts; level 1 widens the last field, level 2 all fields, then digits are added."""
        address = self._is_address()
        extra = 0 if address else max(0, level - 3)
        out = object_array([self.separators[0]] * n)
        for i, parts in enumerate(self.fields):
            last = i == len(self.fields) - 1
            wider = level >= 2 or (level == 1 and last)
            tokens = _draw_field(parts, n, rng, wider=wider, widest=level >= 3, top=255 if address else None)
            if last and extra:
                added = rng.integers(10**extra, size=n).tolist()
                tokens = tokens + object_array([f"{v:0{extra}d}" for v in added])
            out = out + tokens + self.separators[i + 1]
        if not self.fields and extra:
            out = out + object_array([f"{v:0{extra}d}" for v in rng.integers(10**extra, size=n).tolist()])
        return out

    def _is_address(self) -> bool:
        """Whether this is an IPv4 address, alone or before a port or a prefix length."""
        numbers = [
            (part.high if part.high is not None else max(map(int, part.heads)))
            if part.high is not None or (part.heads and not part.places and all(h.isdigit() for h in part.heads))
            else 256
            for parts in self.fields[:4]
            for part in parts
        ]
        return len(self.fields) >= 4 and self.separators[1:4] == (".", ".", ".") and max(numbers) <= 255

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        fields = [[part.to_json() for part in parts] for parts in self.fields]
        return {"separators": list(self.separators), "weight": self.weight, "fields": fields}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        fields = tuple(tuple(Part.from_json(part) for part in parts) for parts in state["fields"])
        return cls(tuple(state["separators"]), state["weight"], fields)


def _draw_field(parts: tuple[Part, ...], n: int, rng: np.random.Generator, **how: Any) -> Texts:
    if len(parts) == 1:
        return parts[0].draw(n, rng, **how)
    which = _choose([part.weight for part in parts], n, rng)
    out = np.empty(n, dtype=object)
    for i, part in enumerate(parts):
        rows = np.flatnonzero(which == i)
        out[rows] = part.draw(len(rows), rng, **how)
    return out


def _choose(weights: list[float], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    shares = np.asarray(weights)
    return rng.choice(len(weights), size=n, p=shares / shares.sum())


@dataclass(frozen=True)
class SkeletonMixture:
    """Keys of one or a few skeletons."""

    skeletons: list[Skeleton]

    def draw(self, n: int, rng: np.random.Generator, level: int) -> Texts:
        """Return n texts (n,)."""
        which = _choose([s.weight for s in self.skeletons], n, rng)
        out = np.empty(n, dtype=object)
        for i, skeleton in enumerate(self.skeletons):
            rows = np.flatnonzero(which == i)
            if len(rows):
                out[rows] = skeleton.draw(len(rows), rng, level)
        return out

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"skeletons": [skeleton.to_json() for skeleton in self.skeletons]}


def _split(texts: Texts, regex: re.Pattern[str], *, kinds: bool) -> list[tuple[tuple[str, ...], list[list[str]]]]:
    """Return the separators of nearly all texts with the tokens between them, or nothing if there are too many.

    ``regex`` has two groups: the token, and within it the mark of a date. ``kinds``: digits and letters
    at one place are told apart.
    """
    groups: dict[Any, tuple[tuple[str, ...], list[list[str]]]] = {}
    for text in texts.tolist():
        pieces = regex.split(text)  # a separator, a token and the mark within a date in turn
        separators, tokens = tuple(pieces[::3]), pieces[1::3]
        key = (*separators, *map(str.isdigit, tokens)) if kinds else separators
        groups.setdefault(key, (separators, []))[1].append(tokens)
    kept, n = [], 0
    for _, (between, rows) in sorted(groups.items(), key=lambda item: (-len(item[1][1]), str(item[0]))):
        if n >= _COVERAGE * len(texts) and len(rows) < 3:
            break
        n += len(rows)
        kept.append((between, rows))
    most = min(_MAX_SKELETONS, max(5, len(texts) // 10))
    return kept if len(kept) <= most and all(len(between) <= _MAX_FIELDS + 1 for between, _ in kept) else []


def _skeletons(split: list[tuple[tuple[str, ...], list[list[str]]]]) -> list[Skeleton]:
    n = sum(len(rows) for _, rows in split)
    return [
        Skeleton(
            between, len(rows) / n, tuple(fit_field(object_array(list(tokens))) for tokens in zip(*rows, strict=True))
        )
        for between, rows in split
    ]


@dataclass(frozen=True)
class FreeText:
    """Words of random letters, as long and as many as in the fitted texts; words that many texts share stay.

    Parameters
    ----------
    n_words : list of int
        Ascending counts of words a text, at even quantiles.
    words : list of str
        Words with a mark for every random letter or digit.
    weights : list of int
        Fitted count of each.
    letters : dict
        Characters that the marks stand for.
    gaps : dict of str to int
        What stands between words, and how often.
    """

    n_words: list[int]
    words: list[str]
    weights: list[int]
    letters: dict[str, str]
    gaps: dict[str, int]

    @classmethod
    def fit(cls, texts: Texts) -> Self:
        """Learn the lengths of texts and words, and the words that at least a twentieth, and ten, of the texts have."""
        found = [t.split()[:_MAX_WORDS] for t in texts.tolist()]
        gaps = Counter(gap for t in texts[:1000].tolist() for gap in re.findall(r"\s+", t.strip())) or Counter(" ")
        n_words = np.quantile([len(w) for w in found], np.linspace(0, 1, _QUANTILES), method="nearest")
        holders = Counter(word for words in found for word in set(words))
        common = {word for word, count in holders.items() if count >= max(10, 0.05 * len(texts))}
        letters, marks = _marks("".join(sorted(set("".join(texts.tolist())))))
        table = str.maketrans(marks)
        words: Counter[str] = Counter()
        for word, count in Counter(word for words_ in found for word in words_).items():
            words[word if word in common else word.translate(table)] += count
        kept = sorted(words.most_common(_MAX_SHAPES))
        shapes, weights = [w for w, _ in kept], [c for _, c in kept]
        return cls(n_words.astype(int).tolist(), shapes, weights, letters, dict(sorted(gaps.most_common(_MAX_GAPS))))

    def draw(self, n: int, rng: np.random.Generator, level: int) -> Texts:
        """Return n texts (n,); a level above 0 adds that many words."""
        numbers = np.asarray(self.n_words)[rng.integers(len(self.n_words), size=n)] + level
        which = _choose([float(w) for w in self.weights], int(numbers.sum()), rng).tolist()
        gaps = list(self.gaps)
        between = _choose([float(w) for w in self.gaps.values()], len(which), rng).tolist()
        ends = np.cumsum(numbers).tolist()
        words = [self.words[w] + gaps[g] for w, g in zip(which, between, strict=True)]
        texts = ["".join(words[a:b]).rstrip() for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        return self._filled(texts, rng)

    def _filled(self, texts: list[str], rng: np.random.Generator) -> Texts:
        """Put a random character at each mark."""
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4").copy()
        for name, mark in _MARKS.items():
            at = np.flatnonzero(codes == ord(mark))
            pool = np.frombuffer(self.letters.get(name, "").encode("utf-32-le", "surrogatepass"), "<u4")
            if len(at):
                codes[at] = pool[rng.integers(len(pool), size=len(at))]
        joined = codes.tobytes().decode("utf-32-le", "surrogatepass")
        ends = np.cumsum([len(text) for text in texts]).tolist()
        return object_array([joined[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dict(self.__dict__)


def _marks(seen: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the characters that each mark stands for, and the mark of each character seen."""
    letters: dict[str, str] = {}
    marks: dict[str, str] = {}
    for c in seen:
        kind = "digit" if c.isdigit() else "lower" if c.islower() else "upper" if c.isupper() else "other"
        if c.isalnum():
            marks[c] = _MARKS[kind]
            letters[kind] = letters.get(kind, "") + c
    whole = {"digit": "0123456789", "lower": "abcdefghijklmnopqrstuvwxyz", "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    for kind, characters in whole.items():
        if set(letters.get(kind, "")) & set(characters):
            letters[kind] = "".join(sorted(set(letters[kind]) | set(characters)))
    return letters, marks


def pattern_from_json(state: dict[str, Any]) -> Pattern:
    """Rebuild a pattern from its `to_json`."""
    if "n_words" in state:
        return FreeText(**state)
    return SkeletonMixture([Skeleton.from_json(skeleton) for skeleton in state["skeletons"]])
