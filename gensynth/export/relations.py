"""Relations between columns on tensors: rows that break them, and columns learned as distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gensynth.encoding.related import Gap
from gensynth.export.calendar import count_days, floor, uncount_days
from gensynth.export.cells import table
from gensynth.relations.dependencies import MISSING, OPEN, VALUE, DependencyRule
from gensynth.relations.orders import OrderRule
from gensynth.relations.products import NEAR_PRODUCT, FormulaRule
from gensynth.relations.rule import Rule
from gensynth.relations.sheet import Domain
from gensynth.relations.sums import NEAR, SumRule
from gensynth.relations.together import MissingRule


@dataclass
class TensorSheet:
    """Ticks or levels (n,) of columns that take part in relations, and what is missing of them."""

    values: dict[str | int, Tensor]
    missing: dict[str | int, Tensor]

    def present(self, names: Sequence[str | int]) -> Tensor:
        """Return the rows (n,) in which none of the columns is missing."""
        gaps = [self.missing[name] for name in names]
        out = gaps[0]
        for gap in gaps[1:]:
            out = out | gap
        return ~out


def broken(rule: Rule, sheet: TensorSheet) -> Tensor:
    """Return the rows (n,) that break a relation, as `Rule.broken` does."""
    if isinstance(rule, SumRule):
        return _sum_broken(rule, sheet)
    if isinstance(rule, FormulaRule):
        return _formula_broken(rule, sheet)
    if isinstance(rule, OrderRule):
        distance = _count(rule, sheet) - base_of(rule, sheet.values[rule.low])
        return sheet.present(rule.relation.columns) & (distance < 0)
    if isinstance(rule, DependencyRule):
        return _dependency_broken(rule, sheet)
    assert isinstance(rule, MissingRule)
    gaps = torch.stack([sheet.missing[name] for name in rule.relation.columns])
    return gaps.any(0) & ~gaps.all(0)


def distances(gap: Gap, sheet: TensorSheet) -> Tensor:
    """Return the distances (n,) that a column is learned as, as `Gap.series` has them."""
    return _count(gap.rule, sheet) - gap_base(gap, sheet)


def gap_base(gap: Gap, sheet: TensorSheet) -> Tensor:
    """Return what (n,) the distances are counted from."""
    low = sheet.values[gap.rule.low]
    return base_of(gap.rule, torch.where(sheet.missing[gap.rule.low], torch.tensor(gap.typical, dtype=low.dtype), low))


def base_of(rule: OrderRule, low: Tensor) -> Tensor:
    """Return the least counted ticks (n,) of the upper column that are not below values of the lower one."""
    domain, values = rule.domains[rule.high], _converted(rule, low)
    if domain.column.days is None:
        return values
    counted, off = count_days(values, domain.column)
    assert off is not None
    return torch.where(off, (floor(counted, domain.scale) + 1) * domain.scale, counted)


def above(rule: OrderRule, base: Tensor, gap: Tensor) -> Tensor:
    """Return the upper column's ticks (n,) at a distance above ``base``, as `OrderRule.above` does."""
    domain = rule.domains[rule.high]
    ends = torch.tensor([domain.low, domain.high])
    counted, _ = count_days(ends, domain.column)
    least, most = counted.tolist()
    values = (base + gap).clamp(least, most)
    if domain.whole and domain.step > 1:
        step = domain.step
        values = domain.origin + floor(values - domain.origin + step // 2, step) * step
        values = torch.where(values < base, values + step, values)
        values = torch.where(values > most, most, values)
    return uncount_days(values, domain.column)


def _count(rule: OrderRule, sheet: TensorSheet) -> Tensor:
    return count_days(sheet.values[rule.high], rule.domains[rule.high].column)[0]


def _converted(rule: OrderRule, low: Tensor) -> Tensor:
    mine, theirs = rule.domains[rule.high], rule.domains[rule.low]
    if mine.scale == theirs.scale and mine.whole == theirs.whole:
        return low
    if mine.whole and theirs.whole and mine.scale % theirs.scale == 0:
        return low * (mine.scale // theirs.scale)
    if mine.whole and theirs.whole and theirs.scale % mine.scale == 0:
        return -floor(-low, theirs.scale // mine.scale)
    ticks = low.double() / theirs.scale * mine.scale
    return (ticks - 1e-6).ceil().long() if mine.whole else ticks


def _sum_broken(rule: SumRule, sheet: TensorSheet) -> Tensor:
    there = sheet.present(rule.relation.columns)
    if rule.whole and rule.constant.denominator == 1:
        total = torch.full_like(sheet.values[rule.relation.columns[0]], int(rule.constant))
        for name, factor in rule.factors.items():
            total = total - sheet.values[name] * factor  # modulo 2**64
        return there & (total != 0)
    terms = [-float(factor) * sheet.values[name].double() for name, factor in rule.factors.items()]
    terms.insert(0, torch.full_like(terms[0], float(rule.constant)))
    rest, largest = terms[0], terms[0].abs()
    for term in terms[1:]:
        rest, largest = rest + term, torch.maximum(largest, term.abs())
    return there & (rest.abs() > NEAR * largest.clamp(min=1e-300))


def _formula_broken(rule: FormulaRule, sheet: TensorSheet) -> Tensor:
    first, *others = rule.relation.columns
    parts = [_units(rule.domains[name], sheet.values[name]) for name in others]
    if rule.relation.kind == "factor":
        factor, constant = rule.relation.numbers
        found = parts[0] * factor + constant
    else:
        found = parts[0] * parts[1] if rule.relation.kind == "product" else parts[0] / parts[1]
    target, own = rule.domains[first], sheet.values[first]
    exact = found * target.scale
    fine = exact.abs() < 2.0**62  # NaN is not
    exact = torch.where(fine, exact, 0.0)
    if not target.whole:
        reach = NEAR_PRODUCT * torch.maximum(exact.abs(), own.abs()).clamp(min=1e-300)
        return sheet.present(rule.relation.columns) & fine & ((exact - own).abs() > reach)
    if rule.relation.rounding == "half_up":
        whole = (exact + 0.5 + 1e-7).floor()
    else:
        whole = (exact + 1e-7).floor() if rule.relation.rounding == "down" else exact.round()
    return sheet.present(rule.relation.columns) & fine & (whole.long() != own)


def _units(domain: Domain, values: Tensor) -> Tensor:
    return values.double() / domain.scale


def _dependency_broken(rule: DependencyRule, sheet: TensorSheet) -> Tensor:
    own, gone = sheet.values[rule.key], sheet.missing[rule.key]
    n = len(rule.keys)
    at, known = torch.zeros_like(own, dtype=torch.int64), torch.zeros_like(gone)
    if n:
        keys = table(rule.keys).to(own.dtype)
        at = torch.searchsorted(keys, own).clamp(max=n - 1)
        known = keys[at] == own
    at = torch.where(gone, n, at)
    says = torch.where(known | gone, table(rule.says).long()[at], OPEN)
    dependent, gap = sheet.values[rule.dependent], sheet.missing[rule.dependent]
    never_missing = torch.full_like(gap, not rule.domains[rule.dependent].column.missing)
    differs = dependent != table(rule.values).to(dependent.dtype)[at]
    wrong = (says == VALUE) & torch.where(gap, never_missing, differs)
    return wrong | ((says == MISSING) & ~gap)
