"""Search for functional dependencies: columns whose values determine those of another column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.relations.evidence import MIN_ROWS, Source
from gensynth.relations.sheet import Bools, Sheet
from gensynth.schema.relation import Relation

_SCREENED = (6, 24, 96)
_MAX_SAMPLED = 2_000
_FEW_KEYS = 0.05

Codes = NDArray[Any]


def find_dependencies(source: Source, known: Sequence[Relation]) -> list[Relation]:
    """Return dependencies that do not follow from each other.

    ``known`` relations make their columns follow from others already: no dependency is looked for between those.
    """
    related = [set(relation.columns) for relation in known if relation.kind != "missing"]
    names = list(source.domains)
    pairs = [
        (names[i], names[j])
        for i, j in _candidates(source, names)
        if not any({names[i], names[j]} <= columns for columns in related)
    ]
    checked = {pair: n for pair in pairs if (n := _n_keys(source, *pair)) is not None}
    return _without_implied(checked)


def _candidates(source: Source, names: list[str | int]) -> list[tuple[int, int]]:
    """Return positions of (key, dependent) that the sample allows."""
    n = min(len(source.sample), _MAX_SAMPLED)
    codes = np.stack([_codes(source.sample, name, n) for name in names], 1).astype(np.int32)
    distinct = codes.max(0) + 1
    log_shares = np.stack([_log_shares(codes[:, j]) for j in range(len(names))], 1)
    found = []
    for i in range(len(names)):
        own = codes[:, i]
        first = np.unique(own, return_index=True)[1]
        repeats = np.flatnonzero((own >= 0) & (first[own - own.min()] != np.arange(n)))
        if len(repeats) < MIN_ROWS / 2:
            continue
        back = first[own - own.min()]
        others = np.flatnonzero((distinct > 1) & (distinct <= distinct[i]) & (np.arange(len(names)) != i))
        for rows in (*(_some(repeats, most) for most in _SCREENED), repeats):
            every = len(others) > 0.2 * len(names)  # whole rows are faster to take
            here, there = codes[rows], codes[back[rows]]
            if not every:
                here, there = here[:, others], there[:, others]
            agree = ((here == there) | (here < 0) | (there < 0)).all(0)
            others = others[agree[others] if every else agree]
            if not len(others):
                break
        if len(others):
            told = -log_shares[np.ix_(repeats, others)].sum(0)
            found += [(i, int(j)) for j, nats in zip(others, told, strict=True) if nats >= min(source.limit / 3, 10.0)]
    return found


def _some(rows: Codes, most: int) -> Codes:
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64))]


def _codes(sheet: Sheet, name: str | int, n: int) -> Codes:
    """Return positions (n,) of the first n cells among their distinct values, -1 where missing."""
    missing = sheet.missing[name][:n]
    codes = np.full(n, -1, dtype=np.int64)
    if not missing.all():
        codes[~missing] = np.unique(sheet.values[name][:n][~missing], return_inverse=True)[1]
    return codes


def _log_shares(codes: Codes) -> NDArray[np.float64]:
    """Return (n,) the logarithm of how frequent each row's value is; 0 where missing."""
    counts = np.bincount(codes[codes >= 0], minlength=1)
    shares = np.log(np.maximum(counts, 1) / max(int(counts.sum()), 1))
    return np.where(codes >= 0, shares[np.maximum(codes, 0)], 0.0)


def _n_keys(source: Source, key: str | int, dependent: str | int) -> tuple[int, int] | None:
    """Return the distinct values of both columns if all rows keep the dependency, and shuffled ones would not."""
    sheet = source.whole((key, dependent))
    if len(np.unique(sheet.values[key])) > _FEW_KEYS * source.n:  # a copied row repeats its key and all it goes with
        sheet = sheet.take(source.distinct)
    both = sheet.present((key, dependent))
    keys, values = sheet.values[key][both], sheet.values[dependent][both]
    if len(keys) < MIN_ROWS:
        return None
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    again = keys[1:] == keys[:-1]
    if (values[1:] != values[:-1])[again].any() or again.sum() < MIN_ROWS:
        return None
    distinct, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    told = -float(np.log(counts / len(values))[which[1:][again]].sum())
    if told < source.limit or not _missing_fits(sheet, key, dependent, both):
        return None
    return int((~again).sum()) + 1, len(distinct)


def _missing_fits(sheet: Sheet, key: str | int, dependent: str | int, both: Bools) -> bool:
    """Whether missing cells are compatible: most rows with a key that have a value keep the dependency."""
    with_key = ~sheet.missing[key]
    with_value = ~sheet.missing[dependent]
    return bool(both.sum() >= 0.5 * min(with_key.sum(), with_value.sum()))


def _without_implied(found: dict[tuple[Any, Any], tuple[int, int]]) -> list[Relation]:
    """Return the dependencies without those that follow: zip -> state from zip -> city and city -> state."""
    pairs = set(found)
    twins: dict[Any, Any] = {}  # columns that say each other: the first stands for all
    for one, other in found:
        if (other, one) in pairs:
            head = twins.get(one, one)
            twins.setdefault(other, head)
            twins.setdefault(one, head)
    kept: list[Relation] = []
    for one, other in found:
        if (other, one) in pairs:
            if twins[one] == twins[other] and twins[one] in (one, other):
                kept.append(Relation("dependency", (one, other)))
            continue
        if twins.get(one, one) != one or twins.get(other, other) != other:
            continue
        between = {c for a, c in pairs if a == one and c not in (one, other)}
        if not any((c, other) in pairs and (c, one) not in pairs and (other, c) not in pairs for c in between):
            kept.append(Relation("dependency", (one, other)))
    return kept
