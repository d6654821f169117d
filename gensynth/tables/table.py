"""A table that was read from a file, with what is needed to write its cells as they were."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

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

    def render(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows as the file would write them.

        Rows for a CSV file become text in the file's own style: its token for missing values, its decimals, its
        way to write booleans. Columns that the file lacks are written plainly. Other formats: returned as it came.
        """
        return self.style.render(frame) if isinstance(self.style, CsvStyle) else frame
