"""Generation of identifiers, which are not learned: new ones of the same pattern, none equal to a fitted one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.util import hash_array

from gensynth.encoding.columns import State
from gensynth.encoding.fields import Texts
from gensynth.encoding.knownhashes import KnownHashes
from gensynth.encoding.patterns import Pattern, fit_pattern, pattern_from_json
from gensynth.errors import DataError, declare_hint
from gensynth.schema import Column
from gensynth.schema.checksums import CHECKSUMS, find_checksum
from gensynth.schema.codes import codes_of, from_codes
from gensynth.schema.exact import exact_tick
from gensynth.schema.keys import stand_ins
from gensynth.schema.objects import objects_to_text, text_to_objects
from gensynth.schema.ticks import from_ticks, ticks_of
from gensynth.schema.values import is_missing, object_array

_BLOCK, _MAX_IN_BLOCK = 256, 65_536
_USED_UP = 0.05
_MAX_LEVEL = 12
_GROUP_ROWS = 16


class IdentifierGenerator:
    """Generator of identifiers: consecutive integers continue after the largest, others follow the fitted pattern.

    Of the fitted values only short salted hashes are kept, to never make one of them again. About one in a hundred
    other values has such a hash too, so that the hashes do not tell who was in the table.

    Parameters
    ----------
    column : Column
        The column.
    missing_share : float
        Share of missing identifiers.
    pattern : Pattern or None
        What new ones look like; None for integers that go on after the greatest.
    sizes : dict of int to int
        How many fitted identifiers had how many rows. Empty if each had one.
    kept : dict of str to float
        Texts that stand for an identifier that is not there ("unknown"), and the share of rows that have each.
    checksum : str or None
        Name of the check digits that they have, see `gensynth.schema.checksums`.
    known : KnownHashes or None
        Hashes of the fitted values.
    """

    def __init__(
        self, column: Column, missing_share: float, pattern: Pattern | None = None, *,
        sizes: dict[int, int] | None = None, kept: dict[str, float] | None = None, checksum: str | None = None,
        known: KnownHashes | None = None,
    ) -> None:  # fmt: skip
        self.column, self.missing_share, self.pattern = column, missing_share, pattern
        self.sizes, self.kept = sizes or {}, kept or {}
        self.checksum, self.known = checksum, known or KnownHashes()

    @classmethod
    def fit(cls, series: pd.Series[Any], column: Column) -> Self:
        """Fit the pattern and the repetition of a column of identifiers."""
        whole = column.decimals == 0
        kept: dict[str, float] = {}
        if whole:
            ticks, missing = ticks_of(series, column)
            numbers, counts = np.unique(np.asarray(ticks[~missing], dtype=np.int64), return_counts=True)
            texts = object_array(numbers.astype(str).tolist())
        else:
            missing = is_missing(series)
            codes, distinct = codes_of(series)
            texts = object_array([str(v) for v in distinct.tolist()])
            counts = np.bincount(codes[codes >= 0], minlength=len(texts))
            aside = stand_ins(texts, counts)
            kept = {text: count / len(series) for text, count in zip(texts[aside], counts[aside].tolist(), strict=True)}
            texts, counts = texts[~aside], counts[~aside]
        share, sizes = float(missing.mean()), _sizes_of(counts)
        if whole and _goes_on(column, len(texts)):
            return cls(column, share, sizes=sizes)
        known, checksum = KnownHashes.of(texts), find_checksum(texts)
        return cls(column, share, fit_pattern(texts), sizes=sizes, kept=kept, checksum=checksum, known=known)

    def hashes_of(self, series: pd.Series[Any]) -> NDArray[np.uint64]:
        """Return hashes (m,) of the identifiers in aligned cells, for `know`; the numbers where new ones just go on."""
        if self.column.decimals == 0:
            ticks, missing = ticks_of(series, self.column)
            numbers = np.asarray(ticks[~missing], dtype=np.int64)
            if self.pattern is None:
                return numbers.view(np.uint64)
            texts = object_array(numbers.astype(str).tolist())
        else:
            texts = object_array([str(v) for v in series[~is_missing(series)].tolist() if str(v) not in self.kept])
        return self.known.whole(texts)

    def know(self, hashes: NDArray[np.uint64]) -> None:
        """Learn from `hashes_of` all rows of a larger table which identifiers it has, and how often they repeat.

        Integers that leave gaps in a sample may be without any in the table.
        """
        distinct, counts = np.unique(hashes, return_counts=True)
        self.sizes = _sizes_of(counts)
        if self.pattern is not None and self.column.decimals == 0 and _goes_on(self.column, len(distinct)):
            self.pattern, self.checksum, self.known = None, None, KnownHashes()
        elif self.pattern is not None:
            self.known.replace(distinct)

    def also_know(self, series: pd.Series[Any]) -> None:
        """Learn further identifiers, in aligned cells: none of them is made either."""
        if self.pattern is not None:
            self.known.add(self.hashes_of(series))
            return
        ticks, missing = ticks_of(series, self.column)
        present = np.asarray(ticks[~missing], dtype=np.int64).tolist()
        known = [int(end) for end in (self.column.minimum, self.column.maximum) if end is not None]
        if present:
            self.column = replace(self.column, minimum=min(present + known), maximum=max(present + known))

    def owners(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return (n,) the number of the identifier of each row; they repeat as the fitted did.

        -1 is a missing one, -2 and less are the texts of ``kept`` in their order. The first m are those of
        ``owners(m)``: rows of one identifier lie near each other.
        """
        of_gaps, of_groups = rng.spawn(2)
        aside = np.cumsum([self.missing_share, *self.kept.values()])
        out = -1 - np.searchsorted(aside, of_gaps.random(n), side="right")
        present = out == -1 - len(aside)
        m = int(present.sum())
        out[present] = np.arange(m) if not self.sizes else self._groups(m, of_groups)
        return out

    def _groups(self, m: int, rng: np.random.Generator) -> NDArray[np.int64]:
        sizes, counts = np.array(list(self.sizes)), np.array(list(self.sizes.values()))
        shares = counts / counts.sum()
        mean = float(sizes @ shares)
        blocks: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        first = total = 0
        while total < m:
            k = max(2, round(max(_GROUP_ROWS, total / 8) / mean))
            block = np.repeat(np.arange(first, first + k), rng.choice(sizes, size=k, p=shares))
            blocks.append(rng.permutation(block))
            first, total = first + k, total + len(block)
        return np.concatenate(blocks)[:m]

    def first_new(self, n: int) -> int:
        """Return the first of n integers without gaps that go on after the greatest fitted one, or end below the least.

        Raises
        ------
        DataError
            The integer type has no room for so many.
        """
        low, high = int(self.column.minimum or 0), int(self.column.maximum or 0)
        limits = self._limits()
        if n <= limits[1] - high:
            return high + 1
        if n <= low - limits[0]:
            return low - n
        raise self._no_room(n)

    def _limits(self) -> tuple[int, int]:
        """Return the least and the greatest integer that the column can hold."""
        kind = self.column.dtype.lower().removeprefix("arrow:").split("[")[0]
        if kind.startswith(("float", "double")):
            return -(2**53), 2**53
        limits = np.iinfo(kind if kind in ("int8", "int16", "int32", "uint8", "uint16", "uint32") else "int64")
        return (0 if kind.startswith("uint") else int(limits.min)), int(limits.max)

    def _no_room(self, n: int) -> DataError:
        name = self.column.name
        remedy = "use a wider integer type, or declare" if self.column.decimals == 0 else "declare"
        return DataError(
            f"column {name!r} ({self.column.dtype}) has no room for {n} new identifiers of its pattern; {remedy} it "
            f"otherwise ({declare_hint(name, 'categorical')})"
        )

    def texts(self, n: int, rng: np.random.Generator) -> Iterator[Texts]:
        """Yield at least n different texts of the pattern, block by block: what comes first does not depend on n.

        Raises
        ------
        DataError
            There are not so many.
        """
        assert self.pattern is not None
        seen = np.zeros(0, dtype=np.uint64)  # hashes: the texts of millions would take the memory
        size, level = _BLOCK, 0
        while len(seen) < n:
            fresh = self._valid(self.pattern.draw(size, rng, level))
            fresh = fresh[~self.known.have(fresh)]
            hashes = hash_array(fresh, categorize=False)
            first = np.sort(np.unique(hashes, return_index=True)[1])
            at = np.minimum(np.searchsorted(seen, hashes[first]), max(len(seen) - 1, 0))
            new = first[seen[at] != hashes[first]] if len(seen) else first
            ordered = np.sort(hashes[new])
            seen = np.insert(seen, np.searchsorted(seen, ordered), ordered)
            yield fresh[new]
            if len(new) < _USED_UP * size:
                level += 1
                if level > _MAX_LEVEL:
                    raise self._no_room(n)
            else:
                size = min(2 * size, _MAX_IN_BLOCK)

    def _valid(self, texts: Texts) -> Texts:
        """Return texts with their check digits, without those that the column cannot hold."""
        if self.checksum is not None:
            texts = CHECKSUMS[self.checksum].repaired(texts)
        if self.column.decimals == 0:
            low, high = self._limits()
            return object_array([str(v) for v in map(int, texts.tolist()) if low <= v <= high])
        if self.column.element in ("uuid", "ip"):
            return object_array([text for text in texts.tolist() if _is_object(text, self.column.element)])
        return texts

    def state(self) -> State:
        """Return the fitted state."""
        json: dict[str, Any] = {
            "missing_share": self.missing_share,
            "sizes": [[size, count] for size, count in self.sizes.items()],
            "kept": [[text, share] for text, share in self.kept.items()],
            "pattern": None if self.pattern is None else self.pattern.to_json(),
            "checksum": self.checksum,
            "salt": self.known.salt,
            "bits": self.known.bits,
        }
        return json, {"hashes": self.known.hashes}

    @classmethod
    def from_state(cls, column: Column, json: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """Rebuild from `state`."""
        return cls(
            column,
            json["missing_share"],
            None if json["pattern"] is None else pattern_from_json(json["pattern"]),
            sizes={int(size): int(count) for size, count in json["sizes"]},
            kept=dict(json["kept"]),
            checksum=json["checksum"],
            known=KnownHashes(json["salt"], arrays["hashes"], json["bits"]),
        )


def _goes_on(column: Column, n: int) -> bool:
    """Whether integers fill most of their range, as numbers that are given in order do."""
    return int(column.maximum or 0) - int(column.minimum or 0) < 2 * n


def identifier_cells(values: list[Any], column: Column) -> pd.Series[Any]:
    """Return identifiers of any type as cells of their column.

    Raises
    ------
    DataError
        One of them is no whole number, and the column holds such.
    """
    if column.decimals != 0:
        texts = objects_to_text(pd.Series(values, dtype=object))
        return from_codes(np.arange(len(texts)), pd.Index(texts, dtype=object), column)
    ticks = [exact_tick(value, column) for value in values]
    broken = next((value for value, tick in zip(values, ticks, strict=True) if tick.denominator != 1), None)
    if broken is not None:
        raise DataError(f"{broken!r} is not a whole number")
    return from_ticks(np.array([int(tick) for tick in ticks], dtype=np.int64), np.zeros(len(ticks), bool), column)


def _sizes_of(counts: NDArray[np.int64]) -> dict[int, int]:
    """Return how many identifiers have how many rows; empty if each has one."""
    sizes, frequency = np.unique(counts, return_counts=True)
    return dict(zip(sizes.tolist(), frequency.tolist(), strict=True)) if (sizes > 1).any() else {}


def _is_object(text: str, element: str) -> bool:
    try:
        return str(text_to_objects([text], element)[0]) == text
    except ValueError:
        return False
