"""Search for sums, differences, fixed sums and distances: integer null vectors of the columns' ticks."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from gensynth.relations.evidence import Source, informative
from gensynth.relations.sums import SumRule
from gensynth.schema.moments import is_span
from gensynth.schema.relation import Relation

_ROWS = 64
_MAX_PAIRED, _MAX_COMBINED = 1_500, 400
_MAX_TERMS, _LARGEST_FACTOR = 40, 100
_PASSES = 6
_MAX_DATES = 30
_HEAD, _FEW = 256, 8
_UNITS = {"day": 1, "hour": 24, "minute": 1_440, "second": 86_400, "week": 1 / 7}

Names = list[str | int]


def find_sums(source: Source) -> list[Relation]:
    """Return independent sums, the short ones first."""
    numbers: Names = []
    dates: Names = []
    spans: Names = []
    for name, domain in source.domains.items():
        if not domain.levels and domain.whole and domain.low != domain.high:
            kind = dates if domain.column.kind == "datetime" else spans if is_span(domain.column) else numbers
            kind.append(name)
    found: list[Relation] = []
    groups = [numbers, spans]
    for length in sorted({source.domains[name].scale for name in dates}):
        groups.append([name for name in dates if source.domains[name].scale == length])
    for group in groups:
        for names in _complete_sets(source, group):
            found += _short_sums(source, names)
            found += _long_sums(source, _without_targets(names, found))
    found += _durations(source, dates[:_MAX_DATES], [*numbers, *spans])
    return _independent(source, found)


def _complete_sets(source: Source, names: Names) -> list[Names]:
    """Return sets of columns that have enough rows in which none is missing; most tables have one set."""
    left = sorted(names, key=lambda name: int(source.sample.missing[name].sum()))
    sets: list[Names] = []
    for _ in range(_PASSES):
        if not left:
            break
        rows = ~source.sample.missing[left[0]]
        inside: Names = [left[0]]
        pool = left[1:] + [name for name in names if name not in left]
        for name in pool:
            both = rows & ~source.sample.missing[name]
            if both.sum() >= min(_ROWS, max(rows.sum() // 2, 20)):
                rows, inside = both, [*inside, name]
        sets.append(inside)
        left = [name for name in left if name not in inside]
    return [one for one in sets if len(one) > 1]


def _ticks(source: Source, names: Names, most: int) -> NDArray[np.int64]:
    """Return (rows, columns) of whole ticks on one scale, less those of the first row; modulo 2**64."""
    rows = np.flatnonzero(source.sample.present(names))
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64))] if len(rows) else rows
    scale = max(source.domains[name].scale for name in names)
    parts = [source.sample.values[name][rows] * np.int64(scale // source.domains[name].scale) for name in names]
    ticks = np.stack(parts, 1).astype(np.int64)
    return ticks - ticks[:1] if len(ticks) else ticks


def _short_sums(source: Source, names: Names) -> list[Relation]:
    """Return sums of two and three columns, by hashing: the hash of a sum is the sum of the hashes."""
    names = names[:_MAX_PAIRED]
    ticks = _ticks(source, names, _ROWS)
    if len(ticks) < 2:
        return []
    weights = np.random.default_rng(0).integers(1, 2**63, len(ticks), dtype=np.uint64)
    hashes = (weights[:, None] * ticks.view(np.uint64)).sum(0, dtype=np.uint64)
    kept = np.flatnonzero(ticks.any(0))
    names, hashes = [names[i] for i in kept], hashes[kept]
    both = np.concatenate([hashes, np.negative(hashes)])
    order = np.argsort(both, kind="stable")
    ranked = both[order]
    k = len(names)
    candidates: list[tuple[Names, list[int]]] = []
    for i in range(k):
        ends = np.searchsorted(ranked, hashes[i], "left"), np.searchsorted(ranked, hashes[i], "right")
        for at in order[slice(*ends)]:
            j = int(at) % k
            if j > i:
                candidates.append(([names[j], names[i]], [1 if at < k else -1]))
        sums = hashes[i] + hashes[i + 1 :]
        at_ = np.minimum(np.searchsorted(ranked, sums), 2 * k - 1)
        for j in np.flatnonzero(ranked[at_] == sums)[:k]:
            place = int(order[at_[j]])
            third = place % k
            if third not in (i, i + 1 + j):
                sign = 1 if place < k else -1
                candidates.append(([names[third], names[i], names[i + 1 + int(j)]], [sign, sign]))
    return [r for columns, factors in candidates if (r := _verified(source, columns, factors)) is not None]


def _long_sums(source: Source, names: Names) -> list[Relation]:
    """Return sums of more columns: each column that is a combination of the others with small whole factors."""
    if not 3 < len(names) <= _MAX_COMBINED:
        return []
    ticks = _ticks(source, names, 4 * len(names) + 200).astype(np.float64)
    if len(ticks) < len(names) + 30:
        return []
    ticks -= ticks.mean(0)
    norms = np.linalg.norm(ticks, axis=0)
    kept = np.flatnonzero(norms > 0)
    names, ticks, norms = [names[i] for i in kept], ticks[:, kept] / norms[kept], norms[kept]
    if len(names) < 3:
        return []
    triangle, pivots = scipy.linalg.qr(ticks, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    rank = int((size > 1e-9 * size[0]).sum())
    found = []
    for j in range(rank, len(names)):
        weights = scipy.linalg.solve_triangular(triangle[:rank, :rank], triangle[:rank, j])
        weights = weights * norms[pivots[j]] / norms[pivots[:rank]]
        used = np.flatnonzero(np.abs(weights) > 1e-5)
        whole = np.rint(weights[used])
        if not len(used) or len(used) > _MAX_TERMS or np.abs(whole).max() > _LARGEST_FACTOR or (whole == 0).any():
            continue
        if np.abs(whole - weights[used]).max() < 1e-4:
            columns = [names[pivots[j]], *(names[pivots[i]] for i in used)]
            found.append(_verified(source, columns, whole.astype(int).tolist()))
    return [relation for relation in found if relation is not None]


def _without_targets(names: Names, found: list[Relation]) -> Names:
    follows = {relation.columns[0] for relation in found}
    return [name for name in names if name not in follows]


def _durations(source: Source, dates: Names, lengths: Names) -> list[Relation]:
    """Return columns of numbers or durations that are the time between two dates."""
    found: list[Relation] = []
    if not lengths:
        return found
    head = np.column_stack([source.sample.values[name][:_HEAD] / source.domains[name].scale for name in lengths])
    head[np.column_stack([source.sample.missing[name][:_HEAD] for name in lengths])] = np.nan
    for low, high in combinations(dates, 2):
        scale = source.domains[low].scale
        if scale != source.domains[high].scale:
            continue
        for name in _of_such_length(source, low, high, head, lengths):
            rows = np.flatnonzero(source.sample.present((low, high, name)))[:_ROWS]
            if len(rows) < 2:
                continue
            ticks = (source.sample.values[high][rows] - source.sample.values[low][rows]).astype(np.float64)
            length = source.sample.values[name][rows] / source.domains[name].scale
            for units in (1,) if is_span(source.domains[name].column) else _UNITS.values():
                for sign in (1, -1):
                    if np.allclose(length, sign * units * ticks / scale, rtol=1e-9, atol=1e-9):
                        relation = _verified(source, [name, high, low], [sign * units, -sign * units])
                        found += [relation] if relation is not None else []
    return found


def _of_such_length(source: Source, low: str | int, high: str | int, head: NDArray[Any], lengths: Names) -> Names:
    """Return the columns that could be the time between two dates by a few rows, all columns looked at together."""
    rows = np.flatnonzero(source.sample.present((low, high))[: len(head)])[:_FEW]
    ticks = (source.sample.values[high][rows] - source.sample.values[low][rows]).astype(np.float64)
    spent = np.abs(ticks / source.domains[low].scale)[:, None]
    cells = np.abs(head[rows])
    could = np.zeros(len(lengths), dtype=bool)
    for units in _UNITS.values():
        could |= (np.isnan(cells) | np.isclose(cells, units * spent, rtol=1e-6, atol=1e-6)).all(axis=0)
    return [name for name, possible in zip(lengths, could, strict=True) if possible]


def _verified(source: Source, columns: Names, factors: list[Any]) -> Relation | None:
    """Return the relation if it holds in all rows and shuffled cells would break it; a total comes first."""
    rows = np.flatnonzero(source.sample.present(columns))
    if not len(rows):
        return None
    units = [source.sample.values[name][rows[0]] / source.domains[name].scale for name in columns]
    constant = _plain(units[0] - sum(f * u for f, u in zip(factors, units[1:], strict=True)), source, columns)
    relation = Relation("sum", tuple(columns), (constant, *factors))
    if len({source.domains[name].column.kind for name in columns}) == 1:
        relation = _turned(relation, source)
    for sheet in (source.sample, source.whole(columns)):
        if SumRule(relation, source.domains).broken(sheet).any():
            return None
    return relation if informative(source.evidence(columns), columns, source.limit) else None


def _plain(value: float, source: Source, columns: Names) -> float:
    """Return a constant rounded to what the columns can hold."""
    scale = max(source.domains[name].scale for name in columns)
    near = round(value * scale) / scale
    return int(near) if near == int(near) else near


def _turned(relation: Relation, source: Source) -> Relation:
    """Return the relation with the column in front that the others add up to, or the largest share of a fixed sum."""
    constant, *factors = relation.numbers
    signs = dict(zip(relation.columns, (-1, *factors), strict=True))
    if any(abs(f) != 1 for f in signs.values()):
        return relation
    plus = [name for name, f in signs.items() if f > 0]
    minus = [name for name, f in signs.items() if f < 0]
    ones = plus if len(plus) < len(minus) else minus
    if len(ones) == 1 and len(signs) > 2:
        first = ones[0]
    elif len(signs) == 2 and len(ones) == 1:
        return relation
    else:
        order = {name: float(np.mean(source.sample.values[name] / source.domains[name].scale)) for name in signs}
        first = max(ones or signs, key=lambda name: order[name])
    own = signs[first]
    others = [name for name in relation.columns if name != first]
    return Relation("sum", (first, *others), (-constant / own if constant else 0, *(-signs[n] / own for n in others)))


def _independent(source: Source, found: list[Relation]) -> list[Relation]:
    """Return the relations that do not follow from shorter ones."""
    position = {name: i for i, name in enumerate(source.domains)}
    kept: list[Relation] = []
    basis: dict[int, NDArray[np.float64]] = {}  # by the first column that is not 0
    for relation in sorted(dict.fromkeys(found), key=lambda r: len(r.columns)):
        row = np.zeros(len(position))
        for name, factor in zip(relation.columns, (-1.0, *relation.numbers[1:]), strict=True):
            row[position[name]] = factor
        for _ in range(len(position)):
            nonzero = np.flatnonzero(np.abs(row) > 1e-9)
            if not len(nonzero) or nonzero[0] not in basis:
                break
            row = row - row[nonzero[0]] * basis[int(nonzero[0])]
        nonzero = np.flatnonzero(np.abs(row) > 1e-9)
        if len(nonzero):
            basis[int(nonzero[0])] = row / row[nonzero[0]]
            kept.append(relation)
    return kept
