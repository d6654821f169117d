"""``gensynth score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.options import Data, Missing, Output, Quiet
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
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Score each row of DATA by a trained model.

    OUT holds the rows of DATA with a column "score": the higher, the more normal.
    """
    from gensynth.cli.paths import checked_output, find, model_file, read

    if top is not None and not explain:
        raise OptionError("--top says how many columns --explain names; add --explain or leave it out")
    if top is not None and top < 1:
        raise OptionError(f"--top must be at least 1, not {top}")
    source, found = model_file(model), find(data)
    path = checked_output(output, inputs=[source, found])
    from gensynth.cli.fitted import explained
    from gensynth.cli.rows import check_free, write_scored
    from gensynth.cli.terminal import say
    from gensynth.persistence import load

    fitted = load(source)
    table = read(found, missing, like=fitted)
    check_free(table, data, ("score", "top_columns", "reason") if explain else ("score",))
    analysis = fitted.analyse(table.frame, method)
    reasons = explained(analysis, top or _MOST) if explain else {}
    scores = analysis.scores
    write_scored(table, {"score": scores, **reasons}, path)
    say(f"{counted(len(scores), 'row')} with scores from {scores.min():.4g} to {scores.max():.4g} written to {path}")
