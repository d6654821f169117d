"""``gensynth export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.options.declarations import Quiet
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
            help="File for the scorer, from raw columns to scores; for a detector also p-values and "
            "labels, for images also maps.",
            show_default=False,
        ),
    ] = None,
    sampler: Annotated[
        Path | None,
        typer.Option(
            "--sampler",
            metavar="FILE.onnx",
            help="File for the sampler of a synthesizer, from noise to raw columns and images.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        int,
        typer.Option(
            "--check",
            metavar="N",
            help="Number of rows on which graph and model are compared before writing; 0: no check.",
        ),
    ] = 1000,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="Score method of a synthesizer's scorer; the first one when not given.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Write a trained model as ONNX graphs, which run without gensynth.

    A graph contains everything from the raw columns on. It is compared with the model on generated rows before it is
    written.
    """
    from gensynth.cli.options.paths import ONNX_ENDINGS, check_distinct, checked_output, model_file
    from gensynth.cli.terminal.messages import say

    if scorer is None and sampler is None:
        raise OptionError("nothing to write: give --scorer FILE.onnx or --sampler FILE.onnx")
    if method is not None and scorer is None:
        raise OptionError("--method says how the scorer scores: add --scorer FILE.onnx, or leave --method out")
    if check < 0:
        raise OptionError(f"--check must be at least 0, not {check}")
    source = model_file(model)
    asked = {"--scorer": scorer, "--sampler": sampler}
    check_distinct(asked)
    paths = {o: None if p is None else checked_output(p, ONNX_ENDINGS, [source], o) for o, p in asked.items()}
    from gensynth.persistence import load
    from gensynth.synthesizer import Synthesizer

    fitted = load(source)
    if isinstance(fitted, Synthesizer):
        found = fitted.to_onnx(paths["--scorer"], paths["--sampler"], method=method, check=check)
    elif method is not None or sampler is not None:
        option = "--sampler" if method is None else "--method"
        raise OptionError(
            f"{option} is for synthesizers; {source} holds a detector, which is exported by --scorer alone"
        )
    else:
        assert paths["--scorer"] is not None
        found = {"scorer": fitted.to_onnx(paths["--scorer"], check=check)}
    for name, checked in found.items():
        rows, by = counted(checked.rows, "row"), checked.runtime
        what = f"the largest difference in {rows} is {checked.difference:.1e} ({by})"
        if name == "sampler":
            what = f"{checked.difference:.1e} of the cells of {rows} differ ({by})"
        say(f"{name} written to {paths[f'--{name}']}{f'; {what}' if checked.rows else ''}")
