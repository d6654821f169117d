"""Relations in an encoded table: related columns as sheets, learned distances, checked cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.arrays import arrays_of, named
from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import Cells, ColumnEncoder, Counts
from gensynth.encoding.number import NumberEncoder
from gensynth.layout import UNKNOWN, ColumnLayout, Encoding
from gensynth.relations.dependencies import DependencyRule
from gensynth.relations.evidence import Source
from gensynth.relations.find import check_declared, find_relations
from gensynth.relations.find_usual import find_usual_relations
from gensynth.relations.orders import OrderRule
from gensynth.relations.parse import declared_relations
from gensynth.relations.rule import Rule
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Domain, Sheet, Values
from gensynth.schema import Column
from gensynth.schema.codes import from_codes
from gensynth.schema.relation import Relation
from gensynth.schema.ticks import from_ticks, ticks_of
from gensynth.schema.values import Bools

HOLDS = 1
"""Code of a row that keeps a relation; one that breaks it is `UNKNOWN`."""

_SHORT = 0.7
"""A difference replaces a value if its spread is at most this fraction of the value's."""

Encoders = Mapping[str | int, ColumnEncoder]


@dataclass(frozen=True)
class Gap:
    """A column that is learned as its distance from a smaller column.

    Parameters
    ----------
    rule : OrderRule
        The order.
    encoder : NumberEncoder
        Of the distance, in ticks of the upper column.
    typical : int or float
        What stands in for the lower column where that is missing.
    """

    rule: OrderRule
    encoder: NumberEncoder
    typical: Any

    def base(self, sheet: Sheet) -> Values:
        """Return the values (n,) that distances are counted from."""
        return _base(self.rule, self.typical, sheet)

    def series(self, sheet: Sheet) -> pd.Series[Any]:
        """Return the distances as a column."""
        high = self.rule.high
        values = self.rule.domains[high].count(sheet.values[high]) - self.base(sheet)
        return from_ticks(values, sheet.missing[self.rule.high], self.encoder.column)


class FrameCells:
    """The cells of an aligned table."""

    def __init__(self, frame: pd.DataFrame, encoders: Encoders) -> None:
        self.frame = frame
        self.encoders = encoders

    def sheet(self, names: Any, rows: NDArray[np.int64] | None = None) -> Sheet:
        """Return the cells of some columns, in some rows or in all."""
        frame = self.frame if rows is None or len(rows) == len(self.frame) else self.frame.iloc[rows]
        sheet = Sheet({}, {})
        for name in names:
            encoder = self.encoders[name]
            if isinstance(encoder, NumberEncoder):
                values, missing = ticks_of(frame[name], encoder.column)
            else:
                assert isinstance(encoder, CategoryEncoder)
                values, missing = encoder.levels_of(frame[name])
            sheet.values[name], sheet.missing[name] = values, missing
        return sheet


def domains_of(encoders: Encoders) -> dict[str | int, Domain]:
    """Return the domain of each learned column."""
    return {name: _domain(encoder) for name, encoder in encoders.items()}


def _domain(encoder: ColumnEncoder) -> Domain:
    if isinstance(encoder, NumberEncoder):
        column = encoder.column
        step = int(encoder.step) if column.discrete else 1
        return Domain(
            column,
            encoder.low,
            encoder.high,
            int(encoder.origin),
            step,
            encoder.draw,
            series=partial(_numbers, column=column),
        )
    assert isinstance(encoder, CategoryEncoder)
    return Domain(
        encoder.column,
        0,
        len(encoder.counts) - 1,
        draw=encoder.draw,
        levels=True,
        series=partial(_labels, encoder=encoder),
    )


def _numbers(values: Values, missing: Bools, column: Column) -> pd.Series[Any]:  # no closure: estimators are pickled
    return from_ticks(values, missing, column)


def _labels(values: Values, missing: Bools, encoder: CategoryEncoder) -> pd.Series[Any]:
    return from_codes(np.where(missing, -1, values), encoder.labels.index, encoder.column)


def settled_relations(
    relations: Any,
    frame: pd.DataFrame,
    encoders: Encoders,
    encoding: Encoding,
    keep: Sequence[str | int],
    *,
    exceptions: bool = False,
) -> RuleSet | None:
    """Return the relations that are kept: those found, or those declared; None if there are none.

    With ``exceptions`` exact ones that a few rows break are found, too.

    Raises
    ------
    SchemaError
        A declared relation does not hold, or names a column that is not learned.
    """
    declared = declared_relations(relations, list(frame.columns))
    if declared == () or len(encoders) < 2:
        return None
    plain = {name: one for name, one in encoders.items() if not (isinstance(one, NumberEncoder) and one.n_specials)}
    domains = domains_of(plain)
    source = Source(len(frame), FrameCells(frame, encoders), domains)
    exceptions = exceptions and declared is None
    find = find_usual_relations if exceptions else find_relations
    found = find(source) if declared is None else check_declared(source, declared)
    if encoding.numeric == "standard":  # a detector learns the columns as they are, and checks what is exact
        found = tuple(one for one in found if one.kind not in ("order", "missing"))
    if not found:
        return None
    names = tuple(dict.fromkeys(name for relation in found for name in relation.columns))
    return RuleSet.fit(found, domains, source.whole(names), keep, exceptions=exceptions)


def fit_gaps(
    cells: FrameCells, rules: RuleSet, encoding: Encoding, weights: Counts | None, values: Collection[str | int] = ()
) -> dict[str | int, Gap]:
    """Return the columns to learn as distances: those with a small distance relative to their spread.

    ``values`` are columns that are learned as they are whatever their distances.
    """
    gaps: dict[str | int, Gap] = {}
    follows = {rule.target for rule in rules.rules if not isinstance(rule, OrderRule)}
    for rule in rules.rules:
        if not isinstance(rule, OrderRule) or rule.high in values or rule.high in follows:
            continue
        sheet = cells.sheet(rule.relation.columns)
        both = sheet.present(rule.relation.columns)
        distance = rule.distance(sheet)[both]
        spread = _spread(distance) / max(_spread(sheet.values[rule.high][both]), 1e-300)
        before = gaps.get(rule.high)
        if spread < _SHORT and (before is None or _spread(distance) < _spread(before.rule.gaps)):
            gaps[rule.high] = _fit_gap(rule, sheet, encoding, weights)
    return gaps


def _fit_gap(rule: OrderRule, sheet: Sheet, encoding: Encoding, weights: Counts | None) -> Gap:
    low = sheet.values[rule.low][~sheet.missing[rule.low]]
    typical = np.sort(low)[len(low) // 2].item()
    whole = rule.domains[rule.high].whole
    missing = sheet.missing[rule.high]
    values = rule.domains[rule.high].count(sheet.values[rule.high]) - _base(rule, typical, sheet)
    column = Column(
        f"{rule.high} - {rule.low}",
        "numeric",
        "Int64" if whole else "float64",
        missing=bool(missing.any()),
        decimals=0 if whole else None,
        minimum=values[~missing].min().item(),
        maximum=values[~missing].max().item(),
    )
    encoder = NumberEncoder.fit(from_ticks(values, missing, column), column, encoding, weights)
    return Gap(rule, encoder, typical)


def _base(rule: OrderRule, typical: Any, sheet: Sheet) -> Values:
    low = sheet.values[rule.low]
    return rule.base(np.where(sheet.missing[rule.low], typical, low).astype(low.dtype))


def _spread(values: Values) -> float:
    low, high = np.quantile(values.astype(np.float64), (0.25, 0.75)) if len(values) else (0.0, 0.0)
    return float(high - low) if high > low else float(np.std(values.astype(np.float64))) if len(values) else 0.0


def implied_columns(rules: RuleSet) -> tuple[str | int, ...]:
    """Return the columns whose cells follow from a category of their row, and say nothing else.

    A detector does not learn them: one rare category would count as often as there are columns that repeat it. Whether
    a row keeps the relation is learned.
    """
    implied: dict[str | int, None] = {}
    keys: set[str | int] = set()
    for rule in rules.rules:
        if isinstance(rule, DependencyRule) and rule.dependent not in keys and rule.implies():
            implied[rule.dependent] = None
            keys.add(rule.key)
    return tuple(implied)


def check_layout(rule: Rule) -> ColumnLayout:
    """Return the layout of the column that checks a relation."""
    return ColumnLayout(str(rule.relation), (0.0, 1.0))


def check_codes(rule: Rule, sheet: Sheet) -> NDArray[np.int32]:
    """Return the codes (n,) of the check of a relation."""
    return np.where(rule.broken(sheet), UNKNOWN, HOLDS).astype(np.int32)


def blamed_column(rule: Rule) -> str | int:
    """Return the column to which a broken relation is attributed."""
    columns = rule.relation.columns
    return columns[1] if rule.relation.kind in ("order", "dependency") else columns[0]


def put_distances(
    sheet: Sheet, gaps: Mapping[str | int, Gap], cells: Mapping[str | int, Cells], rules: RuleSet
) -> None:
    """Convert decoded distances to values, from the smallest column of a chain on."""
    for rule in rules.rules:
        gap = gaps.get(rule.target) if isinstance(rule, OrderRule) and rule.target is not None else None
        if gap is None or gap.rule is not rule:
            continue
        distance, missing = gap.encoder.decode_ticks(cells[gap.rule.high])
        values, _ = gap.rule.above(gap.base(sheet), distance)
        sheet.values[gap.rule.high], sheet.missing[gap.rule.high] = values, missing


def state_of(rules: RuleSet, gaps: Mapping[str | int, Gap]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return relations and distances as JSON values and arrays."""
    kept, arrays = rules.state()
    json: dict[str, Any] = {"rules": kept, "gaps": []}
    all_arrays = named("rule", arrays)
    for i, gap in enumerate(gaps.values()):
        own, own_arrays = gap.encoder.state()
        relation = gap.rule.relation.to_json()
        json["gaps"].append({"relation": relation, "column": gap.encoder.column.to_json(), "typical": gap.typical,
                             "encoder": own})  # fmt: skip
        all_arrays |= named(f"gap.{i}", own_arrays)
    return json, all_arrays


def from_state(
    json: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], encoders: Encoders, keep: Sequence[str | int]
) -> tuple[RuleSet, dict[str | int, Gap]]:
    """Rebuild from `state_of`."""
    rules = RuleSet.from_state(json["rules"], arrays_of("rule", arrays), domains_of(encoders), keep)
    gaps: dict[str | int, Gap] = {}
    for i, entry in enumerate(json["gaps"]):
        relation = Relation.from_json(entry["relation"])
        rule = next(r for r in rules.rules if isinstance(r, OrderRule) and r.relation == relation)
        parts = arrays_of(f"gap.{i}", arrays)
        encoder = NumberEncoder.from_state(Column.from_json(entry["column"]), entry["encoder"], parts)
        gaps[rule.high] = Gap(rule, encoder, entry["typical"])
    return rules, gaps
