"""Synthetic rows as a row source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gensynth.cli.row_sources.interface import RowSource
from gensynth.tables.writer import styled

if TYPE_CHECKING:
    from gensynth.engine.sampling.chunks import ChunkedSample
    from gensynth.tables import FileStyle, Table


class SampledRows(RowSource):
    """New rows; nothing is told of them.

    Parameters
    ----------
    sample : ChunkedSample
        What draws them.
    style : FileStyle or None
        How they are written.
    csv : bool
        Whether they are written to a CSV file.
    """

    def __init__(self, sample: ChunkedSample, style: FileStyle | None, *, csv: bool) -> None:
        self.sample, self.style, self.csv = sample, style, csv
        self.n_rows, self.block_rows = sample.n, sample.fitted.chunk_rows

    def make(self, start: int, stop: int) -> Iterator[tuple[Table, None]]:
        """Yield new rows."""
        for frame in self.sample.frames(start, stop):
            yield styled(frame, self.style, csv=self.csv), None

    def to_gpu(self) -> None:
        """Move the model."""
        self.sample.fitted.to("cuda")
