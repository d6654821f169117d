"""``--weight COL``: a column of row weights, which is not learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.cli.options.columns import known_columns
from gensynth.errors import DataError
from gensynth.tables import Table, TableStream
from gensynth.training.weights import read_weights


def split_weights(table: Table, name: str | None) -> tuple[Table, NDArray[np.float64] | None]:
    """Return a table without its column of weights, and the weights (n,); None without a name.

    Raises
    ------
    OptionError
        There is no such column.
    DataError
        A weight is missing, negative or no number, or all are 0; names the row.
    """
    if name is None:
        return table, None
    known_columns("--weight", [name], list(table.frame.columns))
    numbers = _read(table.frame[name], name)
    return table.without(name), _checked(numbers, name)


def stream_weights(table: TableStream, name: str | None) -> tuple[TableStream, NDArray[np.float64] | None]:
    """The same for a table that is read in batches."""
    if name is None:
        return table, None
    known_columns("--weight", [name], [str(own) for own in table.names])
    parts = [_read(batch.frame[name], name) for batch in table.batches()]
    return table.without(name), _checked(np.concatenate(parts), name)


def _read(cells: pd.Series[Any], name: str) -> NDArray[np.float64]:
    """Return the values of a column of weights, whose index is the position of its rows."""
    numbers = pd.to_numeric(cells.astype(object), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"--weight {name}, row {cells.index[row]}: {cells.tolist()[row]!r}; a weight is a number of at least 0"
        )
    return np.asarray(numbers)


def _checked(numbers: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if not (numbers > 0).any():
        raise DataError(f"--weight {name}: every weight is 0; at least one row has to count")
    return read_weights(numbers, len(numbers))
