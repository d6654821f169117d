"""Keys are not learned: new ones of the same pattern are made, none equal to a fitted one."""

from __future__ import annotations

import hashlib
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.util import hash_array

from gensynth.encoding.columns import State
from gensynth.errors import DataError
from gensynth.schema import Column
from gensynth.schema.values import codes_of, from_codes, from_ticks, is_missing

_MAX_LENGTHS = 64
_MAX_LENGTH = 256
_TRIES = 40
_CLASSES = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX = ("0123456789abcdef", "0123456789ABCDEF")


class IdentifierGenerator:
    """New keys: integers go on after the greatest, text follows the characters seen at each place.

    Only a salted 32-bit hash of each fitted text is kept, to never make one of them again.

    Parameters
    ----------
    column : Column
        The column.
    missing_share : float
        Share of missing keys.
    patterns : list of list of str
        For every length of text, the characters allowed at each place. Empty for integers.
    weights : list of float
        Share of each pattern.
    salt : str
        Key of the hash, 16 characters.
    hashes : ndarray of uint32
        Sorted hashes of the fitted texts.
    """

    def __init__(
        self, column: Column, missing_share: float, patterns: list[list[str]], weights: list[float], salt: str,
        hashes: NDArray[np.uint32],
    ) -> None:  # fmt: skip
        self.column = column
        self.missing_share = missing_share
        self.patterns = patterns
        self.weights = weights
        self.salt = salt
        self.hashes = hashes

    @classmethod
    def fit(cls, series: pd.Series[Any], column: Column) -> Self:
        """Learn the pattern of a column of keys."""
        share = float(is_missing(series).mean())
        if column.decimals == 0:
            return cls(column, share, [], [], "", np.zeros(0, dtype=np.uint32))
        distinct = codes_of(series)[1]
        texts = np.asarray([str(v) for v in distinct.tolist()], dtype=object)
        salt = hashlib.sha256(hash_array(texts).tobytes()).hexdigest()[:16]
        lengths = np.array([len(t) for t in texts])
        sizes, counts = np.unique(lengths, return_counts=True)
        most = np.sort(np.argsort(-counts, kind="stable")[:_MAX_LENGTHS])
        patterns = [_pattern(texts[lengths == sizes[i]], int(sizes[i])) for i in most]
        weights = (counts[most] / counts[most].sum()).tolist()
        return cls(column, share, patterns, weights, salt, np.unique(_hash(texts, salt)))

    def generate(self, n: int, rng: np.random.Generator) -> pd.Series[Any]:
        """Return n keys that differ from each other and from every fitted one.

        Raises
        ------
        DataError
            If the integer type has no room for n more keys.
        """
        missing = rng.random(n) < self.missing_share
        if self.column.decimals == 0:
            return from_ticks(self._integers(n), missing, self.column)
        texts = self._texts(n, rng)
        codes = np.where(missing, -1, np.arange(n))
        return from_codes(codes, pd.Index(texts, dtype=object), self.column)

    def _integers(self, n: int) -> NDArray[np.int64]:
        low, high = int(self.column.minimum or 0), int(self.column.maximum or 0)
        kind = self.column.dtype.lower().removeprefix("arrow:").split("[")[0]
        limits = np.iinfo(kind if kind in ("int8", "int16", "int32", "uint8", "uint16", "uint32") else "int64")
        if n <= int(limits.max) - high:
            return np.arange(high + 1, high + 1 + n, dtype=np.int64)
        if n <= low - int(limits.min):
            return np.arange(low - n, low, dtype=np.int64)
        raise DataError(
            f"column {self.column.name!r} ({self.column.dtype}) has no room for {n} new keys beyond {low} to {high}; "
            "use a wider integer type, or declare it 'numeric'"
        )

    def _texts(self, n: int, rng: np.random.Generator) -> NDArray[np.object_]:
        out = np.empty(n, dtype=object)
        seen: set[str] = set()
        open_ = np.arange(n)
        for attempt in range(_TRIES):
            if not len(open_):
                break
            # a pattern with too little room left gets more places
            fresh = self._draw(len(open_), rng, extra=max(0, attempt - 19))
            taken = np.isin(_hash(fresh, self.salt), self.hashes)
            left = []
            for row, text, bad in zip(open_.tolist(), fresh.tolist(), taken.tolist(), strict=True):
                if bad or text in seen:
                    left.append(row)
                else:
                    seen.add(text)
                    out[row] = text
            open_ = np.array(left, dtype=np.int64)
        if len(open_):
            raise DataError(f"column {self.column.name!r}: could not make {n} different keys of its pattern")
        return out

    def _draw(self, n: int, rng: np.random.Generator, extra: int) -> NDArray[np.object_]:
        out = np.empty(n, dtype=object)
        which = rng.choice(len(self.patterns), size=n, p=self.weights) if self.patterns else np.zeros(n, dtype=int)
        for i, pattern in enumerate(self.patterns or [[]]):
            rows = np.flatnonzero(which == i)
            places = [*pattern, *[_CLASSES[0]] * extra] if pattern or extra else [_CLASSES[0]] * 8
            letters = [np.array(list(p))[rng.integers(len(p), size=len(rows))] for p in places]
            out[rows] = np.stack(letters, 1).astype(f"U{1}").view(f"U{len(places)}").ravel() if len(rows) else []
        return out

    def state(self) -> State:
        """Return the fitted state."""
        json = {"missing_share": self.missing_share, "patterns": self.patterns, "weights": self.weights}
        return {**json, "salt": self.salt}, {"hashes": self.hashes.astype(np.int64)}

    @classmethod
    def from_state(cls, column: Column, json: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """Rebuild from `state`."""
        hashes = arrays["hashes"].astype(np.uint32)
        return cls(column, json["missing_share"], json["patterns"], json["weights"], json["salt"], hashes)


def _hash(texts: NDArray[np.object_], salt: str) -> NDArray[np.uint32]:
    return (hash_array(texts, hash_key=salt, categorize=False) >> np.uint64(32)).astype(np.uint32)


def _pattern(texts: NDArray[np.object_], length: int) -> list[str]:
    """Return the characters allowed at each place: one that all share, or whole classes of characters."""
    length = min(length, _MAX_LENGTH)
    if not length:
        return []
    letters = np.array([t[:length] for t in texts], dtype=f"U{length}").view("U1").reshape(len(texts), length)
    return [_widen("".join(np.unique(letters[:, i]))) for i in range(length)]


def _widen(seen: str) -> str:
    if len(seen) == 1:
        return seen
    for hexadecimal in _HEX:  # a UUID stays one
        if set(seen) <= set(hexadecimal) and not set(seen) <= set(_CLASSES[0]) and len(seen) > 6:
            return hexadecimal
    chosen = "".join(c for c in _CLASSES if set(c) & set(seen))
    return chosen + "".join(sorted(set(seen) - set(chosen)))
