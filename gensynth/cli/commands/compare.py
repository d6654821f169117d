"""``gensynth compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from gensynth.cli.options.declarations import (
    EvaluationSeed,
    ImagesData,
    ImageSize,
    JsonFile,
    Kinds,
    Missing,
    PageFile,
    PredictedColumn,
    Quiet,
    Relations,
    SkipBad,
    Threads,
)


def compare(
    data: ImagesData,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            "-m",
            metavar="NAMES",
            help="Families of models, separated by commas; gensynth models lists them. When not given: all "
            "that can sample rows.",
            show_default=False,
        ),
    ] = None,
    target: PredictedColumn = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="TABLE",
            help="Held-out real rows for the evaluation. When not given: a random 30 % of the rows of DATA.",
            show_default=False,
        ),
    ] = None,
    max_time: Annotated[
        float, typer.Option("--max-time", metavar="SECONDS", help="Time limit for training each model.")
    ] = 60.0,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter of the trainer, or of a model by name: trainer.max_epochs=5, "
            "vlae.latent_dim=16. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    page: PageFile = None,
    as_json: JsonFile = None,
    kinds: Kinds = None,
    relations: Relations = None,
    missing: Missing = None,
    image_size: ImageSize = None,
    skip_bad: SkipBad = False,
    seed: EvaluationSeed = 0,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Fit several models to a part of DATA, and rank them by their fidelity to the rest.

    The table also has real rows as a reference, and independent columns (DATA with each column shuffled). A model
    that fails is reported in its line. The last line is the verdict.
    """
    from gensynth.cli.input.evaluation import found_tables, read_tables
    from gensynth.cli.input.images import ImageOptions
    from gensynth.cli.options.columns import declared_kinds, declared_relations
    from gensynth.cli.options.training import chosen_models
    from gensynth.cli.reports.comparison import comparison_facts, comparison_summary
    from gensynth.cli.reports.evaluation import report_files, to_json
    from gensynth.errors import OptionError

    inputs = found_tables({"DATA": data, "--holdout": holdout})
    page, as_json, to_stdout = report_files(page, as_json, inputs)
    named, trainer = chosen_models(models, settings, max_time)
    images = ImageOptions.of(image_size, skip_bad=skip_bad)
    frames, target = read_tables(inputs, target, missing, kinds, images)
    columns = list(frames[0].columns)

    from gensynth.cli.terminal.progress import progress_bar
    from gensynth.comparison import compare as compare_models

    with progress_bar() as progress:
        found = compare_models(
            frames[0],
            named,
            target=target,
            holdout=None if holdout is None else frames[1],
            trainer=trainer,
            schema=declared_kinds(kinds, columns),
            relations=declared_relations(relations),
            random_state=seed,
            progress=progress,
        )
    if found.best is None:
        raise OptionError(found.verdict)
    written = []
    if page is not None:
        from gensynth.report.comparison import write_comparison

        write_comparison(found, page, title=data, facts=comparison_facts(found, data, holdout, max_time))
        written.append(str(page))
    if as_json is not None:
        to_json(found, as_json)
        written.append(str(as_json))
    if to_stdout:
        to_json(found, None)
    comparison_summary(found, written, err=to_stdout)
