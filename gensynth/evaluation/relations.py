"""Validity of relations: those that hold in every real row, and the rows of other tables that break them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.learned import Encoders, fit_columns, learned_columns
from gensynth.encoding.related import FrameCells, settled_relations
from gensynth.evaluation.samples import Role, Samples
from gensynth.layout import Encoding
from gensynth.relations.ruleset import RuleSet


@dataclass(frozen=True)
class RelationShares:
    """Shares of rows, in [0, 1], that keep each relation, by its text, and ``every`` one; NaN where there is none."""

    each: dict[str, float]
    every: float


class RelationChecks:
    """Relations of a table, and the rows of other tables that keep them.

    Parameters
    ----------
    samples : Samples
        Relations are looked for in its real rows.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self._kept: dict[Role, RelationShares] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The relations that were found, as text."""
        return () if self._rules is None else tuple(str(relation) for relation in self._rules.relations)

    def share(self, other: RelationChecks) -> None:
        """Reuse the relations of the same real rows, and the results for all but the synthetic ones."""
        self._encoders, self._rules = other._encoders, other._rules
        self._kept.update({role: kept for role, kept in other._kept.items() if role != "value"})

    def kept(self, role: Role) -> RelationShares:
        """Return the fractions of a role's rows that keep the relations, computed once."""
        if role not in self._kept:
            self._kept[role] = self._counted(self.rows(self.samples.aligned_of(role)))
        return self._kept[role]

    def rows(self, frame: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
        """Return for each relation the rows (n,) of an aligned table that keep it."""
        if self._rules is None:
            return {}
        sheet = FrameCells(frame, self._encoders).sheet(self._rules.columns)
        found = {str(rule.relation): ~rule.broken(sheet) for rule in self._rules.rules}
        return {name: found[name] for name in self.names}

    @staticmethod
    def _counted(rows: dict[str, NDArray[np.bool_]]) -> RelationShares:
        every = float(np.logical_and.reduce(list(rows.values())).mean()) if rows else float("nan")
        return RelationShares({name: float(kept.mean()) for name, kept in rows.items()}, every)

    @property
    def _real(self) -> pd.DataFrame:
        return self.samples.aligned["real"]

    @cached_property
    def _encoders(self) -> Encoders:
        return fit_columns(self._real, learned_columns(self.samples.schema, ()), Encoding(), None)

    @cached_property
    def _rules(self) -> RuleSet | None:
        if len(self.samples.schema.learned) < 2:
            return None
        return settled_relations("auto", self._real, self._encoders, Encoding(), ())
