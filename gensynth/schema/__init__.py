"""The schema of a table: inferred, declared, stored, and checked against new tables. No torch in here."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gensynth.errors import DataError, IdentifierWarning, IgnoredColumnWarning, SchemaError, declare_hint, listed
from gensynth.schema.align import align_column
from gensynth.schema.column import KINDS, Column, Kind
from gensynth.schema.image import ImageSchema
from gensynth.schema.infer import infer_column
from gensynth.schema.labels import Labels
from gensynth.schema.relation import Relation
from gensynth.schema.strftime import plain
from gensynth.tables.stream import BATCH_ROWS, image_rows

__all__ = ["KINDS", "Column", "ImageSchema", "Kind", "Labels", "Relation", "TableSchema"]


@dataclass(frozen=True)
class TableSchema:
    """The columns of a table, in their order.

    Parameters
    ----------
    columns : tuple of Column
        One entry a column.
    relations : tuple of Relation
        What held between columns in every fitted row, and holds in what is drawn; ``str(relation)`` reads
        ``total = net + vat``, ``start <= end`` or ``city -> state``. Empty before a fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from gensynth.schema import TableSchema
    >>> schema = TableSchema.infer(pd.DataFrame({"age": [31, 47, 25], "sex": ["F", "M", "F"]}))
    >>> [(column.name, column.kind) for column in schema.columns]
    [('age', 'numeric'), ('sex', 'categorical')]
    """

    columns: tuple[Column, ...]
    relations: tuple[Relation, ...] = ()

    @cached_property
    def names(self) -> tuple[str | int, ...]:
        """Labels of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def learned(self) -> tuple[Column, ...]:
        """The columns that are encoded as codes and numbers: no constants, identifiers or images."""
        return tuple(column for column in self.columns if column.learned)

    @property
    def image(self) -> Column | None:
        """The column of images; None where there is none."""
        return next((column for column in self.columns if column.kind == "image"), None)

    @property
    def batch_rows(self) -> int:
        """Default batch size of a table in batches: smaller with large images."""
        column = self.image
        return BATCH_ROWS if column is None or column.image is None else image_rows(column.image.n_values)

    def __getitem__(self, name: str | int) -> Column:
        column = self._by_name.get(name)
        if column is None or type(column.name) is not type(name):  # True == 1
            raise SchemaError(f"there is no column {name!r}; the columns are {listed(self.names)}")
        return column

    @cached_property
    def _by_name(self) -> dict[str | int, Column]:
        return {column.name: column for column in self.columns}

    @classmethod
    def infer(
        cls,
        frame: pd.DataFrame,
        declared: TableSchema | Mapping[Any, str | Column] | None = None,
        keep: Collection[str | int] = (),
        *,
        learn_constants: bool = False,
    ) -> TableSchema:
        """Infer the kind of each column.

        Parameters
        ----------
        frame : pandas.DataFrame
            The table; its index is ignored.
        declared : TableSchema, mapping of names to kinds or `Column`, or None
            What is known; it overrides what would be inferred. Dates in text may be declared with their format in
            the words of strftime: ``{"at": "datetime:%d/%m/%Y"}``.
        keep : collection of column labels
            Columns that are always learned, never taken for an identifier or a constant.
        learn_constants : bool
            Learn columns of one value too: one that never changed is the first to look at when it does. One that held
            nothing but missing values becomes a category without levels, unless the whole table did.

        Raises
        ------
        DataError
            If the table has no rows or columns, two columns of one name, or values that cannot be modelled.
        SchemaError
            If ``declared`` names an unknown column or kind, or a kind that the values do not fit.

        Warns
        -----
        IdentifierWarning
            If columns were taken for identifiers although they were not declared such: one warning names them all.
        """
        names = check_labels(frame)
        if not len(frame):
            raise DataError("the table has no rows; at least one is needed")
        kinds = _declared(declared, names)
        columns = [infer_column(frame.iloc[:, i], c, kinds.get(c), keep=c in keep) for i, c in enumerate(names)]
        if learn_constants and not all(column.kind == "constant" and column.value is None for column in columns):
            columns = [_learned(column, frame.iloc[:, i]) for i, column in enumerate(columns)]
        images = [column.name for column in columns if column.kind == "image"]
        if len(images) > 1:
            raise DataError(
                f"columns {listed(images)} hold images; a table can have one such column: leave out the others"
            )
        found = [column for column in columns if column.kind == "identifier" and column.name not in kinds]
        if found:
            warnings.warn(_about_identifiers(found, drawn=not learn_constants), IdentifierWarning, stacklevel=2)
        return cls(tuple(columns))

    def align(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the fitted columns of ``frame`` in the fitted order, with types that can be encoded.

        Categories that were never seen stay as they are.

        Raises
        ------
        SchemaError
            If columns are missing.
        DataError
            If a value cannot be read as what the column holds; names column, row and value.

        Warns
        -----
        IgnoredColumnWarning
            If there are columns that were not fitted.
        """
        names = check_labels(frame)
        position = {name: i for i, name in enumerate(names)}
        absent = [name for name in self.names if name not in position]
        if absent:
            raise SchemaError(
                f"the table lacks the column{'s' if len(absent) > 1 else ''} {listed(absent)} of the fitted table; "
                f"it has {listed(names)}"
            )
        extra = [name for name in names if name not in self._by_name]
        if extra:
            text = f"column{'s' if len(extra) > 1 else ''} {listed(extra)} not in the fitted table: ignored"
            warnings.warn(text, IgnoredColumnWarning, stacklevel=2)
        given = [cells for _, cells in frame.items()]
        parts = {c.name: align_column(given[position[c.name]], c) for c in self.columns}
        if tuple(names) == self.names and all(new is old for new, old in zip(parts.values(), given, strict=True)):
            return frame.copy(deep=False)
        return pd.DataFrame(parts, index=frame.index, copy=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        state: dict[str, Any] = {"columns": [column.to_json() for column in self.columns]}
        if self.relations:
            state["relations"] = [relation.to_json() for relation in self.relations]
        return state

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> TableSchema:
        """Rebuild a schema from `to_json`."""
        columns = tuple(Column.from_json(column) for column in state["columns"])
        return cls(columns, tuple(Relation.from_json(relation) for relation in state.get("relations", ())))


def check_labels(frame: pd.DataFrame) -> list[str | int]:
    """Return the column labels as plain text and integers; raise `DataError` for invalid ones."""
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError("the columns have several levels; flatten them: df.columns = ['_'.join(c) for c in df.columns]")
    if not len(frame.columns):
        raise DataError("the table has no columns")
    names = [name.item() if hasattr(name, "item") else name for name in frame.columns.tolist()]
    strange = next((name for name in names if not isinstance(name, (str, int)) or isinstance(name, bool)), None)
    if strange is not None:
        raise DataError(f"column label {strange!r} is neither text nor an integer; rename it: df.columns.map(str)")
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise DataError(f"several columns have the name {double!r}; rename or drop all but one")
    return names


def _learned(column: Column, series: pd.Series[Any]) -> Column:
    """Return a constant column as one that is learned, any other as it is."""
    if column.kind != "constant":
        return column
    return infer_column(series, column.name, "categorical" if column.value is None else None, keep=True)


def _about_identifiers(columns: Sequence[Column], *, drawn: bool) -> str:
    """Return the text of `IdentifierWarning`: consequences for identifier columns, and how to declare them.

    ``drawn``: whether the schema is for sampling; otherwise it is for anomaly detection.
    """
    one = len(columns) == 1
    first = columns[0]
    hint = declare_hint(first.name, "categorical")
    if first.decimals is not None:
        hint += f", or as a quantity: {declare_hint(first.name, 'numeric')}"
    looks = (
        f"column{'' if one else 's'} {listed([column.name for column in columns])} "
        f"look{'s like an identifier' if one else ' like identifiers'}: "
    )
    declare = f"declare {'it' if one else 'the column'} ({hint})"
    if not drawn:
        return f"{looks}anomalies in {'it' if one else 'them'} are not detected; to learn the values, {declare}"
    return (
        f"{looks}synthetic rows get new values with the same pattern and repetition, none of them a value of the "
        f"table; to learn and sample the real values instead, {declare}"
    )


def _declared_kind(column: Column) -> str:
    words = "" if column.format is None else f":{plain(column.format)}"
    return f"datetime{words}" if column.kind == "datetime" else column.kind


def _declared(declared: Any, names: list[str | int]) -> dict[str | int, str]:
    if declared is None:
        return {}
    if isinstance(declared, TableSchema):
        declared = {column.name: column for column in declared.columns}
    if not isinstance(declared, Mapping):
        raise SchemaError(f"expected a TableSchema or a mapping of columns to kinds, got {type(declared).__name__}")
    kinds = {}
    for name, kind in declared.items():
        if name not in names:
            raise SchemaError(f"the schema names the column {name!r}, which the table lacks; it has {listed(names)}")
        kinds[name] = _declared_kind(kind) if isinstance(kind, Column) else kind
        base, _, words = str(kinds[name]).partition(":")
        if base not in KINDS or (words and base != "datetime"):
            raise SchemaError(
                f"column {name!r}: kind {kinds[name]!r} is unknown; use one of {', '.join(KINDS)} "
                "(dates also with their format, as in datetime:%d/%m/%Y)"
            )
    return kinds
