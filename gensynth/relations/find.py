"""Search for the relations of a table, and validation of declared ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma

import numpy as np

from gensynth.errors import SchemaError
from gensynth.relations.evidence import Source
from gensynth.relations.find_dependencies import find_dependencies
from gensynth.relations.find_orders import find_orders, unit_of
from gensynth.relations.find_products import find_factors, find_products
from gensynth.relations.find_sums import find_sums
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Domain
from gensynth.schema.relation import Relation

_MIN_ROWS = 30


def find_relations(source: Source) -> tuple[Relation, ...]:
    """Return the relations that hold in every row and are not explained by chance."""
    if source.n < _MIN_ROWS or len(source.domains) < 2:
        return ()
    found = find_sums(source)
    found += find_factors(source, found)
    found += find_products(source, found)
    found += find_dependencies(source, found)
    found += find_orders(source, found)
    return (*found, *_missing_together(source))


def _missing_together(source: Source) -> list[Relation]:
    """Return sets of columns that are missing in the same rows."""
    sets: dict[bytes, list[str | int]] = {}
    for name, domain in source.domains.items():
        if domain.column.missing:
            missing = source.whole((name,)).missing[name]
            m, n = int(missing.sum()), len(missing)
            # of so many ways to choose m rows one
            if lgamma(n + 1) - lgamma(m + 1) - lgamma(n - m + 1) >= source.limit:
                sets.setdefault(np.packbits(missing).tobytes(), []).append(name)
    return [Relation("missing", tuple(names)) for names in sets.values() if len(names) > 1]


def check_declared(source: Source, declared: Sequence[Relation]) -> tuple[Relation, ...]:
    """Validate declared relations, and return them with their rounding.

    Raises
    ------
    SchemaError
        A relation does not hold; names the first row that breaks it. Or its columns are not of the kind it needs.
    """
    out = []
    for relation in declared:
        _check_kinds(source, relation)
        sheet = source.whole(relation.columns)
        tried = [relation]
        if relation.kind in ("product", "ratio", "factor") and not relation.rounding:
            tried += [Relation(relation.kind, relation.columns, relation.numbers, way) for way in ("half_up", "down")]
        breaks = [RuleSet.fit([one], source.domains, sheet).rules[0].broken(sheet) for one in tried]
        fits = [one for one, rows in zip(tried, breaks, strict=True) if not rows.any()]
        if not fits:
            row = int(np.argmax(breaks[0]))
            raise SchemaError(
                f"the declared relation {str(relation)!r} does not hold in {int(breaks[0].sum()):,} of "
                f"{source.n:,} rows, first in row {row}: {_cells(source, relation, row)}; leave it out, or "
                "correct the rows"
            )
        out.append(fits[0])
    return tuple(out)


def _check_kinds(source: Source, relation: Relation) -> None:
    for name in relation.columns:
        if name not in source.domains:
            raise SchemaError(
                f"the declared relation {str(relation)!r} needs the column {name!r}, which is constant, an "
                "identifier, or holds texts among its numbers; declare it in the schema, or leave the relation out"
            )
    domains = [source.domains[name] for name in relation.columns]
    if len(set(relation.columns)) < len(relation.columns):
        raise SchemaError(f"the declared relation {str(relation)!r} names a column twice")
    if relation.kind in ("dependency", "missing"):
        return
    text = next((d.column for d in domains if d.levels), None)
    if text is not None:
        raise SchemaError(
            f"the declared relation {str(relation)!r} needs numbers or dates, but {text.name!r} is {text.kind}"
        )
    if relation.kind == "order" and unit_of(domains[0])[:2] != unit_of(domains[1])[:2] and not _numbers(*domains):
        raise SchemaError(
            f"the declared relation {str(relation)!r} compares columns of different units: "
            f"{domains[0].column.dtype} and {domains[1].column.dtype}"
        )


def _numbers(one: Domain, other: Domain) -> bool:
    return all(unit_of(domain)[0] == "number" for domain in (one, other))


def _cells(source: Source, relation: Relation, row: int) -> str:
    sheet = source.whole(relation.columns)
    shown = []
    for name in relation.columns:
        domain = source.domains[name]
        value = sheet.values[name][row]
        if sheet.missing[name][row]:
            shown.append(f"{name} is missing")
        elif domain.levels or domain.column.kind == "datetime":
            shown.append(f"{name} {domain.text(value)}")
        else:
            shown.append(f"{name} {value / domain.scale:.12g}")
    return ", ".join(shown)
