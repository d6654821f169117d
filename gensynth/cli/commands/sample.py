"""``gensynth sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.execution.engine import LOCAL, workers_of
from gensynth.cli.options.declarations import (
    Engine,
    ModelFile,
    PartRows,
    PipeFormat,
    Quiet,
    ResumeParts,
    Seed,
    Threads,
    WorkerCount,
    WorkerCpus,
    WorkerGpus,
)
from gensynth.errors import OptionError, counted


def sample(
    model: ModelFile,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write; its extension .csv, .tsv (both also with .gz) or .parquet determines the "
            "format. A folder (its name ends in /): Parquet files of --part-rows rows. - is standard "
            "output. For images: a folder of PNG files, in one folder per label, or a .npz file.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--rows", metavar="N", help="Number of rows.")] = 1000,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="COL=VALUE",
            help="Sample only rows with this value in this column (an empty VALUE: missing), or with "
            "values in a range: 'COL>=VALUE', also with >, <, <= and !=. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option(
            "--grid",
            metavar="PNG",
            help="Also write a grid of the images, with a row for each class; without OUT equally many of each class.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
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
    """Sample synthetic rows from a trained model."""
    from gensynth.cli.options.conditions import conditions
    from gensynth.cli.options.paths import model_file
    from gensynth.cli.output.tables import digest_of, table_output
    from gensynth.cli.terminal.messages import say

    if n < 1:
        raise OptionError(f"--rows must be at least 1, not {n}")
    source = model_file(model)
    pictures = grid is not None or (output is not None and output.lower().endswith(".npz"))
    if output is None and not pictures:
        raise OptionError("nothing to write: name --output OUT, or --grid PNG for a picture of images")
    workers = workers_of(engine, worker_count, worker_cpus, worker_gpus, [output], threads)
    out = (
        None
        if pictures or output is None
        else table_output(output, [source], part_rows=part_rows, resume=resume, pipe=pipe)
    )
    from gensynth.cli.input.models import load_synthesizer
    from gensynth.cli.output.images import draw_pictures, image_column, picture_output

    synthesizer = load_synthesizer(source, "sample")
    wanted = conditions(where or (), synthesizer)
    if image_column(synthesizer) is not None:
        if part_rows is not None or resume or pipe is not None or workers is not None:
            raise OptionError("--part-rows, --resume, --format and --engine are of tables, and the model is of images")
        places = picture_output(output, grid, [source])
        drawn = draw_pictures(synthesizer, places, n, wanted, seed)
        say(f"{counted(drawn, 'synthetic image')} written to {places}")
        return
    if out is None:
        raise OptionError(f"--grid and .npz files are of images, and {source} is a model of a table: name a .csv file")
    from gensynth.cli.execution.write import write_rows
    from gensynth.cli.row_sources.samples import SampledRows

    style = synthesizer.fitted_.container.style
    run = {"command": "sample", "model": digest_of(source), "where": where, "seed": seed}
    rows = SampledRows(synthesizer.chunked_sample(n, wanted, seed), style, csv=out.csv)
    written = write_rows(rows, out, run, workers)
    say(f"{counted(written.n_rows, 'synthetic row')} written to {out}")
