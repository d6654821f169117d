"""Interface of a fitted table encoder to the functions that condition, adjust and decode its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.columns import Cells, ColumnEncoder
from gensynth.encoding.links import Link
from gensynth.encoding.related import Gap
from gensynth.encoding.rows import Rows
from gensynth.layout import Layout
from gensynth.relations.ruleset import RuleSet
from gensynth.relations.sheet import Sheet
from gensynth.schema import TableSchema
from gensynth.schema.ticks import Ticks
from gensynth.schema.values import Bools


class FittedColumns(Protocol):
    """The fitted columns of a table and where they stand in the layout: see `gensynth.encoding.table.TableEncoder`."""

    @property
    def schema(self) -> TableSchema:
        """The schema of the columns."""

    @property
    def first(self) -> tuple[str | int, ...]:
        """The columns that sampling will be conditioned on."""

    @property
    def columns(self) -> Mapping[str | int, ColumnEncoder]:
        """Encoders of the learned columns, in the order of the layout."""

    @property
    def layout(self) -> Layout:
        """Layout of the encoded rows."""

    @property
    def position(self) -> Mapping[str | int, int]:
        """The position of each learned column in the layout."""

    @property
    def links(self) -> Mapping[int, Link]:
        """The links between columns, by the position of their boolean column in the layout."""

    @property
    def rules(self) -> RuleSet | None:
        """The relations to be kept."""

    @property
    def gaps(self) -> Mapping[str | int, Gap]:
        """Columns that are learned as their distance from a smaller one."""

    @property
    def implied(self) -> tuple[str | int, ...]:
        """Columns that are not in the layout, as a category of the row implies their cells."""

    @property
    def plain(self) -> Self:
        """The same columns without relations between them."""

    def cells(self, rows: Rows, name: str | int) -> Cells:
        """Return the encoded cells of one column."""

    def encode_column(self, frame: pd.DataFrame, name: str | int, related: Sheet) -> Cells:
        """Return the cells of one column of an aligned table."""

    def decode_ticks(self, rows: Rows, name: str | int) -> tuple[Ticks, Bools]:
        """Return the ticks (n,) of a column of numbers or dates, and a mask of missing cells."""

    def link_codes(self, rows: Rows, link: Link) -> NDArray[np.int32]:
        """Return the codes (n,) of a link from the cells of its two columns."""
