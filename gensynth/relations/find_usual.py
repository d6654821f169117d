"""Search for relations that nearly all rows keep, if some rows may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.relations.evidence import Cells, Source
from gensynth.relations.find import find_relations
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Sheet
from gensynth.schema.relation import Relation

MOST_EXCEPTIONS = 0.01
"""Maximal fraction of rows that break a relation: more are not errors but another rule."""
_LEAST_TOLD, _BY_CHANCE = 0.1, 0.05
"""Shuffled cells have to break it in so many rows, and exceptions may be so many of these: nearly constant columns keep
anything in nearly every row."""
_SMALL, _LARGE = (8, 250), (2, 2_000)
"""Parts that the rows are cut into, and rows of each at most: small parts are without exceptions more often, large ones
show what few rows repeat."""
_LEAST = 100

Rows = NDArray[np.int64]


def find_usual_relations(source: Source) -> tuple[Relation, ...]:
    """Return the relations of all rows, followed by exact ones that all but a few rows keep.

    Those are found in parts of the rows, drawn at random (always the same ones).
    """
    everywhere = find_relations(source)
    if MOST_EXCEPTIONS * source.n < 1:
        return everywhere
    known = {_said(relation) for relation in everywhere}
    candidates: dict[Relation, None] = {}
    for part in _parts(source):
        candidates.update(dict.fromkeys(find_relations(part)))
    extra: list[Relation] = []
    for relation in candidates:
        if relation.kind in ("order", "missing") or _said(relation) in known:
            continue
        if _nearly_holds(source, relation):
            known.add(_said(relation))
            extra.append(relation)
    return (*everywhere, *extra)


def _said(relation: Relation) -> tuple[bool, frozenset[str | int]]:
    """Return what two relations that say much the same share: the columns, and whether they compute one."""
    return relation.kind == "dependency", frozenset(relation.columns)


def _nearly_holds(source: Source, relation: Relation) -> bool:
    """Whether some rows break a relation, but few, and far fewer than if its cells were shuffled."""
    sheet = source.whole(relation.columns)
    (rule,) = RuleSet.fit([relation], source.domains, sheet, exceptions=True).rules
    broken = int(rule.broken(sheet).sum())
    if not 0 < broken <= MOST_EXCEPTIONS * source.n:
        return False
    order = np.random.default_rng(0).permutation(source.n)
    by_chance = min(int(rule.broken(_shuffled(sheet, name, order)).sum()) for name in relation.columns)
    return by_chance >= _LEAST_TOLD * source.n and broken <= _BY_CHANCE * by_chance


def _shuffled(sheet: Sheet, name: str | int, order: Rows) -> Sheet:
    values, missing = sheet.values[name][order], sheet.missing[name][order]
    return Sheet({**sheet.values, name: values}, {**sheet.missing, name: missing})


def _parts(source: Source) -> list[Source]:
    """Return parts of the rows."""
    order = np.random.default_rng(0).permutation(source.n)
    out = []
    for parts, most in (_SMALL, _LARGE):
        size = min(source.n // parts, most)
        if size < _LEAST:
            size = min(_LEAST, source.n // 2)
        for start in range(0, min(source.n - size + 1, parts * size), size):
            rows = np.sort(order[start : start + size])
            out.append(Source(size, _Part(source.cells, rows), source.domains))
    return out


@dataclass(frozen=True)
class _Part:
    """Some rows of cells."""

    cells: Cells
    rows: Rows

    def sheet(self, names: Any, rows: Rows | None = None) -> Sheet:
        return self.cells.sheet(names, self.rows if rows is None else self.rows[rows])
