"""``--engine ray``: rows that the workers of a Ray cluster make, and write or send back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gensynth.cli.rowsource import RowSource, Written
from gensynth.errors import OptionError
from gensynth.scale.spread import Task, spread
from gensynth.tables import Table
from gensynth.tables.writer import file_writer

if TYPE_CHECKING:
    from gensynth.cli.outputs import TableOutput
    from gensynth.scale.cluster import Workers


@dataclass(frozen=True)
class Block:
    """Rows of a table from ``start`` to ``stop``, and the file that they are written to; None: they are sent back."""

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
        if not block.path.parent.is_dir():
            raise OptionError(
                f"--output {block.path.parent} is not there on {os.uname().nodename}: workers on several machines write "
                "to a folder that all of them have (NFS, for example)"
            )
        facts = []
        with file_writer(block.path, block.stop - block.start) as writer:
            for table, told in made:
                writer.write(table)
                facts.append(told)
        return [], facts

    def to_gpu(self) -> None:
        """Move the models to the worker's GPU."""
        for fitted in self.source.models:
            fitted.to("cuda")


def _as_sent(table: Table, *, csv: bool) -> Table:
    """Return rows with what is written of them, and no more."""
    if (csv and table.text is not None) or (not csv and table.arrow is not None):
        index_alone = pd.DataFrame(index=pd.RangeIndex(len(table)))
        return replace(table, frame=index_alone, text=table.text if csv else None, arrow=None if csv else table.arrow)
    return Table(table.frame, style=table.style)


def write_by_workers(source: RowSource, out: TableOutput, run: Mapping[str, Any], workers: Workers) -> Written:
    """Write rows that workers make: they write the parts of a folder themselves, and send those of a file back.

    Parameters are those of `gensynth.cli.rowsource.write_rows`.
    """
    task = MakeBlock(source, csv=out.csv)
    told: list[Any] = []
    if out.folder:
        with out.parts(source.n_rows, run) as parts:
            missing = [Block(start, stop, path) for path, start, stop in parts if not path.exists()]
            finished = [Block(start, stop) for path, start, stop in parts if path.exists()]
            for _, facts in spread(task, missing, workers, ordered=False):
                told += facts
            if source.tells_of_all:
                for _, facts in spread(task, finished, workers, ordered=False):
                    told += facts
        return Written(sum(block.stop - block.start for block in missing), told)
    blocks = list(_blocks(source.n_rows, source.block_rows))
    with out.writer(source.n_rows, run) as writer:
        for tables, facts in spread(task, blocks, workers, ordered=True):
            told += facts
            for table in tables:
                writer.write(table)
    return Written(source.n_rows, told)


def _blocks(n_rows: int, block_rows: int) -> Iterator[Block]:
    for start in range(0, n_rows, block_rows):
        yield Block(start, min(start + block_rows, n_rows))
