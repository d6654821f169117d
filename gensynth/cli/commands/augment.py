"""``gensynth augment``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.execution.engine import LOCAL, drawing, workers_of
from gensynth.cli.options.declarations import (
    AsJson,
    Engine,
    ImagesData,
    ImageSize,
    Kinds,
    MaxTime,
    Missing,
    Quiet,
    Relations,
    Seed,
    Settings,
    SkipBad,
    Threads,
    WorkerCount,
    WorkerCpus,
    WorkerGpus,
)
from gensynth.defaults import SAMPLING_MODEL
from gensynth.errors import OptionError


def augment(
    data: ImagesData,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write; its extension .csv, .tsv (both also with .gz) or .parquet determines the "
            "format. For images: a folder (its name ends in /) of PNG files, in one folder per label, "
            "or a .npz file.",
            show_default=False,
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="COL",
            help="Column of the classes or values to predict; by default the target of the card if DATA is a data set.",
            show_default=False,
        ),
    ] = None,
    balance: Annotated[
        bool, typer.Option("--balance", help="Add rows until every class has as many as the largest.")
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", help="Add N rows, with the class proportions of DATA.", show_default=False),
    ] = None,
    ratio: Annotated[
        str | None,
        typer.Option(
            "--ratio",
            metavar="R|auto",
            help="Add R rows for each real one, with the class proportions of DATA. auto: few but typical "
            "rows, for training a classifier of --target. Each class but the largest gets at most "
            "four new rows for each real one, the likeliest half of the candidates.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Family of models; gensynth models lists them. auto: compare several and select one of "
            "them; --max-time, 600 seconds when not given, covers all of it.",
        ),
    ] = SAMPLING_MODEL,
    settings: Settings = None,
    kinds: Kinds = None,
    relations: Relations = None,
    missing: Missing = None,
    image_size: ImageSize = None,
    skip_bad: SkipBad = False,
    seed: Seed = None,
    max_time: MaxTime = None,
    drop_copies: Annotated[
        bool,
        typer.Option(
            "--drop-copies",
            help="Replace rows that equal a real row by others. The result no longer follows the real "
            "distribution: common combinations become rare, and associations may be reversed.",
        ),
    ] = False,
    only_synthetic: Annotated[
        bool, typer.Option("--only-synthetic", help="Write the new rows only, without the real ones.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check",
            help="Cross-validate on real rows whether the new ones help a classifier to predict --target. "
            "This trains three more models, and takes half of --max-time.",
        ),
    ] = True,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="PAGE",
            help="Evaluate the new rows, as gensynth evaluate does, and write a page. With --balance or "
            "--ratio auto they are compared with real rows of the same classes.",
            show_default=False,
        ),
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="TABLE",
            help="Held-out real rows for --report, not used for training. Only with them can memorisation "
            "of the training rows be tested.",
            show_default=False,
        ),
    ] = None,
    engine: Engine = LOCAL,
    worker_count: WorkerCount = None,
    worker_cpus: WorkerCpus = None,
    worker_gpus: WorkerGpus = None,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
    as_json: AsJson = False,
) -> None:
    """Add synthetic rows to DATA.

    OUT has the real rows first, unchanged, then the synthetic ones; a column "_synthetic" marks these (for images, in
    the file rows.csv of a folder, or an array of a .npz file).
    Without --balance, --rows and --ratio the number of rows is doubled. With --engine ray workers generate the new
    rows, if there are more than 131,072; everything else runs in this process.
    """
    from gensynth.cli.input.images import ImageOptions, check_learnable
    from gensynth.cli.input.tables import stream
    from gensynth.cli.options.amount import Amount
    from gensynth.cli.options.columns import declared_kinds, declared_relations, known_columns
    from gensynth.cli.options.paths import TABLE_ENDINGS, checked_output, find
    from gensynth.cli.options.training import model_and_trainer
    from gensynth.cli.output.cells import write_augmented
    from gensynth.cli.output.images import images_to_augment, write_augmented_images
    from gensynth.cli.reports.augmentation import AddedRows, added_report
    from gensynth.cli.reports.summary_json import augmentation_facts, print_json
    from gensynth.cli.reports.summary_text import augmentation_summary
    from gensynth.tables.imagestream import ImageStream

    start, asked = time.perf_counter(), Amount.of(rows, ratio, balance=balance)
    found = find(data, several=True)
    workers = workers_of(engine, worker_count, worker_cpus, worker_gpus)
    pictures = output.lower().endswith((".npz", "/", os.sep))
    pictures |= Path(output).is_dir() and not output.endswith(TABLE_ENDINGS)
    path = Path(output) if pictures else checked_output(Path(output), inputs=[found])
    target = target or getattr(found, "target", None)  # a card knows its target
    if asked.by_class and target is None:
        raise OptionError(f"{asked.option} needs --target COL: which column of {data} holds the classes?")
    wanted, trainer = model_and_trainer(model, settings, max_time)
    images = ImageOptions.of(image_size, None if isinstance(wanted, str) else wanted, skip_bad=skip_bad)
    targets = [target] if target is not None else []
    source = stream(found, missing, kinds, targets, images=images)
    if isinstance(source, ImageStream):
        check_learnable(source, targets)
    table = source.whole()
    columns = list(table.frame.columns)
    known_columns("--target", targets, columns)
    schema = declared_kinds(kinds, columns)
    real, out, of_files = images_to_augment(source, table.frame, schema, output, [found])
    alike = images if holdout is None else images.like_those_of(source)
    reading = {"missing": missing, "kinds": kinds, "targets": targets, "images": alike}
    new = AddedRows(target, asked, schema)
    report = added_report(page, holdout, found, real, path, new, **reading)
    from gensynth.augmentation import augment as augment_table

    with drawing(workers):
        result = augment_table(
            real,
            target,
            balance=balance,
            n_rows=rows,
            ratio=asked.ratio,
            only_synthetic=only_synthetic,
            model=wanted,
            trainer=trainer,
            schema=schema,
            relations=declared_relations(relations),
            drop_copies=drop_copies,
            check=check,
            random_state=seed,
        )
    if out is None:
        write_augmented(table, result, path, only_synthetic=only_synthetic)
    else:
        write_augmented_images(result, out, target, of_files=of_files)
    evaluation = (
        None if report is None else report.write(result, target, by_class=asked.by_class, schema=schema, seed=seed)
    )
    seconds, written = time.perf_counter() - start, [path, *([] if report is None else [report.page])]
    if as_json:
        print_json(augmentation_facts(result.report, written, seconds, evaluation))
    else:
        augmentation_summary(result.report, target, written, seconds, evaluation)
