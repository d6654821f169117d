"""``gensynth sample``."""

from __future__ import annotations

from typing import Annotated

import typer

from gensynth.cli.options import ModelFile, Output, Quiet, Seed
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
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Draw new rows from a trained model."""
    from gensynth.cli.conditions import conditions
    from gensynth.cli.paths import checked_output, model_file
    from gensynth.cli.terminal import say

    if n < 1:
        raise OptionError(f"--rows must be at least 1, not {n}")
    source = model_file(model)
    path = checked_output(output, inputs=[source])
    from gensynth.cli.fitted import load_synthesizer
    from gensynth.tables import write_table

    synthesizer = load_synthesizer(source, "sample")
    wanted = conditions(where or (), synthesizer)
    frame = synthesizer.sample(n, conditions=wanted, random_state=seed)
    write_table(frame, path, synthesizer.fitted_.container.style)
    say(f"{counted(len(frame), 'synthetic row')} written to {path}")
