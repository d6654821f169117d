"""Columns that are missing in the same rows."""

from __future__ import annotations

import numpy as np

from gensynth.relations.rule import Domains, Rule
from gensynth.relations.sheet import Bools, Floats, Sheet, Values
from gensynth.schema.relation import Relation


class MissingRule(Rule):
    """All of the columns are missing, or none is; the first one says so."""

    def __init__(self, relation: Relation, domains: Domains) -> None:
        super().__init__(relation, domains)
        self.target = None

    def determines(self, name: str | int) -> bool:  # noqa: ARG002 - the interface has it
        """No value follows."""
        return False

    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows in which some are missing and some are not."""
        gaps = [sheet.missing[name] for name in self.relation.columns]
        return np.asarray(np.logical_or.reduce(gaps) & ~np.logical_and.reduce(gaps))

    def solve(self, sheet: Sheet, name: str | int, draws: Floats) -> tuple[Values, Bools]:
        """Return a value of the column's own for a cell that has to have one."""
        draw = self.domains[name].draw
        assert draw is not None
        return draw(draws), np.ones(len(sheet), dtype=bool)

    def settle(self, sheet: Sheet, draws: Floats, turn: int = 0) -> None:  # noqa: ARG002 - the interface has it
        """Follow the given cell, or else the first column."""
        names = self.relation.columns
        said = sheet.missing[names[0]].copy()
        for name in reversed(names):
            said = np.where(sheet.may_change(name), said, sheet.missing[name])
        for name in names:
            free = sheet.may_change(name)
            filled = free & ~said & sheet.missing[name]
            if filled.any():
                sheet.put(name, filled, self.solve(sheet, name, draws)[0])
            sheet.missing[name] = np.where(free, said, sheet.missing[name])
