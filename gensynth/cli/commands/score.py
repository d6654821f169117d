"""``gensynth score``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from gensynth.cli.options import (
    ImagesData,
    Missing,
    Output,
    PartRows,
    PipeFormat,
    Quiet,
    ResumeParts,
    SkipBad,
    Threads,
)
from gensynth.errors import OptionError, counted

if TYPE_CHECKING:
    from gensynth.tables import Table, TableStream

_MOST = 3
Batches: TypeAlias = "Callable[[TableStream, int], Iterator[tuple[Table, dict[str, Any]]]]"


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
            help="How to score; the model's first method when not given.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help='Add the columns "top_columns" and "reason": what speaks against each row.'),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="N",
            help=f"Columns that --explain names at most, {_MOST} when not given.",
            show_default=False,
        ),
    ] = None,
    skip_bad: SkipBad = False,
    part_rows: PartRows = None,
    resume: ResumeParts = False,
    pipe: PipeFormat = None,
    threads: Threads = None,
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Score each row of DATA by a trained model.

    OUT holds the rows of DATA, of images their files, with a column "score": the higher, the more normal. Images are
    brought to the size that the model has seen. By an exported detector it has the
    columns "p_value" and "anomaly" too.
    """
    from gensynth.cli.images import ImageOptions, added_names, check_beside, described
    from gensynth.cli.outputs import digest_of, identity_of, table_output
    from gensynth.cli.paths import ONNX_ENDINGS, find, model_file, stream
    from gensynth.cli.rows import check_free, scored
    from gensynth.cli.terminal import say

    if top is not None and not explain:
        raise OptionError("--top says how many columns --explain names; add --explain or leave it out")
    if top is not None and top < 1:
        raise OptionError(f"--top must be at least 1, not {top}")
    source, found = model_file(model), find(data, several=True)
    out = table_output(output, [source, found], part_rows=part_rows, resume=resume, pipe=pipe)
    most = (top or _MOST) if explain else 0
    from gensynth.cli.fitted import fitted_names, image_schema

    if source.name.lower().endswith(ONNX_ENDINGS):
        if method is not None or explain:
            raise OptionError(f"{source} holds one score and no reasons: leave out --method and --explain")
        like, names, batches = _by_graph(source, threads or 1)
    else:
        like, names, batches = _by_model(source, method, most)
    images = ImageOptions(skip_bad=skip_bad).like(image_schema(like))
    table = stream(found, missing, like=like, pipe=out.pipe, images=images)
    check_beside(table, fitted_names(like), "the model was fitted with")
    check_free([*table.names, *added_names(table)], data, names)
    run = {
        "command": "score",
        "model": digest_of(source),
        "data": identity_of(found),
        "missing": missing,
        "method": method,
        "explain": most,
    }
    low, high = math.inf, -math.inf
    with out.writer(table.n_rows, run) as writer:
        n = table.n_rows - writer.start
        for rows, columns in batches(table, writer.start):
            low, high = min(low, float(columns["score"].min())), max(high, float(columns["score"].max()))
            writer.write(scored(described(table, rows), columns, csv=writer.format == "csv"))
    span = f" with scores from {low:.4g} to {high:.4g}" if n else ""
    say(f"{counted(n, 'row')}{span} written to {out}")


def _by_model(source: Path, method: str | None, most: int) -> tuple[Any, tuple[str, ...], Batches]:
    """Return a fitted model, the columns that it adds to rows, and how; ``most`` columns are named as reasons."""
    from gensynth.cli.fitted import explained
    from gensynth.persistence import load

    fitted = load(source)

    def batches(table: TableStream, start: int) -> Iterator[tuple[Table, dict[str, Any]]]:
        for rows, analysis in fitted.analyse_batches(table, method, start=start):
            reasons = explained(analysis, most) if most else {}
            yield rows, {"score": analysis.scores, **reasons}

    return fitted, ("score", "top_columns", "reason") if most else ("score",), batches


def _by_graph(source: Path, threads: int) -> tuple[Any, tuple[str, ...], Batches]:
    """Likewise for an exported scorer."""
    from gensynth.engine.streams import rows_counted_from
    from gensynth.export.runtime import OnnxScorer

    scorer = OnnxScorer.load(source, threads)
    names = tuple("anomaly" if name == "label" else name for name in scorer.scores)

    def batches(table: TableStream, start: int) -> Iterator[tuple[Table, dict[str, Any]]]:
        for rows in table.batches(start=start):
            with rows_counted_from(int(rows.frame.index[0]), table):
                columns: dict[str, Any] = scorer.score(rows.frame)
            if "label" in columns:
                columns["anomaly"] = columns.pop("label") == -1
            yield rows, columns

    return scorer, names, batches
