"""Search for inequalities between columns of one unit, beyond what ranges and chance explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from gensynth.relations.evidence import Source
from gensynth.relations.orders import OrderRule
from gensynth.relations.sheet import Domain
from gensynth.schema.moments import is_clock, is_span, zone_of
from gensynth.schema.relation import Relation

_SCREENED = 16
_MIN_DISTINCT = 5
_MIN_BROKEN = 0.02
"""Minimal fraction of pairs that are in the wrong order after shuffling."""
_MIN_CORRELATION = 0.2
_FAR_BELOW = 0.15
"""A sample correlation this far below the minimum shows that that of all rows is below it, too."""
_MAX_MISSING = 0.1
_MAX_COLUMNS = 1_500

Names = list[str | int]


def find_orders(source: Source, known: Sequence[Relation]) -> list[Relation]:
    """Return inequalities, without those implied by others or by ``known`` relations."""
    related = _connected(known)
    found: list[tuple[str | int, str | int]] = []
    for names in _groups(source):
        table = np.stack([_floats(source, name) for name in names], 1)
        lows, highs = (np.array([end(source.domains[name]) for name in names]) for end in (_low, _high))
        ranks = _Ranks(table)
        few = np.unique(np.linspace(0, len(table) - 1, _SCREENED).astype(np.int64))
        for i, name in enumerate(names):
            may = (lows < highs[i]) & (highs[i] <= highs) & (lows[i] <= lows)
            others = [
                j for j in np.flatnonzero(may) if j != i and related.get(name, name) != related.get(names[j], names[j])
            ]
            alive = np.array(others, dtype=np.int64)
            for rows in (few, slice(None)):
                if len(alive):
                    alive = alive[~(table[rows][:, [i]] > table[rows][:, alive]).any(0)]
            found += [
                (name, names[j]) for j in alive[ranks.may_go_together(i, alive)] if _matters(source, name, names[j])
            ]
    pairs = set(found)
    return [Relation("order", pair) for pair in found if not _implied(pair, pairs)]


def _low(domain: Domain) -> float:
    return float(domain.low / domain.scale)


def _high(domain: Domain) -> float:
    return float(domain.high / domain.scale)


def _groups(source: Source) -> list[Names]:
    """Return columns whose ticks mean the same."""
    groups: dict[tuple[str, ...], Names] = {}
    for name, domain in source.domains.items():
        if domain.levels or domain.low == domain.high:
            continue
        values = source.sample.values[name][~source.sample.missing[name]]
        if len(np.unique(values[:500])) >= _MIN_DISTINCT:
            groups.setdefault(unit_of(domain), []).append(name)
    return [names[:_MAX_COLUMNS] for names in groups.values() if len(names) > 1]


def unit_of(domain: Domain) -> tuple[str, ...]:
    """Return the unit that comparable columns share: whole numbers are counts, others are amounts."""
    column = domain.column
    if is_span(column):
        return ("duration",)
    if column.kind == "datetime":
        what = "clock" if is_clock(column) else "date"
        return (what, "zone" if zone_of(column) is not None else "", column.dtype if domain.scale == 1 else "")
    return ("number", "whole" if column.decimals == 0 else "")


class _Ranks:
    """Ranks of columns (n, k) in the sample: most pairs do not go together, which one product of matrices says."""

    def __init__(self, table: NDArray[np.float64]) -> None:
        gaps = np.isnan(table)
        ranks = rankdata(np.where(gaps, np.inf, table), axis=0)
        ranks[gaps] = np.nan
        ranks = np.nan_to_num(ranks - np.nanmean(ranks, axis=0))
        self.ranks = ranks / np.maximum(np.sqrt((ranks**2).sum(0)), 1e-300)
        self.full = gaps.mean(0) <= _MAX_MISSING

    def may_go_together(self, i: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which (m,) of other columns may have the rank correlation that an order needs with column i."""
        likely = self.ranks[:, i] @ self.ranks[:, others] >= _MIN_CORRELATION - _FAR_BELOW
        return np.asarray(likely | ~self.full[others] | ~self.full[i])


def _floats(source: Source, name: str | int) -> NDArray[np.float64]:
    sheet = source.sample
    return np.where(sheet.missing[name], np.nan, sheet.values[name] / source.domains[name].scale)


def _matters(source: Source, low: str | int, high: str | int) -> bool:
    """Whether all rows keep the order, shuffled ones would often break it, and the columns go together."""
    sheet = source.evidence((low, high))
    both = sheet.present((low, high))
    rule = OrderRule(Relation("order", (low, high)), source.domains, np.zeros(0, dtype=np.int64))
    below, above = rule.base(sheet.values[low][both]), source.domains[high].count(sheet.values[high][both])
    if not len(below) or (below > above).any():
        return False
    ranked = np.sort(above)
    share = float(np.searchsorted(ranked, below, side="left").mean() / len(ranked))
    if share < _MIN_BROKEN or share * len(below) < source.limit or (below == above).all():
        return False
    some = np.unique(np.linspace(0, len(below) - 1, 2_000).astype(np.int64))
    return float(spearmanr(below[some], above[some]).statistic) >= _MIN_CORRELATION


def _implied(pair: tuple[str | int, str | int], pairs: set[tuple[str | int, str | int]]) -> bool:
    low, high = pair
    middle = {b for a, b in pairs if a == low and b != high}
    return any((one, high) in pairs for one in middle)


def _connected(known: Sequence[Relation]) -> dict[str | int, str | int]:
    """Return a name for each set of columns that arithmetic connects."""
    head: dict[str | int, str | int] = {}
    for relation in known:
        if relation.kind in ("missing", "order", "dependency"):
            continue
        sets = {head.get(name, name) for name in relation.columns}
        first = next(iter(sets))
        for name in [n for n, h in head.items() if h in sets] + list(relation.columns):
            head[name] = first
    return head
