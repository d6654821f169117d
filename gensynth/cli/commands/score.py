"""``gensynth score``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gensynth.cli.execution.engine import LOCAL, check_spreads, path_for, workers_of
from gensynth.cli.options.declarations import (
    Engine,
    ImagesData,
    Missing,
    Output,
    PartRows,
    PipeFormat,
    Quiet,
    ResumeParts,
    SkipBad,
    Threads,
    WorkerCount,
    WorkerCpus,
    WorkerGpus,
)
from gensynth.errors import OptionError, counted

if TYPE_CHECKING:
    from gensynth.cli.row_sources.scores import GraphScoredRows, ScoredRows
    from gensynth.tables import TableStream

_MOST = 3


def score(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A .gensynth file, written by gensynth fit or gensynth detect --save, or an .onnx file, written by "
            "gensynth export --scorer.",
            show_default=False,
        ),
    ],
    data: ImagesData,
    output: Output,
    missing: Missing = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="Score method; the model's first one when not given.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help='Add the columns "top_columns" and "reason", which explain the score of each row.'
        ),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="N",
            help=f"Maximal number of columns that --explain names, {_MOST} when not given.",
            show_default=False,
        ),
    ] = None,
    skip_bad: SkipBad = False,
    part_rows: PartRows = None,
    resume: ResumeParts = False,
    pipe: PipeFormat = None,
    engine: Engine = LOCAL,
    worker_count: WorkerCount = None,
    worker_cpus: WorkerCpus = None,
    worker_gpus: WorkerGpus = None,
    threads: Threads = None,
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Score each row of DATA with a trained model.

    OUT has the rows of DATA (for images, their files) with a column "score" (higher = more normal). Images are
    converted to the size of the fitted ones. With a detector it also has the columns "p_value" and "anomaly", unless
    --method names a score.
    """
    from gensynth.cli.input.images import ImageOptions, added_names, check_beside
    from gensynth.cli.input.tables import stream
    from gensynth.cli.options.paths import ONNX_ENDINGS, find, model_file
    from gensynth.cli.output.cells import check_free
    from gensynth.cli.output.tables import digest_of, identity_of, table_output
    from gensynth.cli.terminal.messages import say

    if top is not None and not explain:
        raise OptionError("--top says how many columns --explain names; add --explain or leave it out")
    if top is not None and top < 1:
        raise OptionError(f"--top must be at least 1, not {top}")
    source, found = model_file(model, exported_too=True), find(data, several=True)
    workers = workers_of(engine, worker_count, worker_cpus, worker_gpus, [data, output], threads)
    out = table_output(output, [source, found], part_rows=part_rows, resume=resume, pipe=pipe)
    most = (top or _MOST) if explain else 0
    by_graph = source.name.lower().endswith(ONNX_ENDINGS)
    if by_graph and (method is not None or explain):
        raise OptionError(f"{source} holds one score and no reasons: leave out --method and --explain")
    from gensynth.cli.execution.write import write_rows
    from gensynth.cli.input.models import fitted_names, image_schema
    from gensynth.cli.row_sources.scores import GraphScoredRows, ScoredRows

    made: Callable[[TableStream], ScoredRows | GraphScoredRows]
    if by_graph:
        from gensynth.export.runtime import OnnxScorer

        scorer = like = OnnxScorer.load(source, (threads or 1) if workers is None else workers.cpus)
        made = partial(GraphScoredRows, scorer, csv=out.csv)
    else:
        from gensynth.persistence import load

        like = load(source)
        made = partial(ScoredRows, like, method=method, n_reasons=most, csv=out.csv)
    images = ImageOptions(skip_bad=skip_bad).like(image_schema(like))
    table = stream(path_for(workers, found), missing, like=like, pipe=out.pipe, images=images)
    check_spreads(workers, table)
    check_beside(table, fitted_names(like), "the model was fitted with")
    rows = made(table)
    check_free([*table.names, *added_names(table)], data, rows.added)
    run = {
        "command": "score",
        "model": digest_of(source),
        "data": identity_of(found),
        "missing": missing,
        "method": method,
        "explain": most,
    }
    written = write_rows(rows, out, run, workers)
    low, high = (
        min((low for low, _ in written.told), default=0.0),
        max((high for _, high in written.told), default=0.0),
    )
    span = f" with scores from {low:.4g} to {high:.4g}" if written.told else ""
    say(f"{counted(written.n_rows, 'row')}{span} written to {out}")
