"""Encoder of whole tables: frames to encoded rows and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.columns import Cells, ColumnEncoder, Counts
from gensynth.encoding.conditions import encode_condition
from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.encoding.image import ImageEncoder
from gensynth.encoding.learned import TableLayout, fit_columns, learned_columns
from gensynth.encoding.links import YES, Link, find_links
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.owners import TableIdentifiers, find_leaders, fit_generators
from gensynth.encoding.predictors import MAX_ROWS, find_predictors, ranked_columns
from gensynth.encoding.related import (
    FrameCells,
    Gap,
    check_codes,
    domains_of,
    fit_gaps,
    implied_columns,
    settled_relations,
)
from gensynth.encoding.related_conditions import encode_related_condition
from gensynth.encoding.related_rows import resolve
from gensynth.encoding.rows import Rows
from gensynth.errors import DataError, SchemaError
from gensynth.layout import Encoding, Layout, Predictor
from gensynth.relations.rule import Rule
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Sheet
from gensynth.schema import TableSchema
from gensynth.schema.codes import constant_cells
from gensynth.schema.ticks import Ticks
from gensynth.schema.values import Bools


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
    relations : "auto", False, or sequence of str or Relation
        "auto": those that hold in every fitted row are found and kept. Or the ones to keep.
    exceptions : bool
        Whether rows may be wrong: "auto" finds exact relations that a few of them break, too.
    learn_implied : bool
        Whether columns are in the layout whose cells a category of the row implies. A detector only checks them, if its
        numbers are encoded as "standard"; in the other encodings they always are.

    Attributes
    ----------
    layout : Layout
        What encoded rows look like; set by `fit`.
    position : dict
        The position of each learned column in the layout.
    links : dict of int to Link
        The links between columns, by the position of their boolean column in the layout.
    rules : RuleSet or None
        The relations to be kept.
    checks : dict of int to Rule
        The columns of the layout that say whether a row keeps a relation, by their position; the last ones.
    image : ImageEncoder or None
        That of the column of images.
    gaps : dict of column label to Gap
        Columns that are learned as their distance from a smaller one.
    implied : tuple of column labels
        Columns that are not in the layout, as a category of the row implies their cells.
    """

    layout: Layout
    position: dict[str | int, int]
    links: dict[int, Link]
    checks: dict[int, Rule]

    def __init__(
        self,
        schema: TableSchema,
        encoding: Encoding,
        first: Sequence[str | int] = (),
        relations: Any = False,
        *,
        exceptions: bool = False,
        learn_implied: bool = True,
    ) -> None:
        self.schema = schema
        self.encoding = encoding
        self.first = tuple(first)
        self.relations, self.exceptions, self.learn_implied = relations, exceptions, learn_implied
        self.rules: RuleSet | None = None
        self.gaps: dict[str | int, Gap] = {}
        self.implied: tuple[str | int, ...] = ()
        self.image = ImageEncoder.of(schema)
        for name in self.first:
            if schema[name].kind == "image":  # an unknown column raises
                raise SchemaError(f"column {name!r} holds the images: samples can be conditioned on the other columns")
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
        SchemaError
            If a declared relation does not hold.
        """
        if not len(frame):
            raise DataError("the table has no rows; at least one is needed")
        self.generators = fit_generators(frame, self.schema)
        self.leaders = find_leaders(frame, self.generators)
        order = learned_columns(self.schema, self.first)
        self.columns = fit_columns(frame, order, self.encoding, weights)
        sampling = self.encoding.numeric != "standard"
        self.rules = settled_relations(
            self.relations, frame, self.columns, self.encoding, self.first, exceptions=self.exceptions
        )
        if self.rules is not None:
            self.schema = replace(self.schema, relations=self.rules.relations)
            cells = FrameCells(frame, self.columns)
            self.gaps = fit_gaps(cells, self.rules, self.encoding, weights, self.first) if sampling else {}
            self.implied = () if sampling or self.learn_implied else implied_columns(self.rules)
        found = find_links(frame, order, self._n_conditions, weights) if sampling else ()
        known = [set(relation.columns) for relation in self.schema.relations]
        n_rows = len(frame) if weights is None else round(weights.sum().item())
        links = [link for link in found if {link.earlier, link.later} not in known]
        self.lay_out(n_rows, links)
        if self.encoding.numeric == "bins" and len(ranked_columns(self.layout)) > 1:
            some = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), MAX_ROWS)).astype(np.int64))
            self.lay_out(n_rows, links, find_predictors(self.encode(frame.iloc[some]), self.layout))
        return self

    def encode(self, frame: pd.DataFrame, *, jacobian: bool = False) -> Rows:
        """Return encoded rows of a table that `TableSchema.align` has passed.

        ``jacobian`` asks for `Rows.log_jacobian` too.
        """
        rows = Rows.zeros(len(frame), self.layout, jacobian=jacobian)
        columns = {column.name: column for column in self.schema.columns}
        for i, link in self.links.items():
            rows.codes[:, i] = link.encode(frame, columns)
        related = self.sheet(frame)
        for i, rule in self.checks.items():
            rows.codes[:, i] = check_codes(rule, related)
        for name, i in self.position.items():
            cells = self.encode_column(frame, name, related, jacobian=jacobian)
            rows.put(i, self.layout.columns[i].numeric, cells)
        return rows if self.image is None else replace(rows, pixels=self.image.encode(frame[self.image.name]))

    def sheet(self, frame: pd.DataFrame) -> Sheet:
        """Return the cells of the columns that take part in relations, of an aligned table."""
        return FrameCells(frame, self.columns).sheet(() if self.rules is None else self.rules.columns)

    def encode_column(self, frame: pd.DataFrame, name: str | int, related: Sheet, *, jacobian: bool = False) -> Cells:
        """Return the cells of one column; ``related`` is the `sheet` of the table."""
        gap = self.gaps.get(name)
        if gap is not None:
            return gap.encoder.encode(gap.series(related), jacobian=jacobian)
        return self.columns[name].encode(frame[name], jacobian=jacobian)

    def decode(
        self,
        rows: Rows,
        rng: np.random.Generator,
        given: NDArray[np.bool_] | None = None,
        related: Sheet | None = None,
        identifiers: TableIdentifiers | None = None,
    ) -> pd.DataFrame:
        """Return a table with the fitted columns, order and dtypes.

        Identifiers are new, and repeat within one call as the fitted ones did: decode all rows of a sample together,
        or with the same ``identifiers``, from `new_identifiers`, one part after the other.
        ``given`` (n, k) are the cells that were not drawn: they stay as they are when two cells are made equal, or a
        relation is made to hold. ``related`` is what `resolve` returned for the rows, if it was asked before.
        """
        if related is None:
            related, _ = resolve(self, rows, rng.spawn(1)[0], given)
        parts: dict[str | int, pd.Series[Any]] = {}
        domains = domains_of({name: self.columns[name] for name in related.values})
        made = (identifiers or self.new_identifiers(len(rows), rng)).take(len(rows))
        for column in self.schema.columns:
            if column.kind == "identifier":
                parts[column.name] = made[column.name]
            elif column.kind == "constant":
                parts[column.name] = constant_cells(column, len(rows))
            elif column.kind == "image":
                assert self.image is not None
                assert rows.pixels is not None
                parts[column.name] = self.image.decode(rows.pixels)
            elif column.name in related.values:
                series = domains[column.name].series
                assert series is not None
                parts[column.name] = series(related.values[column.name], related.missing[column.name])
            else:
                parts[column.name] = self.columns[column.name].decode(self.cells(rows, column.name))
        return pd.DataFrame(parts, index=pd.RangeIndex(len(rows)), copy=False)

    def new_identifiers(self, n: int, rng: np.random.Generator) -> TableIdentifiers:
        """Return what makes the identifiers of n rows."""
        return TableIdentifiers(self.generators, self.leaders, n, rng)

    def link_codes(self, rows: Rows, link: Link) -> NDArray[np.int32]:
        """Return the codes (n,) of a link from the cells of its two columns."""
        return link.codes(self.decode_ticks(rows, link.earlier), self.decode_ticks(rows, link.later))

    def decode_ticks(self, rows: Rows, name: str | int) -> tuple[Ticks, Bools]:
        """Return the ticks (n,) of a column of numbers or dates, and a mask of missing cells."""
        encoder = self.columns[name]
        assert isinstance(encoder, NumberEncoder)
        return encoder.decode_ticks(self.cells(rows, name))

    def cells(self, rows: Rows, name: str | int) -> Cells:
        """Return the encoded cells of one column."""
        i = self.position[name]
        slot = self.layout.columns[i].numeric
        numbers = None if slot is None else np.ascontiguousarray(rows.numeric[:, slot.index], dtype=np.float64)
        return Cells(rows.codes[:, i], numbers)

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
        if self.rules is None:
            return encode_condition(self, conditions, n, rng)
        return encode_related_condition(self, conditions, n, rng)

    @property
    def plain(self) -> TableEncoder:
        """The encoder of the same columns without relations between them."""
        out = TableEncoder(self.schema, self.encoding, self.first)
        out.columns, out.generators, out.leaders = self.columns, self.generators, self.leaders
        out.lay_out(self.layout.n_rows, tuple(self.links.values()), self.layout.predictors)
        return out

    def set_counts(self, counts: Sequence[NDArray[Any]], n_rows: int) -> None:
        """Take over how many of the ``n_rows`` rows of another table each code of each column of the layout has.

        Counts of weighted rows are the sums of their weights; the codes are the same.
        """
        for name, i in self.position.items():
            (self.gaps[name].encoder if name in self.gaps else self.columns[name]).set_code_counts(counts[i])
        links = [Link(link.earlier, link.later, counts[i][YES] / n_rows) for i, link in self.links.items()]
        self.lay_out(n_rows, links, self.layout.predictors)

    @property
    def _n_conditions(self) -> int:
        return sum(name in self.columns for name in self.first)

    def lay_out(self, n_rows: int, links: Sequence[Link], predictors: Mapping[int, Predictor] | None = None) -> None:
        """Set the layout of ``n_rows`` rows, from fitted columns, relations and predictors."""
        rules = () if self.rules is None else self.rules.rules
        image = None if self.image is None else self.image.layout
        made = TableLayout.of(
            self.columns, self.gaps, links, rules, n_rows, self._n_conditions, image, predictors, self.implied
        )
        self.layout, self.position, self.links, self.checks = made.layout, made.position, made.links, made.checks
