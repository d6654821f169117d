"""Tables in batches for estimators: each warning once, errors with the position of the row."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gensynth.errors import DataError, ImageError, PluginError, UnseenValuesWarning
from gensynth.tables import TableStream, open_table

if TYPE_CHECKING:
    import pandas as pd


def as_stream(X: Any) -> TableStream | None:
    """Return a table as a stream; None if it is in memory."""
    if isinstance(X, TableStream):
        return X
    dataset = sys.modules.get("pyarrow.dataset")
    return open_table(X) if dataset is not None and isinstance(X, dataset.Dataset) else None


class BatchWarnings:
    """Warnings about the batches of one table, each given once.

    That every value of a column is new is given if it holds for every batch.
    """

    def __init__(self) -> None:
        self._n_batches = 0
        self._unseen: dict[Any, list[Warning]] = {}
        self._said: set[str] = set()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Collect the warnings of one batch."""
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            yield
        self._n_batches += 1
        for one in found:
            message = one.message
            if isinstance(message, UnseenValuesWarning):
                self._unseen.setdefault(message.column, []).append(message)
            elif str(message) not in self._said:
                self._said.add(str(message))
                warnings.warn(message, one.category, stacklevel=4)

    def tell(self) -> None:
        """Issue the warnings that concern all batches."""
        for found in self._unseen.values():
            if len(found) == self._n_batches:
                warnings.warn(found[0], stacklevel=3)


@contextlib.contextmanager
def rows_counted_from(
    start: int, table: TableStream | None = None, rows: pd.Index[Any] | None = None
) -> Iterator[None]:
    """Say in errors about a batch where its rows are counted from; of images of a ``table`` where they come from.

    ``rows`` are the positions in the table of the rows of the batch, where some were left out.
    """
    try:
        yield
    except ImageError as error:
        row = start + error.row if rows is None else int(rows[error.row])
        raise ImageError(error.text, row, "" if table is None else table.place_of(row)) from error
    except (DataError, PluginError) as error:
        if start:
            raise type(error)(f"{error} (rows counted from row {start:,} of the table)") from error
        raise
