"""``--engine ray``: rows that the workers of a Ray cluster generate, and write or send back."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.cli.fitted import models_of
from gensynth.cli.outputs import is_noted
from gensynth.cli.rowsource import RowSource, Written
from gensynth.errors import OptionError, OutputError
from gensynth.scale.spread import Task, spread
from gensynth.tables import Table
from gensynth.tables.stream import BATCH_ROWS
from gensynth.tables.writer import file_writer

if TYPE_CHECKING:
    from gensynth.cli.outputs import TableOutput
    from gensynth.detector import AnomalyDetector
    from gensynth.engine.chunks import ChunkedSample
    from gensynth.scale.cluster import Workers
    from gensynth.tables import TableStream

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Rows of a table from ``start`` to ``stop``, and the file that they are written to; None: they are sent back.

    Where the file is there already, only what is told of the rows is wanted.
    """

    start: int
    stop: int
    path: Path | None = None

    def __str__(self) -> str:
        return f"rows {self.start:,} to {self.stop:,}"


class MakeBlock(Task[Block, tuple[list[Table], list[Any]]]):
    """Makes blocks of rows.

    Parameters
    ----------
    source : RowSource
        What makes them.
    csv : bool
        Whether they are written to a CSV file.
    """

    def __init__(self, source: RowSource, *, csv: bool) -> None:
        self.source, self.csv = source, csv

    def __call__(self, block: Block) -> tuple[list[Table], list[Any]]:
        """Return rows, unless they are to be written, and what is told of them."""
        made = self.source.make(block.start, block.stop)
        if block.path is None:
            found = [(_as_sent(table, csv=self.csv), told) for table, told in made]
            return [table for table, _ in found], [told for _, told in found]
        if not is_noted(block.path.parent):
            raise OptionError(
                f"--output {block.path.parent} is not there on {platform.node()}: workers on several machines write "
                "to a folder that all of them have (NFS, for example)"
            )
        if block.path.exists():  # of the run that this one goes on with, or by a worker that was lost afterwards
            return [], [told for _, told in made]
        facts = []
        with file_writer(block.path, block.stop - block.start) as writer:
            for table, told in made:
                writer.write(table)
                facts.append(told)
        return [], facts

    def to_gpu(self) -> None:
        """Move the models to the worker's GPU."""
        self.source.to_gpu()


class DrawBlock(Task[Block, list[pd.DataFrame]]):
    """Draws blocks of a sample.

    Parameters
    ----------
    sample : ChunkedSample
        What draws.
    """

    def __init__(self, sample: ChunkedSample) -> None:
        self.sample = sample

    def __call__(self, block: Block) -> list[pd.DataFrame]:
        """Return the rows."""
        return list(self.sample.frames(block.start, block.stop))

    def to_gpu(self) -> None:
        """Move the model to the worker's GPU."""
        self.sample.fitted.to("cuda")


def drawer_of(workers: Workers) -> Callable[[ChunkedSample], Iterator[pd.DataFrame]]:
    """Return a function that gives the rows of a sample, in their order, which workers draw."""

    def draw(sample: ChunkedSample) -> Iterator[pd.DataFrame]:
        blocks = _blocks(sample.n, sample.fitted.chunk_rows)
        for frames in spread(DrawBlock(sample), blocks, workers, ordered=True):
            yield from frames

    return draw


class ScoreBlock(Task[Block, tuple[Floats, Floats]]):
    """Scores blocks of rows by a detector.

    Parameters
    ----------
    detector : AnomalyDetector
        What scores them.
    table : TableStream
        The rows.
    """

    def __init__(self, detector: AnomalyDetector, table: TableStream) -> None:
        self.detector, self.table = detector, table

    def __call__(self, block: Block) -> tuple[Floats, Floats]:
        """Return scores and p-values of the rows."""
        found = list(self.detector.analyse_batches(self.table, start=block.start, stop=block.stop))
        scores, p_values = ([one.scores for _, one in found], [one.p_values for _, one in found])
        return np.concatenate(scores), np.concatenate(p_values)

    def to_gpu(self) -> None:
        """Move the models to the worker's GPU."""
        for fitted in models_of(self.detector):
            fitted.to("cuda")


def score_by_workers(
    detector: AnomalyDetector, table: TableStream, workers: Workers
) -> Iterator[tuple[Floats, Floats]]:
    """Give scores and p-values of the rows of a table, in its order, that workers compute."""
    yield from spread(ScoreBlock(detector, table), _blocks(table.n_rows, BATCH_ROWS), workers, ordered=True)


def _as_sent(table: Table, *, csv: bool) -> Table:
    """Return rows with what is written of them, and no more."""
    if (csv and table.text is not None) or (not csv and table.arrow is not None):
        index_alone = pd.DataFrame(index=pd.RangeIndex(len(table)))
        return replace(table, frame=index_alone, text=table.text if csv else None, arrow=None if csv else table.arrow)
    return Table(table.frame, style=table.style)


def write_by_workers(source: RowSource, out: TableOutput, run: Mapping[str, Any], workers: Workers) -> Written:
    """Write rows that workers make: they write the parts of a folder themselves, and send those of a file back.

    Parameters are those of `gensynth.cli.writing.write_rows`.
    """
    task = MakeBlock(source, csv=out.csv)
    told: list[Any] = []
    if out.folder:
        with out.parts(source.n_rows, run) as parts:
            blocks = [Block(start, stop, path.absolute()) for path, start, stop in parts]
            missing = [block for block in blocks if block.path is not None and not block.path.exists()]
            try:
                made = spread(task, blocks if source.tells_of_all else missing, workers, ordered=False)
                with closing(made) as results:
                    for _, facts in results:
                        told += facts
            except (OutputError, OSError) as error:
                text = error if isinstance(error, OutputError) else error.strerror or error
                raise OutputError(
                    f"{text}; the finished parts of {out} are kept: make room, then run the same command with --resume"
                ) from error
        return Written(sum(block.stop - block.start for block in missing), told)
    with out.writer(source.n_rows, run) as writer:
        blocks = _blocks(source.n_rows, source.block_rows)
        with closing(spread(task, blocks, workers, ordered=True)) as results:
            for tables, facts in results:
                told += facts
                for table in tables:
                    writer.write(table)
    return Written(source.n_rows, told)


def _blocks(n_rows: int, block_rows: int) -> list[Block]:
    return [Block(start, min(start + block_rows, n_rows)) for start in range(0, n_rows, block_rows)]
