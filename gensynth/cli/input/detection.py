"""Rows of ``gensynth detect``: those that are learned from, and checks of those that are judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.cli.input.images import check_beside
from gensynth.cli.input.weights import split_weights
from gensynth.cli.options.columns import declared_kinds
from gensynth.engine.inputs.image_streams import DETECTOR_VALUES, memory_rows_of
from gensynth.engine.inputs.streams import BatchWarnings, rows_counted_from
from gensynth.errors import DataError
from gensynth.schema import TableSchema
from gensynth.tables.imagestream import ImageStream

if TYPE_CHECKING:
    from gensynth.tables import Table, TableStream


_MAX_NAMES = 10


def check_same_columns(names: Sequence[Any], normal: Sequence[Any], data: str, train_on: str) -> None:
    """Raise `DataError` if one table has a column that the other lacks."""
    for own, other, here, there in ((names, normal, data, train_on), (normal, names, train_on, data)):
        absent = [repr(name) for name in own if name not in other]
        if absent:
            columns = ", ".join(absent[:_MAX_NAMES]) + (", ..." if len(absent) > _MAX_NAMES else "")
            several = "s" if len(absent) > 1 else ""
            raise DataError(
                f"{there} lacks the column{several} {columns} of {here}; both tables must have the same columns: "
                f"remove the column{several} from {here}, or add to {there}"
            )


def rows_to_learn(
    table: TableStream, most: int | None, kinds: Sequence[str] | None, weight: str | None, seed: int
) -> tuple[Table, NDArray[np.float64] | None, dict[str, str] | None]:
    """Return the rows that are learned from, ``most`` at most, their weights, and what kinds of columns were declared.

    None as ``most``: as many as are in memory at a time.
    """
    declared = declared_kinds(kinds, [str(name) for name in table.names])
    most = most or memory_rows_of(table, declared, DETECTOR_VALUES)
    rows, weights = split_weights(table.sample(most, seed), weight)
    return rows, weights, declared_kinds(kinds, list(rows.frame.columns))


def check_fits(
    table: TableStream, normal: pd.DataFrame, kinds: dict[str, str] | None, data: str, train_on: str
) -> None:
    """Raise `DataError` if columns are not those of the normal rows, or a value is not what its column holds there."""
    if isinstance(table, ImageStream):  # labels that the normal images have not are ignored, with a note
        check_beside(table, list(normal.columns), f"the normal images of {train_on} have")
    else:
        check_same_columns(table.names, list(normal.columns), data, train_on)
    schema = TableSchema.infer(normal, kinds, learn_constants=True)  # as the detector does
    said = BatchWarnings()
    for batch in table.batches():
        with said.batch(), rows_counted_from(int(batch.frame.index[0]), table):
            schema.align(batch.frame)
