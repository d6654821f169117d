"""``gensynth score``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.options import PART_ROWS, Data, Missing, Output, PartRows, PipeFormat, ResumeParts
from gensynth.errors import OptionError, counted

_MOST = 3


def score(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A .gensynth file, written by gensynth fit or gensynth detect --save.",
            show_default=False,
        ),
    ],
    data: Data,
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
    part_rows: PartRows = PART_ROWS,
    resume: ResumeParts = False,
    pipe: PipeFormat = "csv",
) -> None:
    """Score each row of DATA by a trained model.

    OUT holds the rows of DATA with a column "score": the higher, the more normal.
    """
    from gensynth.cli.outputs import digest_of, identity_of, table_output
    from gensynth.cli.paths import find, model_file, stream

    if top is not None and not explain:
        raise OptionError("--top says how many columns --explain names; add --explain or leave it out")
    if top is not None and top < 1:
        raise OptionError(f"--top must be at least 1, not {top}")
    source, found = model_file(model), find(data, several=True)
    out = table_output(output, [source, found], part_rows=part_rows, resume=resume, pipe=pipe)
    from gensynth.cli.fitted import explained
    from gensynth.cli.rows import check_free, scored
    from gensynth.cli.terminal import say
    from gensynth.persistence import load

    fitted = load(source)
    table = stream(found, missing, like=fitted, pipe=pipe)
    check_free(table.names, data, ("score", "top_columns", "reason") if explain else ("score",))
    most = top or _MOST
    run = {
        "command": "score",
        "model": digest_of(source),
        "data": identity_of(found),
        "missing": missing,
        "method": method,
        "explain": most if explain else 0,
    }
    low, high = math.inf, -math.inf
    with out.writer(table.n_rows, run) as writer:
        n = table.n_rows - writer.start
        for rows, analysis in fitted.analyse_batches(table, method, start=writer.start):
            reasons = explained(analysis, most) if explain else {}
            scores = analysis.scores
            low, high = min(low, float(scores.min())), max(high, float(scores.max()))
            writer.write(scored(rows, {"score": scores, **reasons}, csv=writer.format == "csv"))
    span = f" with scores from {low:.4g} to {high:.4g}" if n else ""
    say(f"{counted(n, 'row')}{span} written to {out}")
