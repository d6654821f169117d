"""Rows that a command writes: any part of them is made by itself, here or by the workers of a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from gensynth.cli.outputs import TableOutput
    from gensynth.engine.fitted import FittedModel
    from gensynth.scale.cluster import Workers
    from gensynth.tables import Table


class RowSource(ABC):
    """Makes the rows that a command writes; pickled for workers, who each have a copy.

    Attributes
    ----------
    n_rows : int
        Of the whole table.
    block_rows : int
        How many of them are best made together.
    tells_of_all : bool
        Whether what is told of rows is wanted of those too that are written already.
    """

    tells_of_all: ClassVar[bool] = False
    n_rows: int
    block_rows: int

    @abstractmethod
    def make(self, start: int, stop: int) -> Iterator[tuple[Table, Any]]:
        """Give the rows from ``start`` to ``stop``, as they are to be written, and what is told of them."""

    @property
    @abstractmethod
    def models(self) -> list[FittedModel]:
        """What computes them, as far as a GPU can."""


@dataclass(frozen=True)
class Written:
    """How many rows were written, and what was told of them, part by part in any order."""

    n_rows: int
    told: list[Any]


def write_rows(source: RowSource, out: TableOutput, run: Mapping[str, Any], workers: Workers | None = None) -> Written:
    """Write the rows of a source, made in this process, or by workers.

    Parameters
    ----------
    source : RowSource
        What makes them.
    out : TableOutput
        Where they go.
    run : mapping of str to JSON values
        What they are a function of, as for `TableOutput.writer`.
    workers : Workers or None
        Of a cluster; None: this process.
    """
    if workers is not None:
        from gensynth.cli.spreading import write_by_workers

        return write_by_workers(source, out, run, workers)
    told = []
    with out.writer(source.n_rows, run) as writer:
        at = 0 if source.tells_of_all else writer.start
        for table, fact in source.make(at, source.n_rows):
            told.append(fact)
            writer.write(table[max(writer.start - at, 0) :])
            at += len(table)
        return Written(source.n_rows - writer.start, told)
