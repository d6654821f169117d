"""Identifier columns that belong together (customer number, email): the same key has the same email."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gensynth.arrays import Arrays, arrays_of
from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.encoding.newidentifiers import NewIdentifiers
from gensynth.schema import TableSchema

Generators = Mapping[str | int, IdentifierGenerator]


def fit_generators(frame: pd.DataFrame, schema: TableSchema) -> dict[str | int, IdentifierGenerator]:
    """Return the generator of each identifier column of an aligned table, in the order of the table."""
    return {c.name: IdentifierGenerator.fit(frame[c.name], c) for c in schema.columns if c.kind == "identifier"}


def generators_from_state(
    schema: TableSchema, states: Sequence[Any], arrays: Arrays
) -> dict[str | int, IdentifierGenerator]:
    """Rebuild the generators; ``states`` and ``arrays`` are those of all columns of the table."""
    return {
        column.name: IdentifierGenerator.from_state(column, state, arrays_of(str(i), arrays))
        for i, (column, state) in enumerate(zip(schema.columns, states, strict=True))
        if column.kind == "identifier"
    }


def find_leaders(frame: pd.DataFrame, generators: Generators) -> dict[str | int, str | int]:
    """Return the earlier identifier column with the same repetitions and missing rows, for each column.

    Parameters
    ----------
    frame : DataFrame
        The aligned table.
    generators : mapping
        The generator of each identifier column, in the order of the table.
    """
    leaders: dict[str | int, str | int] = {}
    codes = {name: pd.factorize(frame[name])[0] for name, g in generators.items() if g.sizes or 0 < g.missing_share < 1}
    for name in codes:
        for earlier in codes:
            if earlier == name and type(earlier) is type(name):
                break
            if earlier not in leaders and np.array_equal(codes[earlier], codes[name]):
                leaders[name] = earlier
                break
    return leaders


class TableIdentifiers:
    """New identifiers of all columns of a table, for one range of rows at a time; distinct over the table.

    The first m rows are those of a table of m rows.

    Parameters
    ----------
    generators : mapping
        The generator of each identifier column, in the order of the table.
    leaders : mapping
        From `find_leaders`.
    n : int
        Number of rows of the whole table.
    rng : numpy.random.Generator
        Source of randomness; only its seed counts, not what was drawn from it.
    """

    def __init__(
        self, generators: Generators, leaders: Mapping[str | int, str | int], n: int, rng: np.random.Generator
    ) -> None:
        streams = rng.spawn(2 * len(generators))
        owners: dict[str | int, Any] = {}
        self._columns: dict[str | int, NewIdentifiers] = {}
        self._at = 0
        for (name, generator), of_rows, of_values in zip(generators.items(), streams[::2], streams[1::2], strict=True):
            owners[name] = owners[leaders[name]] if name in leaders else generator.owners(n, of_rows)
            self._columns[name] = NewIdentifiers(generator, owners[name], of_values)

    def take(self, n: int) -> dict[str | int, pd.Series[Any]]:
        """Return the identifiers of the next n rows, by column."""
        start, self._at = self._at, self._at + n
        return {name: column.take(start, self._at) for name, column in self._columns.items()}
