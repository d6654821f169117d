"""Arguments and options that several commands share: typer declarations, with one help text each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.terminal.messages import be_quiet
from gensynth.errors import OptionError, counted

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A .csv, .tsv (also as .gz or .zip) or .parquet file, a folder or a pattern of such files, - for standard "
        "input, or the name of a data set.",
        show_default=False,
    ),
]
ImageSize = Annotated[
    str | None,
    typer.Option(
        "--image-size",
        metavar="PIXELS",
        help="Resize images to this size, 32 or HEIGHTxWIDTH, after cropping to the aspect ratio around the centre.",
        show_default=False,
    ),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip damaged image files.")]
ImagesData = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A .csv, .tsv (also as .gz or .zip) or .parquet file, a folder or a pattern of such files, - "
        "for standard input, or the name of a data set. Or images: a folder of PNG and JPEG files, or "
        "of one such folder per label, or a .npz file.",
        show_default=False,
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="File to write; its extension .csv, .tsv (both also with .gz) or .parquet determines the "
        "format. A folder (its name ends in /): Parquet files of --part-rows rows. - is standard "
        "output.",
        show_default=False,
    ),
]
OutputFile = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="File to write; its extension .csv, .tsv (both also with .gz) or .parquet determines the format.",
        show_default=False,
    ),
]
PartRows = Annotated[
    int | None,
    typer.Option(
        "--part-rows",
        metavar="N",
        min=1,
        help="Rows of each Parquet file if OUT is a folder, 1,000,000 when not given.",
        show_default=False,
    ),
]
PART_ROWS = 1_000_000
ResumeParts = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Continue after the last complete Parquet file of the folder OUT, written by an interrupted "
        "run of the same command.",
    ),
]
PipeFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Format of standard input and output (-): csv (when not given) or arrow.",
        show_default=False,
    ),
]
ModelFile = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A .gensynth file, written by gensynth fit.", show_default=False)
]
ModelName = Annotated[
    str, typer.Option("--model", "-m", metavar="NAME", help="Family of models; gensynth models lists them.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A parameter of the model or the trainer: model.latent_dim=16, trainer.max_epochs=5. Can be repeated.",
        show_default=False,
    ),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--schema",
        metavar="COL=KIND",
        help="Kind of a column, instead of the inferred one: numeric, categorical, boolean, datetime, "
        "identifier or constant; dates also with their format (datetime:%d/%m/%Y). Can be repeated.",
        show_default=False,
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        "--missing",
        metavar="TEXT",
        help='Texts that mean a missing value in CSV files, separated by commas; "": only empty cells. '
        "When not given: NA, N/A, null, None, NaN, ? and empty cells. Can be repeated.",
        show_default=False,
    ),
]
Weight = Annotated[
    str | None,
    typer.Option(
        "--weight",
        metavar="COL",
        help="Column of row weights, numbers of at least 0; it is not learned. Whole numbers are "
        "repetitions of rows, others are relative.",
        show_default=False,
    ),
]
Relations = Annotated[
    list[str] | None,
    typer.Option(
        "--relation",
        metavar="RELATION",
        help="Keep this relation between columns: 'total = net + vat', 'vat = 0.21 * net', 'start <= end', "
        "'city -> state', 'a, b missing together'. Can be repeated. When not given, the relations "
        "that hold in every row are found and kept; none keeps no relations.",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="INTEGER",
        min=0,
        max=2**32 - 1,
        help="Seed; the same seed gives the same result (on one kind of device).",
        show_default=False,
    ),
]
MaxTime = Annotated[
    float | None,
    typer.Option(
        "--max-time",
        metavar="SECONDS",
        help="Time limit for training; the best weights so far are kept.",
        show_default=False,
    ),
]
PageFile = Annotated[
    Path | None, typer.Option("--html", metavar="PAGE", help="Also write an HTML page.", show_default=False)
]
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Also write all results as JSON; - for standard output, instead of the table.",
        show_default=False,
    ),
]
PredictedColumn = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="COL",
        help="Column that models are trained to predict; by default the target of the card if the table is a data set.",
        show_default=False,
    ),
]
EvaluationSeed = Annotated[
    int,
    typer.Option("--seed", metavar="INTEGER", min=0, max=2**32 - 3, help="Seed; the same seed gives the same numbers."),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=be_quiet, is_eager=True, help="Write only errors to standard error."),
]


def use_threads(n: int | None) -> int | None:
    """Set the number of threads of torch and other libraries in this process.

    Raises
    ------
    OptionError
        More than there are processors.
    """
    if n is None:
        return None
    there = os.cpu_count() or 1
    if n > there:
        raise OptionError(f"--threads {n} is more than the {counted(there, 'processor')} of this machine")
    os.environ["OMP_NUM_THREADS"] = str(n)  # read when torch starts
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n)
    return n


Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        callback=use_threads,
        help="Number of threads. When not given: OMP_NUM_THREADS, else one for training a small network, "
        "and one per processor for everything else.",
        show_default=False,
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="Where to compute: local (this process) or ray (workers of a Ray cluster, that of RAY_ADDRESS "
        "or one on this machine; all machines must have the files at the same path).",
    ),
]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Number of workers of --engine ray; when not given, as many as there is room for.",
        show_default=False,
    ),
]
WorkerCpus = Annotated[
    int | None,
    typer.Option(
        "--worker-cpus",
        metavar="N",
        min=1,
        help="Processors, and threads, of each worker of --engine ray, 1 when not given.",
        show_default=False,
    ),
]
WorkerGpus = Annotated[
    float | None,
    typer.Option(
        "--worker-gpus",
        metavar="N",
        min=0.0,
        help="GPUs of each worker of --engine ray, none when not given; 0.25: four workers share one.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print the summary as JSON to standard output, instead of text to standard error."),
]


def check_format(name: str | None, places: Iterable[object]) -> str:
    """Return the format of standard streams; raise `OptionError` if it is invalid or unused."""
    if name is None:
        return "csv"
    if name not in ("csv", "arrow"):
        raise OptionError(f"--format must be csv or arrow, not {name!r}")
    if all(str(place) != "-" for place in places):
        raise OptionError("--format is of standard input and output (-), and files have theirs; leave it out")
    return name


def check_utf8(option: str, text: str) -> None:
    """Raise `OptionError` if an argument has bytes that are not UTF-8: no cell of a table can be equal to it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OptionError(f"{option} {text!r} is not UTF-8 text; write it in a terminal that is set to UTF-8") from None
