"""``gensynth evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer

from gensynth.cli.options.declarations import (
    EvaluationSeed,
    ImageSize,
    JsonFile,
    Kinds,
    Missing,
    PageFile,
    PredictedColumn,
    Quiet,
    SkipBad,
    Threads,
)
from gensynth.errors import OptionError


def evaluate(
    real: Annotated[
        str,
        typer.Argument(
            metavar="REAL",
            help="Table that the model was trained on, or images: a folder of PNG and JPEG files, or of "
            "one such folder per label, or a .npz file. One of the tables may be -, standard input.",
            show_default=False,
        ),
    ],
    synthetic: Annotated[
        str,
        typer.Argument(
            metavar="SYNTHETIC",
            help='Table to evaluate, with the same columns; if it has a column "_synthetic", only the marked rows.',
            show_default=False,
        ),
    ],
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="TABLE",
            help="Held-out real rows that the model never saw. Only with them can memorisation of the "
            "training rows be tested.",
            show_default=False,
        ),
    ] = None,
    target: PredictedColumn = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="Print only this metric.", show_default=False),
    ] = None,
    page: PageFile = None,
    as_json: JsonFile = None,
    kinds: Kinds = None,
    missing: Missing = None,
    image_size: ImageSize = None,
    skip_bad: SkipBad = False,
    seed: EvaluationSeed = 0,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Evaluate SYNTHETIC: fidelity to REAL, memorisation, and utility.

    Every metric is shown beside its value for real rows in the place of the synthetic ones, and for independent
    columns (REAL with each column, and each pixel of images, shuffled). The last line is the verdict.
    """
    from gensynth.cli.input.evaluation import called, found_tables, only_synthetic, read_tables
    from gensynth.cli.input.images import ImageOptions
    from gensynth.cli.options.columns import declared_kinds
    from gensynth.cli.reports.evaluation import report_files, to_json

    if metric is not None and (page is not None or as_json is not None):
        raise OptionError("--metric prints one number; leave out --html and --json, or --metric")
    inputs = found_tables({"REAL": real, "SYNTHETIC": synthetic, "--holdout": holdout})
    page, as_json, to_stdout = report_files(page, as_json, inputs)
    images = ImageOptions.of(image_size, skip_bad=skip_bad)
    frames, target = read_tables(inputs, target, missing, kinds, images)
    columns = list(frames[0].columns)
    frames[1] = only_synthetic(frames[1], columns, called(synthetic))
    schema = declared_kinds(kinds, columns)

    from gensynth.cli.terminal.progress import progress_bar
    from gensynth.evaluation import evaluate as evaluate_tables
    from gensynth.evaluation import evaluate_metric

    if metric is not None:
        value = evaluate_metric(metric, *frames, target=target, schema=schema, random_state=seed)
        typer.echo(f"{value:.6g}")
        return
    with progress_bar() as progress:
        found = evaluate_tables(*frames, target=target, schema=schema, random_state=seed, progress=progress)
    from gensynth.cli.reports.summary_text import evaluation_summary

    written = []
    if page is not None:
        from gensynth.cli.reports.evaluation import page_facts
        from gensynth.report.evaluation import write_evaluation

        facts = page_facts(found, {"real": real, "synthetic": synthetic, "holdout": holdout})
        write_evaluation(found, page, title=called(synthetic), facts=facts)
        written.append(str(page))
    if as_json is not None:
        to_json(found, as_json)
        written.append(str(as_json))
    if to_stdout:
        to_json(found, None)
    evaluation_summary(found, written, err=to_stdout)
