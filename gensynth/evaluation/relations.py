"""Relations that hold in every real row, and the rows of other tables that break them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.learned import Encoders, fit_columns, learned_columns
from gensynth.encoding.related import FrameCells, settled_relations
from gensynth.layout import Encoding
from gensynth.relations.ruleset import RuleSet
from gensynth.schema import TableSchema


class RelationChecks:
    """Sums, orders, dependencies and other relations of a table, and who keeps them.

    Parameters
    ----------
    real : DataFrame
        The rows in which relations are looked for, aligned.
    schema : TableSchema
        What their columns hold.
    """

    def __init__(self, real: pd.DataFrame, schema: TableSchema) -> None:
        self.real = real
        self.schema = schema

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The relations that were found, as text."""
        return () if self._rules is None else tuple(str(relation) for relation in self._rules.relations)

    def kept(self, frame: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
        """Return for each relation the rows (n,) of an aligned table that keep it."""
        if self._rules is None:
            return {}
        sheet = FrameCells(frame, self._encoders).sheet(self._rules.columns)
        found = {str(rule.relation): ~rule.broken(sheet) for rule in self._rules.rules}
        return {name: found[name] for name in self.names}

    def validity(self, frame: pd.DataFrame) -> float:
        """Return the share of the rows of an aligned table that keep every relation; NaN where there is none."""
        kept = list(self.kept(frame).values())
        return float(np.logical_and.reduce(kept).mean()) if kept else float("nan")

    @cached_property
    def _encoders(self) -> Encoders:
        return fit_columns(self.real, learned_columns(self.schema, ()), Encoding(), None)

    @cached_property
    def _rules(self) -> RuleSet | None:
        if len(self.schema.learned) < 2:
            return None
        return settled_relations("auto", self.real, self._encoders, Encoding(), ())
