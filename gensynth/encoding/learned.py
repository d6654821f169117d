"""The learned columns of a table: their order, their encoders, and their positions in the layout."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import pandas as pd

from gensynth.arrays import Arrays, arrays_of
from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import ColumnEncoder, Counts
from gensynth.encoding.links import Link
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.related import Gap, check_layout
from gensynth.errors import DataError
from gensynth.layout import ColumnLayout, Encoding, ImageLayout, Layout, Predictor
from gensynth.relations.rule import Rule
from gensynth.schema import Column, TableSchema

Encoders = dict[str | int, ColumnEncoder]


def learned_columns(schema: TableSchema, first: Sequence[str | int]) -> list[Column]:
    """Return the learned columns in the order of the layout: the ``first`` ones, then those of the table.

    Raises
    ------
    DataError
        If there are none, and no images either.
    """
    learned = schema.learned
    if not learned and schema.image is None:
        raise DataError("no column can be learned: all are constant or identifiers; declare one in the schema")
    head = [c for name in first for c in learned if c.name == name and type(c.name) is type(name)]
    return head + [c for c in learned if c not in head]


def fit_columns(frame: pd.DataFrame, columns: Sequence[Column], encoding: Encoding, weights: Counts | None) -> Encoders:
    """Return the encoder of each column, fitted to an aligned table."""
    return {c.name: _encoder(c).fit(frame[c.name], c, encoding, weights) for c in columns}


def columns_from_state(
    schema: TableSchema, first: Sequence[str | int], states: Sequence[Any], arrays: Arrays
) -> Encoders:
    """Rebuild the encoders of the learned columns; ``states`` and ``arrays`` are those of all columns of the table."""
    fitted = {
        column.name: _encoder(column).from_state(column, state, arrays_of(str(i), arrays))
        for i, (column, state) in enumerate(zip(schema.columns, states, strict=True))
        if column.learned
    }
    return {c.name: fitted[c.name] for c in learned_columns(schema, first)}


def _encoder(column: Column) -> type[CategoryEncoder] | type[NumberEncoder]:
    return NumberEncoder if column.kind in ("numeric", "datetime") else CategoryEncoder


@dataclass(frozen=True)
class TableLayout:
    """The layout of a table, and where its columns stand in it.

    Parameters
    ----------
    layout : Layout
        Layout of the encoded rows.
    position : dict
        Where each learned column stands.
    links : dict of int to Link
        The columns that say whether two columns of the table are equal, by their position.
    checks : dict of int to Rule
        The columns that say whether a row keeps a relation, by their position; the last ones.
    """

    layout: Layout
    position: dict[str | int, int]
    links: dict[int, Link]
    checks: dict[int, Rule]

    @classmethod
    def of(
        cls,
        encoders: Encoders,
        gaps: Mapping[str | int, Gap],
        links: Sequence[Link],
        rules: Sequence[Rule],
        n_rows: int,
        n_conditions: int,
        image: ImageLayout | None = None,
        predictors: Mapping[int, Predictor] | None = None,
        implied: Collection[str | int] = (),
    ) -> Self:
        """Put a link before the later of its two columns, and a check for each rule at the end.

        Columns that are ``implied`` by others are left out.
        """
        before = {link.later: link for link in links}
        columns: list[ColumnLayout] = []
        slot = 0
        position, linked, checks = {}, {}, {}
        for name, encoder in encoders.items():
            if name in implied:
                continue
            if name in before:
                linked[len(columns)] = before[name]
                columns.append(before[name].layout())
            position[name] = len(columns)
            columns.append((gaps[name].encoder if name in gaps else encoder).layout(slot))
            slot += columns[-1].numeric is not None
        for rule in rules:
            checks[len(columns)] = rule
            columns.append(check_layout(rule))
        for i, predictor in (predictors or {}).items():
            columns[i] = replace(columns[i], predictor=predictor)
        return cls(Layout(tuple(columns), n_rows, n_conditions, image), position, linked, checks)
