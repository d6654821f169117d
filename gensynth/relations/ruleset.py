"""All relations of a table together: derived cells, adjustment of rows, rows that break a relation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.arrays import arrays_of, named
from gensynth.relations.dependencies import DependencyRule, usual_rows
from gensynth.relations.orders import OrderRule
from gensynth.relations.products import FormulaRule
from gensynth.relations.rule import Domains, Rule
from gensynth.relations.sheet import Bools, Sheet
from gensynth.relations.sums import SumRule
from gensynth.relations.together import MissingRule
from gensynth.schema.relation import Relation

_TURNS = 40
_KINDS: dict[str, type[SumRule] | type[FormulaRule]] = {
    "sum": SumRule,
    "product": FormulaRule,
    "ratio": FormulaRule,
    "factor": FormulaRule,
}


class RuleSet:
    """The relations of a table, in the order in which their columns follow from each other.

    Parameters
    ----------
    rules : sequence of Rule
        The relations with what was fitted.
    keep : sequence of column labels
        Columns that are changed last: those that sampling is conditioned on.
    """

    def __init__(self, rules: Sequence[Rule], keep: Sequence[str | int] = ()) -> None:
        self._fitted = tuple(rules)
        self.rules = _ordered(rules, keep)

    @classmethod
    def fit(
        cls,
        relations: Sequence[Relation],
        domains: Domains,
        sheet: Sheet,
        keep: Sequence[str | int] = (),
        *,
        exceptions: bool = False,
    ) -> RuleSet:
        """Fit relations to rows in which they hold, or with ``exceptions`` in nearly all of which they do."""
        rules: list[Rule] = []
        for relation in relations:
            if relation.kind == "order":
                rules.append(OrderRule.fit(relation, domains, sheet))
            elif relation.kind == "dependency":
                usual = sheet.take(usual_rows(relation, sheet)) if exceptions else sheet
                rules.append(DependencyRule.fit(relation, domains, usual))
            elif relation.kind == "missing":
                rules.append(MissingRule(relation, domains))
            else:
                rules.append(_KINDS[relation.kind](relation, domains))
                rules[-1].strict = _strict(relation, sheet)
        return cls(rules, keep)

    @property
    def relations(self) -> tuple[Relation, ...]:
        """What the rules say, in the order in which they were found."""
        return tuple(rule.relation for rule in self._fitted)

    @property
    def domains(self) -> Domains:
        """What the columns can hold."""
        return self.rules[0].domains

    @property
    def columns(self) -> tuple[str | int, ...]:
        """Every column that takes part in a relation."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.relation.columns))

    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows (n,) that break a relation."""
        out = np.zeros(len(sheet), dtype=bool)
        for rule in self.rules:
            out |= rule.broken(sheet)
        return out

    def clash(self, sheet: Sheet, rows: Bools) -> str | None:
        """Return the first relation that one of the rows breaks, as text."""
        return next((str(rule.relation) for rule in self.rules if (rule.broken(sheet) & rows).any()), None)

    def infer(self, sheet: Sheet, known: dict[str | int, Bools]) -> None:
        """Fill in what follows from known cells; ``known`` says afterwards what is.

        Cells that are not known are neither read nor left as they were.
        """
        for _ in range(len(self.rules) + 1):
            changed = False
            for rule in self.rules:
                for name in rule.relation.columns:
                    others = [c for c in rule.relation.columns if c != name]
                    rows = ~known[name] & np.logical_and.reduce([known[c] for c in others])
                    if rows.any() and (rule.determines(name) or rule.infer_missing(sheet, name).any()):
                        changed |= self._infer_one(rule, sheet, known, name, rows)
            if not changed:
                return

    @staticmethod
    def _infer_one(rule: Rule, sheet: Sheet, known: dict[str | int, Bools], name: str | int, rows: Bools) -> bool:
        there = sheet.present([c for c in rule.relation.columns if c != name])
        says_missing = rows & rule.infer_missing(sheet, name)
        values, found = rule.solve(sheet, name, np.full(len(sheet), 0.5))
        found &= rows & rule.determines(name) & (there | (rule.relation.kind == "dependency"))
        sheet.put(name, found, values)
        sheet.missing[name] = np.where(found, False, sheet.missing[name] | says_missing)
        found |= says_missing
        known[name] = known[name] | found
        return bool(found.any())

    def settle(self, sheet: Sheet, rng: np.random.Generator) -> Bools:
        """Change free cells until the relations hold; return the rows (n,) where they could not be made to.

        A row's draws do not depend on how many rows there are.
        """
        own = rng.spawn(len(self.rules) + 1)
        draws = [generator.random(len(sheet)) for generator in own]
        for rule, chance in zip(self.rules, draws, strict=False):
            rule.settle(sheet, chance)
        bad = self.broken(sheet)
        for turn in range(1, _TURNS):
            rows = np.flatnonzero(bad)
            if not len(rows):
                break
            part = sheet.take(rows)
            for rule, chance in zip(self.rules, draws, strict=False):
                rule.settle(part, (chance[rows] + 0.61803398875 * turn) % 1.0, turn)
            sheet.update(rows, part)
            bad = np.zeros(len(sheet), dtype=bool)
            bad[rows] = self.broken(part)
        return bad

    def state(self) -> tuple[list[dict[str, Any]], dict[str, NDArray[Any]]]:
        """Return the relations as JSON values, and arrays."""
        json = []
        arrays: dict[str, NDArray[Any]] = {}
        for i, rule in enumerate(self._fitted):
            json.append({"relation": rule.relation.to_json(), "strict": rule.strict})
            arrays.update(named(str(i), rule.arrays()))
        return json, arrays

    @classmethod
    def from_state(
        cls, json: Sequence[Mapping[str, Any]], arrays: Mapping[str, Any], domains: Domains, keep: Sequence[str | int]
    ) -> RuleSet:
        """Rebuild from `state`."""
        rules: list[Rule] = []
        for i, entry in enumerate(json):
            relation = Relation.from_json(entry["relation"])
            own = arrays_of(str(i), arrays)
            if relation.kind == "order":
                rules.append(OrderRule(relation, domains, own["gaps"]))
            elif relation.kind == "dependency":
                rules.append(DependencyRule(relation, domains, own["keys"], own["values"], own["says"], own["counts"]))
            elif relation.kind == "missing":
                rules.append(MissingRule(relation, domains))
            else:
                rules.append(_KINDS[relation.kind](relation, domains))
                rules[-1].strict = bool(entry["strict"])
        return cls(rules, keep)


def _strict(relation: Relation, sheet: Sheet) -> bool:
    """Return whether the first column is missing exactly where one of the others is, and is at all."""
    first, *others = relation.columns
    said = np.logical_or.reduce([sheet.missing[name] for name in others])
    return bool(said.any() and np.array_equal(said, sheet.missing[first]))


def _ordered(rules: Sequence[Rule], keep: Sequence[str | int]) -> list[Rule]:
    """Return the rules in the order in which columns follow; each column follows from one rule, without circles.

    A rule whose column follows from another one already, or that would close a circle, only checks: it comes last.
    """
    follows: dict[str | int, set[str | int]] = {}  # column -> what it follows from, directly or not
    exact = [rule for rule in rules if rule.relation.kind not in ("order", "missing")]
    targets: list[Rule] = []
    checks: list[Rule] = []
    taken: set[str | int] = set()
    for rule in sorted(exact, key=lambda rule: rule.relation.kind == "dependency"):
        wishes = [rule.target] if rule.target is not None else []
        if isinstance(rule, SumRule):  # of two dates and the time between them the later date follows
            wishes = sorted(rule.relation.columns, key=lambda name: _is_last_date(rule, name), reverse=True)
        wishes.sort(key=lambda name: name in keep)
        for name in wishes:
            sources = {c for c in rule.relation.columns if c != name}
            behind = sources | {c for source in sources for c in follows.get(source, ())}
            if name in taken or name in behind:
                continue
            rule.target = name
            taken.add(name)
            targets.append(rule)
            follows[name] = behind
            for other in follows:
                if name in follows[other]:
                    follows[other] = follows[other] | behind
            break
        else:
            rule.target = None
            checks.append(rule)
    done: list[Rule] = []
    for rule in rules:
        rule.others = frozenset(taken - {rule.target})
    left = [*targets, *(rule for rule in rules if rule.relation.kind == "order")]
    while left:  # a rule comes after the rules of the columns that it reads
        ready = next(
            (r for r in left if not any(o is not r and o.target in _sources(r) for o in left)),
            left[0],
        )
        left.remove(ready)
        done.append(ready)
    return [*(rule for rule in rules if rule.relation.kind == "missing"), *done, *checks]


def _is_last_date(rule: Rule, name: str | int) -> bool:
    dates = [c for c in rule.relation.columns if rule.domains[c].column.kind == "datetime"]
    return (
        len(dates) < len(rule.relation.columns)
        and name in dates
        and name == max(dates, key=lambda c: (rule.domains[c].high, rule.domains[c].low))
    )


def _sources(rule: Rule) -> tuple[str | int, ...]:
    return tuple(name for name in rule.relation.columns if name != rule.target)
