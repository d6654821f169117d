"""Products, ratios and fixed factors, rounded to the decimals of the dependent column."""

from __future__ import annotations

import numpy as np

from gensynth.relations.rule import Rule
from gensynth.relations.sheet import Bools, Floats, Sheet, Values

NEAR_PRODUCT = 1e-9
"""Tolerance of floats, relative to the larger value."""
_TRIED = 64
"""Candidate values of one factor if changing either factor alone does not give the product."""


class FormulaRule(Rule):
    """``vat = 0.21 * net``, ``amount = price * quantity``, ``price = amount / quantity``."""

    def determines(self, name: str | int) -> bool:
        """Only the first column follows; the others lost decimals to rounding."""
        if name == self.relation.columns[0]:
            return True
        if self.relation.kind != "factor":
            return False
        target, source = (self.domains[c] for c in self.relation.columns)
        return abs(self.relation.numbers[0]) * target.scale >= source.scale or not target.whole

    def compute(self, sheet: Sheet) -> tuple[Values, Bools]:
        """Return the first column's values (n,) as they follow from the others, and where they do."""
        first, *others = self.relation.columns
        with np.errstate(all="ignore"):
            parts = [self._units(sheet, name) for name in others]
            if self.relation.kind == "factor":
                factor, constant = self.relation.numbers
                found = parts[0] * factor + constant
            elif self.relation.kind == "product":
                found = parts[0] * parts[1]
            else:
                found = parts[0] / parts[1]
            target = self.domains[first]
            exact = found * target.scale
            fine = np.isfinite(exact) & (np.abs(exact) < 2.0**62)
            if not target.whole:
                return np.where(fine, exact, 0.0), fine
            exact = np.where(fine, exact, 0.0)
            if self.relation.rounding == "half_up":
                return np.floor(exact + 0.5 + 1e-7).astype(np.int64), fine
            if self.relation.rounding == "down":
                return np.floor(exact + 1e-7).astype(np.int64), fine
            return np.rint(exact).astype(np.int64), fine

    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows whose first column is another value."""
        values, fine = self.compute(sheet)
        own = sheet.values[self.relation.columns[0]]
        if self.domains[self.relation.columns[0]].whole:
            differs = values != own
        else:
            differs = np.abs(values - own) > NEAR_PRODUCT * np.maximum(np.maximum(np.abs(values), np.abs(own)), 1e-300)
        return np.asarray(sheet.present(self.relation.columns) & fine & differs)

    def solve(self, sheet: Sheet, name: str | int, draws: Floats) -> tuple[Values, Bools]:  # noqa: ARG002 - the interface has it
        """Return the first column, or the value of another one nearest to its own that gives it."""
        if name == self.relation.columns[0]:
            values, fine = self.compute(sheet)
            return values, fine & self.domains[name].holds(values)
        return self._source(sheet, name)

    def settle(self, sheet: Sheet, draws: Floats, turn: int = 0) -> None:
        """Change free cells; where a product has no such factor, other values of the second factor are tried."""
        super().settle(sheet, draws, turn)
        if self.relation.kind == "factor":
            return
        one, other = self.relation.columns[1:]
        free = sheet.may_change(one) & sheet.may_change(other)
        if not (self.broken(sheet) & free).any():
            return
        for searched, follower in ((other, one), (one, other)):
            rows = np.flatnonzero(self.broken(sheet) & free)
            draw = self.domains[searched].draw
            if not len(rows) or draw is None:
                continue
            part = sheet.take(rows)
            values = np.unique(draw((np.arange(_TRIED) + 0.5) / _TRIED))
            nearest = np.argsort(np.abs(values[None, :] - part.values[searched][:, None]), axis=1)
            open_ = np.ones(len(rows), dtype=bool)
            for place in range(len(values)):
                attempt = Sheet(dict(part.values), dict(part.missing), part.free)
                attempt.put(searched, open_, values[nearest[:, place]])
                solved, fine = self._source(attempt, follower)
                fine &= open_
                part.put(searched, fine, attempt.values[searched])
                part.put(follower, fine, solved)
                open_ &= ~fine
                if not open_.any():
                    break
            sheet.update(rows, part)

    def _source(self, sheet: Sheet, name: str | int) -> tuple[Values, Bools]:
        """Return the value of a part that gives the first column: the nearest to its own among those that do."""
        first, *others = self.relation.columns
        target, domain = self.domains[first], self.domains[name]
        half = 0.5 / target.scale if target.whole else 0.0
        wanted = self._units(sheet, first)
        low, high = wanted - half, wanted + half
        if self.relation.rounding == "down":
            low, high = wanted, wanted + 2 * half
        other = None if self.relation.kind == "factor" else next(c for c in others if c != name)
        with np.errstate(all="ignore"):
            if other is None:
                factor, constant = self.relation.numbers
                ends = [(low - constant) / factor, (high - constant) / factor]
            elif self.relation.kind == "product":
                ends = [low / self._units(sheet, other), high / self._units(sheet, other)]
            elif name == others[0]:
                ends = [low * self._units(sheet, other), high * self._units(sheet, other)]
            else:
                ends = [self._units(sheet, other) / low, self._units(sheet, other) / high]
            least, most = np.minimum(*ends) * domain.scale, np.maximum(*ends) * domain.scale
            least = np.where(np.isfinite(least), np.maximum(least, float(domain.low)), np.inf)
            most = np.where(np.isfinite(most), np.minimum(most, float(domain.high)), -np.inf)
            own = sheet.values[name].astype(np.float64)
            if not domain.whole:
                value = np.where(least <= most, np.clip(own, least, most), (least + most) / 2)
                return value, np.isfinite(value) & (np.abs(most - least) >= 0)
            least, most = np.ceil(least - 1e-6), np.floor(most + 1e-6)
        possible = np.isfinite(least) & np.isfinite(most) & (least <= most)
        values = np.where(possible, np.clip(own, least, most), 0.0).astype(np.int64)
        if domain.whole and domain.step > 1:  # milliseconds that are whole seconds stay so where they can
            grid = domain.down(values)
            grid = np.where(grid < least, grid + domain.step, grid)
            values = np.where(possible & (grid >= least) & (grid <= most), grid, values)
        found = np.zeros(len(sheet), dtype=bool)
        for shift in (0, 1, -1):  # the ends themselves may be rounded the other way
            attempt = Sheet({**sheet.values, name: np.where(found, values, values + shift)}, sheet.missing)
            right = possible & ~found & domain.holds(attempt.values[name]) & ~self.broken(attempt)
            values = np.where(right, attempt.values[name], values)
            found |= right
        return values, found

    def _units(self, sheet: Sheet, name: str | int) -> Floats:
        return np.asarray(sheet.values[name] / self.domains[name].scale, dtype=np.float64)
