"""``gensynth sample``."""

from __future__ import annotations

from typing import Annotated

import typer

from gensynth.cli.options import (
    ModelFile,
    Output,
    PartRows,
    PipeFormat,
    Quiet,
    ResumeParts,
    Seed,
    Threads,
)
from gensynth.errors import OptionError, counted


def sample(
    model: ModelFile,
    output: Output,
    n: Annotated[int, typer.Option("-n", "--rows", metavar="N", help="Number of rows.")] = 1000,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="COL=VALUE",
            help="Only rows with this value in this column (an empty VALUE: missing), or values above or below one: "
            "'COL>=VALUE', also with >, <, <= and !=. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
    part_rows: PartRows = None,
    resume: ResumeParts = False,
    pipe: PipeFormat = None,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Draw new rows from a trained model."""
    from gensynth.cli.conditions import conditions
    from gensynth.cli.outputs import digest_of, table_output
    from gensynth.cli.paths import model_file
    from gensynth.cli.terminal import say

    if n < 1:
        raise OptionError(f"--rows must be at least 1, not {n}")
    source = model_file(model)
    out = table_output(output, [source], part_rows=part_rows, resume=resume, pipe=pipe)
    from gensynth.cli.fitted import load_synthesizer

    synthesizer = load_synthesizer(source, "sample")
    wanted = conditions(where or (), synthesizer)
    style = synthesizer.fitted_.container.style
    run = {"command": "sample", "model": digest_of(source), "where": where, "seed": seed}
    with out.writer(n, run) as writer:
        left = n - writer.start
        for frame in synthesizer.sample_batches(n, wanted, seed, start=writer.start):
            writer.write_frame(frame, style)
    say(f"{counted(left, 'synthetic row')} written to {out}")
