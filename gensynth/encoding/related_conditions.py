"""Conditions on related columns: what they imply, and where they contradict a relation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gensynth.encoding.conditions import encode_condition
from gensynth.encoding.fitted import FittedColumns
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.related import FrameCells, Gap
from gensynth.encoding.rows import Rows
from gensynth.errors import ConditionError
from gensynth.relations.dependencies import DependencyRule
from gensynth.relations.orders import OrderRule
from gensynth.relations.rule import Rule
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Bools, Sheet, Values

_ATTEMPTS, _MIN_DRAWN = 40, 20_000
"""Maximal number of redraws, and minimal number of rows drawn before giving up."""

Known = dict[str | int, Bools]


def encode_related_condition(
    encoder: FittedColumns, conditions: Any, n: int, rng: np.random.Generator | None
) -> tuple[tuple[int, ...], Rows]:
    """Implement `TableEncoder.encode_condition` for related columns; rows keep the relations.

    Rows whose drawn values contradict a relation are drawn anew.
    """
    plain, rules = encoder.plain, encoder.rules
    assert rules is not None
    columns, rows = encode_condition(plain, conditions, n, rng)
    named = [name for name, i in plain.position.items() if i in columns]
    frame = _frame_of(plain, rows)
    left = np.ones(n, dtype=bool)
    sheet, known = Sheet({}, {}), {}
    for attempt in range(max(_ATTEMPTS, min(_MIN_DRAWN // max(n, 1), 400))):
        if attempt:
            again = encode_condition(plain, conditions, n, rng)[1]
            rows.codes[left], rows.numeric[left] = again.codes[left], again.numeric[left]
            frame = _frame_of(plain, rows)
        tried, follows = _completed(encoder, rules, frame, named, rng)
        bad = _contradicted(encoder, rules, tried, follows)
        if attempt == 0:
            sheet, known = tried, follows
        else:
            good = np.flatnonzero(left & ~bad)
            sheet.update(good, tried.take(good))
            for name in known:
                known[name] = np.where(left, follows[name], known[name])
        left &= bad
        if not left.any() or rng is None:
            break
    if left.any():
        raise ConditionError(_contradiction(encoder, rules, tried, follows, named, left))
    return _encoded(encoder, frame, sheet, known, named, n)


def _frame_of(plain: FittedColumns, rows: Rows) -> pd.DataFrame:
    parts = {name: encoder.decode(plain.cells(rows, name)) for name, encoder in plain.columns.items()}
    return pd.DataFrame(parts, copy=False)


def _completed(
    encoder: FittedColumns, rules: RuleSet, frame: pd.DataFrame, named: list[str | int], rng: Any
) -> tuple[Sheet, Known]:
    """Return the given cells and those that they determine or require, and a mask of the known ones."""
    n = len(frame)
    sheet = FrameCells(frame, encoder.columns).sheet(rules.columns)
    known = {name: np.full(n, name in named) for name in rules.columns}
    rules.infer(sheet, known)
    for rule in reversed(rules.rules):
        name = _companion(encoder, rule)
        if name is None:
            continue
        other = next(c for c in rule.relation.columns if c != name)
        rows = known[other] & ~known[name] & ~sheet.missing[other]
        if rows.any():
            chances = np.full(n, 0.5) if rng is None else rng.spawn(1)[0].random(n)
            values, found = rule.solve(sheet, name, chances)
            values = _as_encoded(encoder, rules, name, values)
            sheet.put(name, rows & found, values)
            known[name] = known[name] | (rows & found)
            rules.infer(sheet, known)
    return sheet, known


def _as_encoded(encoder: FittedColumns, rules: RuleSet, name: str | int, values: Values) -> Values:
    """Return sampled values (n,) of a column after an encoding round trip."""
    own, series = encoder.columns[name], rules.domains[name].series
    if name in encoder.gaps or not isinstance(own, NumberEncoder) or series is None:
        return values
    return own.decode_ticks(own.encode(series(values, np.zeros(len(values), dtype=bool))))[0]


def _companion(encoder: FittedColumns, rule: Rule) -> str | int | None:
    """Return the column that must be sampled with a given one: a key with its value, a start with its end."""
    if isinstance(rule, DependencyRule):
        return rule.key
    if isinstance(rule, OrderRule) and rule.high in encoder.gaps and encoder.gaps[rule.high].rule is rule:
        return rule.low
    return None


def _contradicted(encoder: FittedColumns, rules: RuleSet, sheet: Sheet, known: Known) -> Bools:
    """Return the rows (n,) whose known cells break a relation, or lie beyond what a column held."""
    bad = np.zeros(len(sheet), dtype=bool)
    for name, gap in encoder.gaps.items():
        bad |= known[name] & ~sheet.missing[name] & ~known[gap.rule.low]
        bad |= _too_far(encoder, gap, sheet, known)
    for rule in rules.rules:
        everything = np.logical_and.reduce([known[name] for name in rule.relation.columns])
        bad |= everything & rule.broken(sheet)
        for name in rule.relation.columns:
            bad |= known[name] & ~sheet.missing[name] & ~rule.domains[name].holds(sheet.values[name])
    return bad


def _too_far(encoder: FittedColumns, gap: Gap, sheet: Sheet, known: Known) -> Bools:
    """Return the rows (n,) whose known cells are at a distance, or above a value, that would come back changed."""
    low, high = gap.rule.low, gap.rule.high
    rows = np.flatnonzero(known[low] & known[high] & ~sheet.missing[high])
    out = np.zeros(len(sheet), dtype=bool)
    part = sheet.take(rows)
    out[rows] = gap.encoder.unseen(gap.series(part))
    own, series = encoder.columns[low], gap.rule.domains[low].series
    if low not in encoder.gaps and isinstance(own, NumberEncoder) and series is not None:
        out[rows] |= own.unseen(series(part.values[low], part.missing[low])) & ~part.missing[low]
    return out


def _contradiction(
    encoder: FittedColumns, rules: RuleSet, sheet: Sheet, known: Known, named: list[str | int], left: Bools
) -> str:
    """Return the reason why the first contradictory row is impossible."""
    row = int(np.argmax(left))
    given = ", ".join(
        f"{name}={'missing' if sheet.missing[name][row] else rules.domains[name].text(sheet.values[name][row])}"
        for name in rules.columns
        if name in named
    )
    for rule in rules.rules:
        columns = rule.relation.columns
        if not all(known[name][row] for name in columns):
            continue
        if rule.broken(sheet)[row]:
            return f"no row can have {given}: {_why(rule, sheet, row)}"
    for name in rules.columns:
        domain = rules.domains[name]
        if known[name][row] and not sheet.missing[name][row] and not domain.holds(sheet.values[name][row]):
            says = next(str(rule.relation) for rule in rules.rules if name in rule.relation.columns)
            return (
                f"no row can have {given}: with {says}, which held in every fitted row, {name} would be "
                f"{domain.text(sheet.values[name][row])}, but it held values from {domain.text(domain.low)} to "
                f"{domain.text(domain.high)}"
            )
    for gap in encoder.gaps.values():
        if _too_far(encoder, gap, sheet, known)[row]:
            return (
                f"no row can have {given}: no fitted row, nor any between two of them, had {gap.rule.high} so far "
                f"above {gap.rule.low}"
            )
    return f"no row can have {given} and keep the relations that held in every fitted row"


def _why(rule: Rule, sheet: Sheet, row: int) -> str:
    if isinstance(rule, DependencyRule):
        one = sheet.take(np.array([row]))
        values, _ = rule.solve(one, rule.dependent, np.full(1, 0.5))
        key = "missing" if one.missing[rule.key][0] else rule.domains[rule.key].text(one.values[rule.key][0])
        value = rule.domains[rule.dependent].text(values[0])
        if rule.infer_missing(one, rule.dependent)[0]:
            value = "missing"
        return f"{rule.key}={key} always had {rule.dependent}={value}"
    return f"{rule.relation} held in every fitted row"


def _encoded(
    encoder: FittedColumns, frame: pd.DataFrame, sheet: Sheet, known: Known, named: list[str | int], n: int
) -> tuple[tuple[int, ...], Rows]:
    """Return the known cells as columns of the layout.

    A family that has to know its condition columns beforehand is given no others.
    """
    whole = [name for name, rows in known.items() if rows.all()]
    only = set(named) <= set(encoder.first)
    names = [name for name in encoder.columns if name in named or (name in whole and not only)]
    rows = Rows.zeros(n, encoder.layout)
    cells = frame.copy(deep=False)
    assert encoder.rules is not None
    for name in whole:
        series = encoder.rules.domains[name].series
        assert series is not None
        cells[name] = series(sheet.values[name], sheet.missing[name])
    chosen = []
    for name in names:
        gap = encoder.gaps.get(name)
        if gap is not None and gap.rule.low not in whole and not sheet.missing[name].all():
            continue
        i = encoder.position[name]
        rows.put(i, encoder.layout.columns[i].numeric, encoder.encode_column(cells, name, sheet))
        chosen.append(i)
    for i, link in encoder.links.items():
        if {encoder.position[link.earlier], encoder.position[link.later]} <= set(chosen):
            ends = [FrameCells(cells, encoder.columns).sheet([name]) for name in (link.earlier, link.later)]
            rows.codes[:, i] = link.codes(*((s.values[c], s.missing[c]) for s, c in
                                            zip(ends, (link.earlier, link.later), strict=True)))  # fmt: skip
            chosen.append(i)
    return tuple(sorted(chosen)), rows
