"""Inequalities: ``start <= end``, counted in the ticks of the upper column."""

from __future__ import annotations

from typing import Any

import numpy as np

from gensynth.relations.rule import Domains, Rule
from gensynth.relations.sheet import Bools, Floats, Sheet, Values
from gensynth.schema.relation import Relation

_QUANTILES = 257


class OrderRule(Rule):
    """Inequality: no value of the first column is above that of the second.

    Parameters
    ----------
    relation : Relation
        The columns.
    domains : dict
        What they hold.
    gaps : ndarray of shape (n_gaps,)
        Quantiles of the distance in the fitted rows, in ticks of the second column.
    """

    def __init__(self, relation: Relation, domains: Domains, gaps: Values) -> None:
        super().__init__(relation, domains)
        self.low, self.high = relation.columns
        self.target = self.high
        self.gaps = gaps

    @classmethod
    def fit(cls, relation: Relation, domains: Domains, sheet: Sheet) -> OrderRule:
        """Keep the quantiles of the distance."""
        out = cls(relation, domains, np.zeros(0, dtype=np.int64))
        gaps = np.sort(out.distance(sheet)[sheet.present(relation.columns)])
        if len(gaps):
            gaps = gaps[np.unique(np.linspace(0, len(gaps) - 1, min(_QUANTILES, len(gaps))).astype(np.int64))]
        out.gaps = gaps
        return out

    def base(self, low: Values) -> Values:
        """Return the least counted ticks of the second column that are not below values of the first."""
        return self.domains[self.high].count_up(self._converted(low))

    def _converted(self, low: Values) -> Values:
        mine, theirs = self.domains[self.high], self.domains[self.low]
        if mine.scale == theirs.scale and mine.whole == theirs.whole:
            return low
        if mine.whole and theirs.whole and mine.scale % theirs.scale == 0:
            return low * np.int64(mine.scale // theirs.scale)
        if mine.whole and theirs.whole and theirs.scale % mine.scale == 0:
            return -(-low // np.int64(theirs.scale // mine.scale))
        ticks = low / theirs.scale * mine.scale
        return np.ceil(ticks - 1e-6).astype(np.int64) if mine.whole else ticks

    def distance(self, sheet: Sheet) -> Values:
        """Return how far (n,) the second column is above the first, in its counted ticks."""
        high = self.domains[self.high].count(sheet.values[self.high])
        return np.asarray(high - self.base(sheet.values[self.low]))

    def determines(self, name: str | int) -> bool:  # noqa: ARG002 - the interface has it
        """An inequality does not determine a value."""
        return False

    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows in which the first value is above the second."""
        return sheet.present(self.relation.columns) & (self.distance(sheet) < 0)

    def solve(self, sheet: Sheet, name: str | int, draws: Floats) -> tuple[Values, Bools]:
        """Return a value at a distance as in the fitted rows."""
        if not len(self.gaps):
            return sheet.values[name], np.zeros(len(sheet), dtype=bool)
        if name == self.high:
            return self.above(self.base(sheet.values[self.low]), self._drawn(draws))
        mine, theirs = self.domains[self.high], self.domains[self.low]
        least, most = np.zeros(len(sheet)), np.full(len(sheet), np.inf)
        if mine.scale == theirs.scale and mine.whole == theirs.whole:  # distances that lead into the column's range
            ends = mine.count(np.array([theirs.high, theirs.low]))
            least, most = (mine.count(sheet.values[self.high]) - end for end in ends)
        return self.below(sheet.values[self.high], self._drawn(draws, least, most))

    def _drawn(self, draws: Floats, least: Values | float = -np.inf, most: Values | float = np.inf) -> Values:
        """Return fitted distances (n,) from ``least`` to ``most``; any, where there is none between."""
        start, stop = np.searchsorted(self.gaps, least), np.searchsorted(self.gaps, most, side="right")
        some = stop > start
        start, stop = np.where(some, start, 0), np.where(some, stop, len(self.gaps))
        return np.asarray(self.gaps[np.minimum(start + (draws * (stop - start)).astype(np.int64), stop - 1)])

    def above(self, base: Values, gap: Values) -> tuple[Values, Bools]:
        """Return the second column's values (n,) at a distance above ``base``, and where they are in its range."""
        domain = self.domains[self.high]
        least, most = domain.count(np.array([domain.low, domain.high]))
        values = np.clip(base + gap, least, most)
        if domain.whole and domain.step > 1:
            step = domain.step
            values = domain.origin + (values - domain.origin + step // 2) // step * step
            values = np.where(values < base, values + step, values)
            values = np.where(values > most, most, values)
        return domain.uncount(values), (values >= least) & (values <= most) & (values >= base)

    def below(self, high: Values, gap: Values) -> tuple[Values, Bools]:
        """Return the first column's values (n,) at a distance below the second's, and where they are in its range."""
        mine, domain = self.domains[self.high], self.domains[self.low]
        values, most = mine.uncount(mine.count(high) - gap), high
        if mine.scale != domain.scale or mine.whole != domain.whole:
            values, most = (v / mine.scale * domain.scale for v in (values, most))
            if domain.whole:
                values, most = (np.floor(v + 1e-6).astype(np.int64) for v in (values, most))
        values = domain.down(np.minimum(np.clip(values, domain.low, domain.high), most))
        return values, domain.holds(values) & (values <= most)

    def arrays(self) -> dict[str, Any]:
        """Return the quantiles of the distance."""
        return {"gaps": self.gaps}
