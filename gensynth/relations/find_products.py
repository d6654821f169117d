"""Search for fixed factors, products and ratios: candidates from a few rows, verified on all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gensynth.relations.evidence import Source, informative
from gensynth.relations.products import FormulaRule
from gensynth.schema.moments import is_span
from gensynth.schema.relation import Relation, Rounding

_MAX_FACTORS, _MAX_PRODUCTS = 1_500, 250
_CORRELATED = 0.98
_SCREENED = 12
_MIN_DISTINCT = 6
_ROUNDINGS: tuple[Rounding, ...] = ("", "half_up", "down")
_PLACES = 12

Floats = NDArray[np.float64]
Names = list[str | int]


def find_factors(source: Source, sums: Sequence[Relation]) -> list[Relation]:
    """Return columns that are a fixed multiple of another one, with or without a constant; the plainest first."""
    names = _numbers(source)[:_MAX_FACTORS]
    values = {name: _units(source, name) for name in names}
    candidates: list[tuple[int, Relation]] = []
    for one, other in _correlated(values):
        for target, base in ((one, other), (other, one)):
            found = _factor_of(source, target, base, values)
            if found is not None:
                digits = sum(len(f"{abs(n):.12g}".strip("0.").replace(".", "")) for n in found.numbers)
                candidates.append((digits, found))
    classes = _Classes(sums)
    kept = []
    for _, relation in sorted(candidates, key=lambda pair: pair[0]):
        if not classes.same(*relation.columns) and _holds(source, relation):
            kept.append(relation)
            classes.join(*relation.columns)
    return kept


def find_products(source: Source, known: Sequence[Relation]) -> list[Relation]:
    """Return columns that are the product, or the ratio, of two others."""
    taken = {frozenset(relation.columns) for relation in known}
    follows = {relation.columns[0] for relation in known}
    names = _numbers(source)[:_MAX_PRODUCTS]
    if len(names) < 3:
        return []
    table = np.stack([_units(source, name) for name in names], 1)
    full = ~np.isnan(table)
    best = np.argsort(-(full.sum(1) + (np.abs(np.nan_to_num(table)) > 0).sum(1)), kind="stable")
    rows = table[best[: max(_SCREENED, len(best) // 2)]]
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, _SCREENED).astype(np.int64))]
    steps = np.array([1.0 / source.domains[n].scale if source.domains[n].whole else 0.0 for n in names])
    i, j = np.triu_indices(len(names), 1)
    found: list[Relation] = []
    for kind, first, second in (("product", i, j), ("ratio", np.r_[i, j], np.r_[j, i])):
        for t, name in enumerate(names):
            alive = np.flatnonzero((first != t) & (second != t))
            seen = np.zeros(len(alive), dtype=np.int64)
            for row in rows:
                with np.errstate(all="ignore"):
                    own = row[first[alive]]
                    made = own * row[second[alive]] if kind == "product" else own / row[second[alive]]
                    miss = np.abs(made - row[t])
                near = ~(miss > steps[t] * 1.000001 + 1e-9 * abs(row[t]))  # NaN passes: it says nothing
                seen = seen + ~np.isnan(miss)
                alive, seen = alive[near], seen[near]
                if not len(alive):
                    break
            for at in alive[seen >= 3][:20]:
                columns = (name, names[first[at]], names[second[at]])
                if frozenset(columns) in taken or name in follows:
                    continue
                relation = _rounded(source, Relation("product" if kind == "product" else "ratio", columns))
                if relation is not None and _holds(source, relation):
                    found.append(relation)
                    taken.add(frozenset(columns))
                    follows.add(name)
    return found


class _Classes:
    """Classes of columns that determine each other up to rounding, by a factor or a sum."""

    def __init__(self, sums: Sequence[Relation]) -> None:
        self.sums = [set(relation.columns) for relation in sums]
        self.of: dict[str | int, set[str | int]] = {}
        for relation in sums:
            if len(relation.columns) == 2:
                self.join(*relation.columns)

    def same(self, one: str | int, other: str | int) -> bool:
        return other in self.of.get(one, {one})

    def join(self, one: str | int, other: str | int) -> None:
        both = self.of.get(one, {one}) | self.of.get(other, {other})
        grown = True
        while grown:
            grown = False
            for columns in self.sums:
                rest = columns - both
                if len(rest) == 1:
                    both |= self.of.get(next(iter(rest)), rest) | rest
                    grown = True
        for name in both:
            self.of[name] = both


def _numbers(source: Source) -> Names:
    out = []
    for name, domain in source.domains.items():
        if domain.levels or domain.column.kind != "numeric" or is_span(domain.column):
            continue
        if len(np.unique(source.sample.values[name][~source.sample.missing[name]])) >= _MIN_DISTINCT:
            out.append(name)
    return out


def _units(source: Source, name: str | int) -> Floats:
    values = source.sample.values[name] / source.domains[name].scale
    return np.where(source.sample.missing[name], np.nan, values)


def _correlated(values: dict[str | int, Floats]) -> Iterable[tuple[str | int, str | int]]:
    """Return pairs of columns that lie almost on a line."""
    names = list(values)
    if len(names) < 2:
        return
    table = np.stack([values[name] for name in names], 1)
    some = table[np.unique(np.linspace(0, len(table) - 1, min(len(table), 1_000)).astype(np.int64))]
    with np.errstate(all="ignore"):
        middle, spread = np.nanmean(some, 0), np.nanstd(some, 0)
        scaled = np.nan_to_num((some - middle) / np.where(spread > 0, spread, 1.0), posinf=0.0, neginf=0.0)
        there = (~np.isnan(some)).astype(np.float64)
        together = scaled.T @ scaled / np.maximum(there.T @ there, 1.0)
    for i, j in zip(*np.nonzero(np.triu(np.abs(together) > _CORRELATED, 1)), strict=True):
        yield names[i], names[j]


def _factor_of(source: Source, target: str | int, base: str | int, values: dict[str | int, Floats]) -> Relation | None:
    """Return the factor, and the constant, that the sample leaves; None if there are none."""
    t, s = values[target], values[base]
    both = ~np.isnan(t) & ~np.isnan(s)
    t, s = t[both], s[both]
    if len(t) < 3:
        return None
    step = 1.0 / source.domains[target].scale if source.domains[target].whole else 0.0
    for below, above in ((0.5, 0.5), (0.0, 1.0)):  # rounded, cut off
        reach = 1e-9 * np.maximum(np.abs(t), 1e-300)
        low, high = t - below * step - reach, t + above * step + reach
        for factor, constant in (_proportional(s, low, high), _linear(s, low, high)):
            if factor is None or constant is None or (abs(factor) == 1.0):
                continue
            found = _rounded(source, Relation("factor", (target, base), (factor, constant)))
            if found is not None:
                return found
        if not step:
            break
    return None


def _proportional(s: Floats, low: Floats, high: Floats) -> tuple[float | None, float | None]:
    used = s != 0
    if used.sum() < 3:
        return None, None
    ends = np.stack([low[used] / s[used], high[used] / s[used]])
    return _plainest(float(ends.min(0).max()), float(ends.max(0).min())), 0.0


def _linear(s: Floats, low: Floats, high: Floats) -> tuple[float | None, float | None]:
    first, last = int(np.argmin(s)), int(np.argmax(s))
    run = s[last] - s[first]
    if run <= 0:
        return None, None
    factor = _plainest(float((low[last] - high[first]) / run), float((high[last] - low[first]) / run))
    if factor is None or factor == 0:
        return None, None
    return factor, _plainest(float((low - factor * s).max()), float((high - factor * s).min()))


def _plainest(low: float, high: float) -> float | None:
    """Return the number with the fewest decimals in [low, high]."""
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        return None
    for places in range(_PLACES + 1):
        scale = 10.0**places
        first = np.ceil(low * scale) / scale
        if first <= high:
            nearest = float(np.rint((low + high) / 2 * scale) / scale)
            return nearest if low <= nearest <= high else float(first)
    return (low + high) / 2


def _rounded(source: Source, relation: Relation) -> Relation | None:
    """Return the relation with the rounding under which the sample keeps it."""
    whole = source.domains[relation.columns[0]].whole
    for rounding in _ROUNDINGS if whole else ("",):
        found = Relation(relation.kind, relation.columns, relation.numbers, rounding)
        if not FormulaRule(found, source.domains).broken(source.sample).any():
            return found
    return None


def _holds(source: Source, relation: Relation) -> bool:
    if FormulaRule(relation, source.domains).broken(source.whole(relation.columns)).any():
        return False
    return informative(source.evidence(relation.columns), relation.columns, source.limit)
