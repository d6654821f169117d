"""Tables to encoded rows and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import Cells, ColumnEncoder
from gensynth.encoding.conditions import encode_condition
from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.encoding.layout import Encoding, Layout, Rows
from gensynth.encoding.number import NumberEncoder
from gensynth.errors import DataError
from gensynth.schema import Column, TableSchema
from gensynth.schema.values import from_codes

_NO_LABELS: pd.Index[Any] = pd.Index([], dtype=object)


class TableEncoder:
    """Encoder of a whole table, column by column.

    Parameters
    ----------
    schema : TableSchema
        What the columns hold.
    encoding : Encoding
        How numbers are encoded.
    first : sequence of column labels
        Columns that sampling is meant to be conditioned on; they stand first in the layout.

    Attributes
    ----------
    layout : Layout
        What encoded rows look like; set by `fit`.
    """

    layout: Layout

    def __init__(self, schema: TableSchema, encoding: Encoding, first: Sequence[str | int] = ()) -> None:
        self.schema = schema
        self.encoding = encoding
        self.first = tuple(first)
        for name in self.first:
            schema[name]  # raises for an unknown column
        self.columns: dict[str | int, ColumnEncoder] = {}
        self.generators: dict[str | int, IdentifierGenerator] = {}

    def fit(self, frame: pd.DataFrame) -> Self:
        """Learn codes and quantile functions from an aligned table.

        Raises
        ------
        DataError
            If the table has no rows, or no column that can be learned.
        """
        if not len(frame):
            raise DataError("the table has no rows; at least one is needed")
        self.generators = {
            c.name: IdentifierGenerator.fit(frame[c.name], c) for c in self.schema.columns if c.kind == "identifier"
        }
        self.columns = {c.name: _encoder(c).fit(frame[c.name], c, self.encoding) for c in self._order()}
        self._lay_out(len(frame))
        return self

    def encode(self, frame: pd.DataFrame, jacobian: bool = False) -> Rows:
        """Return encoded rows of a table that `TableSchema.align` has passed.

        ``jacobian`` asks for `Rows.log_jacobian` too.
        """
        codes = np.empty((len(frame), len(self.columns)), dtype=np.int32)
        numbers = np.zeros((len(frame), self.layout.n_numeric))
        slopes = np.zeros_like(numbers) if jacobian else None
        for i, (name, encoder) in enumerate(self.columns.items()):
            cells = encoder.encode(frame[name], jacobian=jacobian)
            codes[:, i] = cells.codes
            slot = self.layout.columns[i].numeric
            if slot is not None:
                numbers[:, slot] = cells.numbers
                if slopes is not None:
                    slopes[:, slot] = cells.log_jacobian
        return Rows(numbers, codes, slopes)

    def decode(self, rows: Rows, rng: np.random.Generator) -> pd.DataFrame:
        """Return a table with the fitted columns, order and dtypes.

        Keys of identifier columns are new and differ within one call: decode all rows of a sample together.
        """
        parts: dict[str | int, pd.Series[Any]] = {}
        position = {name: i for i, name in enumerate(self.columns)}
        for column in self.schema.columns:
            if column.kind == "identifier":
                parts[column.name] = self.generators[column.name].generate(len(rows), rng)
            elif column.kind == "constant":
                parts[column.name] = _constant(column, len(rows))
            else:
                i = position[column.name]
                slot = self.layout.columns[i].numeric
                numbers = None if slot is None else np.ascontiguousarray(rows.numeric[:, slot], dtype=np.float64)
                parts[column.name] = self.columns[column.name].decode(Cells(rows.codes[:, i], numbers))
        return pd.DataFrame(parts, index=pd.RangeIndex(len(rows)), copy=False)

    def encode_condition(
        self, conditions: Mapping[Any, Any] | pd.DataFrame, n: int, rng: np.random.Generator | None = None
    ) -> tuple[tuple[int, ...], Rows]:
        """Return the layout columns that conditions fix, and ``n`` rows whose cells there hold them.

        Parameters
        ----------
        conditions : mapping or DataFrame
            For each column one value, or a list or set of values (drawn by their fitted frequencies); or a table
            of n rows. None asks for a missing value.
        n : int
            Number of rows.
        rng : numpy.random.Generator or None
            Draws among several values; needed only for those.

        Returns
        -------
        columns : tuple of int
            Positions in ``layout.columns``, ascending.
        rows : Rows
            Only the cells of ``columns`` have a meaning. Numbers are float64: decode these, not a float32 copy,
            where a condition must come back exactly.

        Raises
        ------
        ConditionError
            If a column is unknown or an identifier, or never held the value.
        """
        return encode_condition(self, conditions, n, rng)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the fitted state as JSON values and arrays."""
        json: dict[str, Any] = {
            "schema": self.schema.to_json(),
            "encoding": dict(self.encoding.__dict__),
            "first": list(self.first),
            "n_rows": self.layout.n_rows,
            "columns": [],
        }
        arrays: dict[str, NDArray[Any]] = {}
        for i, column in enumerate(self.schema.columns):
            part = self.columns.get(column.name) or self.generators.get(column.name)
            state, own = part.state() if part is not None else ({}, {})
            json["columns"].append(state)
            arrays.update({f"{i}.{key}": value for key, value in own.items()})
        return json, arrays

    @classmethod
    def from_state(cls, json: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted encoder from `state`."""
        out = cls(TableSchema.from_json(json["schema"]), Encoding(**json["encoding"]), json["first"])
        fitted: dict[str | int, ColumnEncoder] = {}
        for i, (column, state) in enumerate(zip(out.schema.columns, json["columns"], strict=True)):
            prefix = f"{i}."
            own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            if column.kind == "identifier":
                out.generators[column.name] = IdentifierGenerator.from_state(column, state, own)
            elif column.learned:
                fitted[column.name] = _encoder(column).from_state(column, state, own)
        out.columns = {c.name: fitted[c.name] for c in out._order()}
        out._lay_out(json["n_rows"])
        return out

    def _order(self) -> list[Column]:
        learned = self.schema.learned
        if not learned:
            raise DataError("no column can be learned: all are constant or identifiers; declare one in the schema")
        head = [c for name in self.first for c in learned if c.name == name and type(c.name) is type(name)]
        return head + [c for c in learned if c not in head]

    def _lay_out(self, n_rows: int) -> None:
        columns, slot = [], 0
        for encoder in self.columns.values():
            columns.append(encoder.layout(slot))
            slot += columns[-1].numeric is not None
        n_conditions = sum(name in self.columns for name in self.first)
        self.layout = Layout(tuple(columns), n_rows, n_conditions)


def _encoder(column: Column) -> type[CategoryEncoder] | type[NumberEncoder]:
    return NumberEncoder if column.kind in ("numeric", "datetime") else CategoryEncoder


def _constant(column: Column, n: int) -> pd.Series[Any]:
    if column.value is None:
        return from_codes(np.full(n, -1), _NO_LABELS, column)
    return from_codes(np.zeros(n, dtype=np.int64), column.value.index, column)
