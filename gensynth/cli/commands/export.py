"""``gensynth export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gensynth.errors import OptionError, counted


def export(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A .gensynth file, written by gensynth fit or gensynth detect --save.",
            show_default=False,
        ),
    ],
    scorer: Annotated[
        Path | None,
        typer.Option(
            "--scorer",
            metavar="FILE.onnx",
            help="File to write the scorer to: raw columns in, scores out; of a detector p-values and labels too.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        int,
        typer.Option("--check", metavar="N", help="Rows on which graph and model are compared first; 0: none."),
    ] = 1000,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="How the scorer of a synthesizer scores; its first method when not given.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a trained model as ONNX graphs, which run without gensynth.

    A graph holds everything from the raw columns on. It is compared with the model on drawn rows before it is written.
    """
    from gensynth.cli.paths import ONNX_ENDINGS, checked_output, model_file
    from gensynth.cli.terminal import say

    if scorer is None:
        raise OptionError("nothing to write: give --scorer FILE.onnx")
    if check < 0:
        raise OptionError(f"--check must be at least 0, not {check}")
    source = model_file(model)
    path = checked_output(scorer, ONNX_ENDINGS, [source], "--scorer")
    from gensynth.persistence import load
    from gensynth.synthesizer import Synthesizer

    fitted = load(source)
    if isinstance(fitted, Synthesizer):
        checked = fitted.to_onnx(path, method=method, check=check)
    elif method is not None:
        raise OptionError(f"--method is for synthesizers; {source} holds a detector, whose score is the fitted one")
    else:
        checked = fitted.to_onnx(path, check=check)
    found = (
        f"; the largest difference in {counted(checked.rows, 'row')} is {checked.difference:.1e} ({checked.runtime})"
    )
    say(f"scorer written to {path}{found if checked.rows else ''}")
