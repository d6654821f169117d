"""Writing the rows of a source, from this process or from the workers of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gensynth.cli.row_sources.interface import RowSource, WrittenRows

if TYPE_CHECKING:
    from gensynth.cli.output.tables import TableOutput
    from gensynth.scale.cluster import Workers


def write_rows(
    source: RowSource, out: TableOutput, run: Mapping[str, Any], workers: Workers | None = None
) -> WrittenRows:
    """Write the rows of a source, generated in this process or by workers.

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
        from gensynth.cli.execution.ray_rows import write_by_workers

        return write_by_workers(source, out, run, workers)
    told = []
    with out.writer(source.n_rows, run) as writer:
        at = 0 if source.tells_of_all else writer.start
        for table, fact in source.make(at, source.n_rows):
            told.append(fact)
            writer.write(table[max(writer.start - at, 0) :])
            at += len(table)
        return WrittenRows(source.n_rows - writer.start, told)
