"""Tables to encoded rows and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import Cells, ColumnEncoder, Counts
from gensynth.encoding.conditions import encode_condition
from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.encoding.layout import ColumnLayout, Encoding, Layout, Rows
from gensynth.encoding.links import Decoded, Link, find_links
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.owners import find_leaders, generate_identifiers
from gensynth.errors import DataError
from gensynth.schema import Column, TableSchema
from gensynth.schema.values import Bools, Ticks, from_codes, from_ticks

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
    position : dict
        Where each learned column stands in the layout.
    links : dict of int to Link
        The columns of the layout that say whether two columns of the table are equal, by their position.
    """

    layout: Layout
    position: dict[str | int, int]
    links: dict[int, Link]

    def __init__(self, schema: TableSchema, encoding: Encoding, first: Sequence[str | int] = ()) -> None:
        self.schema = schema
        self.encoding = encoding
        self.first = tuple(first)
        for name in self.first:
            schema[name]  # raises for an unknown column
        self.columns: dict[str | int, ColumnEncoder] = {}
        self.generators: dict[str | int, IdentifierGenerator] = {}
        self.leaders: dict[str | int, str | int] = {}

    def fit(self, frame: pd.DataFrame, weights: Counts | None = None) -> Self:
        """Learn codes and quantile functions from an aligned table.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_features)
            The table.
        weights : ndarray of shape (n,) or None
            How often each row counts, above 0: int64 for repeated rows, float64 for relative weights.

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
        self.leaders = find_leaders(frame, self.generators)
        order = self._order()
        self.columns = {c.name: _encoder(c).fit(frame[c.name], c, self.encoding, weights) for c in order}
        linked = self.encoding.numeric != "standard"
        n_rows = len(frame) if weights is None else round(weights.sum().item())
        self._lay_out(n_rows, find_links(frame, order, self._n_conditions(), weights) if linked else ())
        return self

    def encode(self, frame: pd.DataFrame, jacobian: bool = False) -> Rows:
        """Return encoded rows of a table that `TableSchema.align` has passed.

        ``jacobian`` asks for `Rows.log_jacobian` too.
        """
        codes = np.empty((len(frame), len(self.layout.columns)), dtype=np.int32)
        numbers = np.zeros((len(frame), self.layout.n_numeric))
        slopes = np.zeros_like(numbers) if jacobian else None
        for i, link in self.links.items():
            codes[:, i] = link.encode(frame, self._schema_columns())
        for name, encoder in self.columns.items():
            i = self.position[name]
            cells = encoder.encode(frame[name], jacobian=jacobian)
            codes[:, i] = cells.codes
            slot = self.layout.columns[i].numeric
            if slot is not None:
                numbers[:, slot] = cells.numbers
                if slopes is not None:
                    slopes[:, slot] = cells.log_jacobian
        return Rows(numbers, codes, slopes)

    def decode(self, rows: Rows, rng: np.random.Generator, given: NDArray[np.bool_] | None = None) -> pd.DataFrame:
        """Return a table with the fitted columns, order and dtypes.

        Identifiers are new, and repeat within one call as the fitted ones did: decode all rows of a sample together.
        ``given`` (n, k) are the cells that were not drawn: they stay as they are when two cells are made equal.
        """
        parts: dict[str | int, pd.Series[Any]] = {}
        linked = self._decode_linked(rows, given)
        made = generate_identifiers(self.generators, self.leaders, len(rows), rng)
        for column in self.schema.columns:
            if column.kind == "identifier":
                parts[column.name] = made[column.name]
            elif column.kind == "constant":
                parts[column.name] = _constant(column, len(rows))
            elif column.name in linked:
                parts[column.name] = from_ticks(*linked[column.name], column)
            else:
                parts[column.name] = self.columns[column.name].decode(self._cells(rows, column.name))
        return pd.DataFrame(parts, index=pd.RangeIndex(len(rows)), copy=False)

    def link_codes(self, rows: Rows, link: Link) -> NDArray[np.int32]:
        """Return the codes (n,) of a link from the cells of its two columns."""
        ends = (self._decode_ticks(rows, link.earlier), self._decode_ticks(rows, link.later))
        return link.codes(*ends)

    def _decode_ticks(self, rows: Rows, name: str | int) -> tuple[Ticks, Bools]:
        encoder = self.columns[name]
        assert isinstance(encoder, NumberEncoder)
        return encoder.decode_ticks(self._cells(rows, name))

    def _cells(self, rows: Rows, name: str | int) -> Cells:
        i = self.position[name]
        slot = self.layout.columns[i].numeric
        numbers = None if slot is None else np.ascontiguousarray(rows.numeric[:, slot], dtype=np.float64)
        return Cells(rows.codes[:, i], numbers)

    def _decode_linked(self, rows: Rows, given: NDArray[np.bool_] | None) -> Decoded:
        """Return ticks, and what is missing, of the columns that take part in a link."""
        decoded: Decoded = {}
        for i, link in self.links.items():
            for name in (link.earlier, link.later):
                if name not in decoded:
                    decoded[name] = self._decode_ticks(rows, name)
            ends = [self.position[link.earlier], self.position[link.later]]
            kept = np.zeros((len(rows), 2), dtype=bool) if given is None else given[:, ends]
            link.copy(rows.codes[:, i], kept, decoded, self._schema_columns())
        return decoded

    def _schema_columns(self) -> dict[str | int, Column]:
        return {column.name: column for column in self.schema.columns}

    def encode_condition(
        self, conditions: Mapping[Any, Any] | pd.DataFrame, n: int, rng: np.random.Generator | None = None
    ) -> tuple[tuple[int, ...], Rows]:
        """Return the layout columns that conditions fix, and ``n`` rows whose cells there hold them.

        Parameters
        ----------
        conditions : mapping or DataFrame
            For each column one value, a list or set of values, a range (``pandas.Interval``, ``slice``, ``range`` or
            `gensynth.encoding.ranges.Range`) or a list of ranges; or a table of n rows. Of several values one is
            drawn by their fitted frequencies. None asks for a missing value.
        n : int
            Number of rows.
        rng : numpy.random.Generator or None
            Draws among several values; needed only for those. A row's draws depend neither on n nor on the other
            columns.

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
            If a column is unknown or an identifier, or cannot have the value; the message says why.
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
        if self.leaders:
            json["leaders"] = [[name, leader] for name, leader in self.leaders.items()]
        if self.links:
            json["links"] = [link.to_json() for link in self.links.values()]
        return json, arrays

    @classmethod
    def from_state(cls, json: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted encoder from `state`."""
        out = cls(TableSchema.from_json(json["schema"]), Encoding(**json["encoding"]), json["first"])
        fitted: dict[str | int, ColumnEncoder] = {}
        parts: dict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
        for key, value in arrays.items():
            number, _, name = key.partition(".")
            parts[number][name] = value
        for i, (column, state) in enumerate(zip(out.schema.columns, json["columns"], strict=True)):
            own = parts[str(i)]
            if column.kind == "identifier":
                out.generators[column.name] = IdentifierGenerator.from_state(column, state, own)
            elif column.learned:
                fitted[column.name] = _encoder(column).from_state(column, state, own)
        out.leaders = dict(json.get("leaders", ()))
        out.columns = {c.name: fitted[c.name] for c in out._order()}
        out._lay_out(json["n_rows"], tuple(Link.from_json(link) for link in json.get("links", ())))
        return out

    def _order(self) -> list[Column]:
        learned = self.schema.learned
        if not learned:
            raise DataError("no column can be learned: all are constant or identifiers; declare one in the schema")
        head = [c for name in self.first for c in learned if c.name == name and type(c.name) is type(name)]
        return head + [c for c in learned if c not in head]

    def _n_conditions(self) -> int:
        return sum(name in self.columns for name in self.first)

    def _lay_out(self, n_rows: int, links: Sequence[Link]) -> None:
        before = {link.later: link for link in links}
        columns: list[ColumnLayout] = []
        slot = 0
        self.position, self.links = {}, {}
        for name, encoder in self.columns.items():
            if name in before:
                self.links[len(columns)] = before[name]
                columns.append(before[name].layout())
            self.position[name] = len(columns)
            columns.append(encoder.layout(slot))
            slot += columns[-1].numeric is not None
        self.layout = Layout(tuple(columns), n_rows, self._n_conditions())


def _encoder(column: Column) -> type[CategoryEncoder] | type[NumberEncoder]:
    return NumberEncoder if column.kind in ("numeric", "datetime") else CategoryEncoder


def _constant(column: Column, n: int) -> pd.Series[Any]:
    if column.value is None:
        return from_codes(np.full(n, -1), _NO_LABELS, column)
    return from_codes(np.zeros(n, dtype=np.int64), column.value.index, column)
