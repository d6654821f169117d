"""Sums, differences and fixed sums: exact in whole ticks, up to rounding errors in floats."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import gcd, lcm

import numpy as np

from gensynth.relations.rule import Domains, Rule
from gensynth.relations.sheet import Bools, Floats, Sheet, Values
from gensynth.schema.relation import Relation

NEAR = 1e-9
"""Tolerance of floats, relative to the largest term."""
_LARGEST = 2**62


class SumRule(Rule):
    """``total = net + vat``: the factors times the columns' ticks add up to one number.

    What the first column cannot take up within its range is taken up by the others in turn.
    """

    def __init__(self, relation: Relation, domains: Domains) -> None:
        super().__init__(relation, domains)
        factors = [Fraction(-1), *(Fraction(f).limit_denominator(10**9) for f in relation.numbers[1:])]
        self.whole = all(domains[name].whole for name in relation.columns)
        scales = [domains[name].scale for name in relation.columns]
        parts = [factor / scale for factor, scale in zip(factors, scales, strict=True)]
        constant = -Fraction(relation.numbers[0]).limit_denominator(10**12)
        common = reduce(lcm, (part.denominator for part in [*parts, constant]), 1)
        whole = [int(part * common) for part in parts]
        divisor = reduce(gcd, whole, 0) or 1
        self.factors = {name: factor // divisor for name, factor in zip(relation.columns, whole, strict=True)}
        self.constant = Fraction(constant * common, divisor)

    def determines(self, name: str | int) -> bool:  # noqa: ARG002 - the interface has it
        """Every column follows from the others."""
        return True

    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows whose sum is another one."""
        rest, reach = self._rest(sheet)
        return sheet.present(self.relation.columns) & (np.abs(rest) > reach)

    def solve(self, sheet: Sheet, name: str | int, draws: Floats) -> tuple[Values, Bools]:  # noqa: ARG002 - the interface has it
        """Return what is left for one column."""
        rest, _ = self._rest(sheet)
        factor = self.factors[name]
        own = sheet.values[name]
        if not self.domains[name].whole:
            values = own + rest / factor
            return values, np.isfinite(values)
        if self.whole:
            return own + rest // factor, rest % factor == 0
        values = np.rint(own + rest / factor)
        return values.astype(np.int64), np.abs(values) < _LARGEST

    def settle(self, sheet: Sheet, draws: Floats, turn: int = 0) -> None:
        """Change free cells, the first column's first, each as far as its range goes."""
        self.follow_missing(sheet)
        if not self.broken(sheet).any():
            return
        for name in self.turned(turn):
            domain = self.domains[name]
            rows = self.broken(sheet) & sheet.may_change(name)
            if not rows.any():
                continue
            values, found = self.solve(sheet, name, draws)
            if domain.whole and self.whole:
                rest = self._rest(sheet)[0]
                values = sheet.values[name] + np.fix(rest / self.factors[name]).astype(np.int64) if not found.all() \
                    else values  # fmt: skip
            values = np.clip(values, domain.low, domain.high)
            sheet.put(name, rows, values)

    def _rest(self, sheet: Sheet) -> tuple[Values, Values]:
        """Return how much (n,) the sum misses, and what may be missed."""
        if self.whole and self.constant.denominator == 1:
            total = np.full(len(sheet), int(self.constant), dtype=np.int64)
            for name, factor in self.factors.items():
                total = total - np.int64(factor) * sheet.values[name].astype(np.int64)  # modulo 2**64: dates are large
            return total, np.zeros(len(sheet))
        terms = [np.full(len(sheet), float(self.constant))]
        terms += [-float(factor) * sheet.values[name] for name, factor in self.factors.items()]
        largest = np.abs(np.stack(terms)).max(0)
        return np.asarray(np.sum(terms, axis=0)), NEAR * np.maximum(largest, 1e-300)
