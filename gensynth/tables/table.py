"""A table from a file, with the original text of its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gensynth.tables.style import CsvStyle, FileStyle


@dataclass(frozen=True)
class Table:
    """A table that was read from a file.

    Parameters
    ----------
    frame : pandas.DataFrame
        The values.
    text : pandas.DataFrame or None
        The cells of a CSV file as they stand there; None for other formats.
    arrow : pyarrow.Table or None
        The cells of a Parquet file with its own types; None for other formats.
    style : CsvStyle, ArrowStyle or None
        What the file looked like.
    """

    frame: pd.DataFrame
    text: pd.DataFrame | None = None
    arrow: pa.Table | None = None
    style: FileStyle | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: slice) -> Table:
        """Rows by a slice without a step."""
        first, stop, _ = rows.indices(len(self))
        return Table(
            self.frame.iloc[rows],
            None if self.text is None else self.text.iloc[rows],
            None if self.arrow is None else self.arrow.slice(first, max(stop - first, 0)),
            self.style,
        )

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Return rows by their positions."""
        return Table(
            self.frame.iloc[rows],
            None if self.text is None else self.text.iloc[rows],
            None if self.arrow is None else self.arrow.take(rows),
            self.style,
        )

    def without(self, name: str | int) -> Table:
        """Return the table without a column, if it has it."""
        if name not in self.frame.columns:
            return self
        return replace(
            self,
            frame=self.frame.drop(columns=name),
            text=None if self.text is None else self.text.drop(columns=name),
            arrow=None if self.arrow is None else self.arrow.drop_columns([str(name)]),
        )

    def render(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows as the file would write them.

        Rows for a CSV file become text in the file's own style: its token for missing values, its decimals, its
        way to write booleans. Columns that the file lacks are written plainly. Other formats: returned as it came.
        """
        return self.style.render(frame) if isinstance(self.style, CsvStyle) else frame
