"""``gensynth score``."""

from __future__ import annotations

from typing import Annotated

import typer

from gensynth.cli.options import Data, ModelFile, Output


def score(
    model: ModelFile,
    data: Data,
    output: Output,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="How to score; the model's first method when not given.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Score each row of DATA by a trained model.

    OUT holds the rows of DATA with a column "score": the higher, the more normal.
    """
    from gensynth.cli.paths import checked_output, find, model_file, read
    from gensynth.cli.rows import write_scored
    from gensynth.cli.terminal import say
    from gensynth.errors import DataError

    source, found = model_file(model), find(data)
    path = checked_output(output, inputs=[source, found])
    from gensynth.persistence import load

    synthesizer = load(source)
    table = read(found)
    if "score" in table.frame.columns:
        raise DataError(f"{data} has a column 'score' already; rename it first")
    scores = synthesizer.score_samples(table.frame, method=method)
    write_scored(table, scores, path)
    say(f"{len(scores):,} rows with scores from {scores.min():.4g} to {scores.max():.4g} written to {path}")
