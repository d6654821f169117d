"""Interface of a fitted relation: the rows that break it, and the adjustment of cells to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from gensynth.relations.sheet import Bools, Domain, Floats, Sheet, Values
from gensynth.schema.relation import Relation

Domains = dict[str | int, Domain]

PATIENCE = 16
"""Attempts before columns are changed in another order."""


class Rule(ABC):
    """What the applied relations have in common.

    Parameters
    ----------
    relation : Relation
        What it says.
    domains : dict
        What the columns can hold.
    """

    def __init__(self, relation: Relation, domains: Domains) -> None:
        self.relation = relation
        self.domains = domains
        self.target: str | int | None = relation.columns[0]
        """Column that is changed first; None if it is another relation's."""
        self.others: frozenset[str | int] = frozenset()
        """Columns that follow from other relations: they are changed last."""
        self.strict = False
        """Whether the first column was missing exactly where another one was."""

    @property
    def names(self) -> tuple[str | int, ...]:
        """The columns, those that are changed first in front."""
        columns = sorted(self.relation.columns, key=lambda name: name in self.others)
        return tuple(columns) if self.target is None else (self.target, *(c for c in columns if c != self.target))

    @abstractmethod
    def broken(self, sheet: Sheet) -> Bools:
        """Return the rows (n,) that break the relation."""

    @abstractmethod
    def solve(self, sheet: Sheet, name: str | int, draws: Floats) -> tuple[Values, Bools]:
        """Return values (n,) of one column that make the relation hold, given the others, and where there are any.

        ``draws`` (n,) in (0, 1) choose among several.
        """

    def determines(self, name: str | int) -> bool:
        """Whether the other columns leave a column one value only."""
        return name == self.relation.columns[0]

    def infer_missing(self, sheet: Sheet, name: str | int) -> Bools:  # noqa: ARG002 - the interface has it
        """Return the rows (n,) in which the others say that a column is missing."""
        return np.zeros(len(sheet), dtype=bool)

    def turned(self, turn: int) -> tuple[str | int, ...]:
        """Return `names`, after many tries in another order each time."""
        start = 0 if turn < PATIENCE else turn % len(self.names)
        return self.names[start:] + self.names[:start]

    def settle(self, sheet: Sheet, draws: Floats, turn: int = 0) -> None:
        """Change free cells so that the relation holds, within the fitted ranges, wherever that can be.

        ``turn`` counts how often it was tried: other columns come first in turn.
        """
        self.follow_missing(sheet)
        bad = self.broken(sheet)
        for name in self.turned(turn):
            rows = bad & sheet.may_change(name)
            if rows.any():
                values, found = self.solve(sheet, name, draws)
                rows &= found
                sheet.put(name, rows, values)
                bad &= ~rows

    def follow_missing(self, sheet: Sheet) -> None:
        """Make a free first column missing where another one is, and only there, if it always was so."""
        first, *others = self.relation.columns
        if self.strict and not sheet.filling:
            free = sheet.may_change(first)
            said = np.logical_or.reduce([sheet.missing[name] for name in others])
            sheet.missing[first] = np.where(free, said, sheet.missing[first])

    def arrays(self) -> dict[str, Any]:
        """Return what was fitted, as arrays."""
        return {}
