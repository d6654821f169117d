"""``gensynth fit``."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gensynth.cli.execution.engine import LOCAL, workers_of
from gensynth.cli.options.declarations import (
    AsJson,
    Engine,
    ImagesData,
    ImageSize,
    Kinds,
    MaxTime,
    Missing,
    ModelName,
    PipeFormat,
    Quiet,
    Relations,
    Seed,
    Settings,
    SkipBad,
    Threads,
    Weight,
    WorkerCount,
    WorkerCpus,
    WorkerGpus,
    check_format,
)
from gensynth.cli.terminal import processes
from gensynth.defaults import SAMPLING_MODEL
from gensynth.errors import OptionError

if TYPE_CHECKING:
    from gensynth.synthesizer import Synthesizer
    from gensynth.tables import TableStream


def fit(
    data: ImagesData,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Model file to write, with the extension .gensynth.")
    ],
    model: ModelName = SAMPLING_MODEL,
    condition_on: Annotated[
        list[str] | None,
        typer.Option(
            "--condition-on",
            "--target",
            metavar="COL",
            help="Column that samples will be conditioned on (gensynth sample --where). Can be repeated.",
            show_default=False,
        ),
    ] = None,
    settings: Settings = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="JSON file of gensynth tune --json, with the model and its settings; --set overrides it.",
            show_default=False,
        ),
    ] = None,
    kinds: Kinds = None,
    relations: Relations = None,
    missing: Missing = None,
    image_size: ImageSize = None,
    skip_bad: SkipBad = False,
    save_progress: Annotated[
        Path | None,
        typer.Option(
            "--save-progress",
            metavar="FOLDER",
            help="Sample images from the same noise at every evaluation during training, and write them to "
            "this folder with the history of the losses.",
            show_default=False,
        ),
    ] = None,
    weight: Weight = None,
    seed: Seed = None,
    max_time: MaxTime = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Write the training state to this file regularly, for --resume.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue from --checkpoint FILE, written by an interrupted run of the same command.",
        ),
    ] = False,
    memory_rows: Annotated[
        int | None,
        typer.Option(
            "--memory-rows",
            metavar="N",
            min=2,
            help="Maximal number of rows in memory. The schema of a larger table is inferred from this "
            "many random rows, and all rows are encoded into a temporary file for training. 500,000 "
            "when not given, fewer for large images.",
            show_default=False,
        ),
    ] = None,
    pipe: PipeFormat = None,
    engine: Engine = LOCAL,
    worker_count: WorkerCount = None,
    worker_cpus: WorkerCpus = None,
    worker_gpus: WorkerGpus = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on DATA.

    OUT is the model file for gensynth sample and gensynth score.
    """
    options = dict(locals())  # as they came, for workers
    from gensynth.cli.input.tables import stream
    from gensynth.cli.options.columns import declared_kinds, declared_relations, known_columns
    from gensynth.cli.options.paths import find
    from gensynth.cli.options.training import checkpoint_seed, recipe_and_trainer, snapshots, training_files

    start = time.perf_counter()
    found = find(data, several=True)
    workers = workers_of(engine, worker_count, worker_cpus, worker_gpus, [data], threads)
    pipe = check_format(pipe, [found])
    path, checkpoint = training_files(found, output, checkpoint, resume=resume)
    recipe, trainer = recipe_and_trainer(model, settings, max_time, file=settings_file)
    if condition_on:
        from gensynth.engine.capabilities import CONDITIONAL, require

        require(recipe, *CONDITIONAL)
    if workers is not None:
        from gensynth.cli.execution.ray_fit import fit_by_workers

        fit_by_workers(fit, options, found, workers)
        return
    if checkpoint is not None:
        from gensynth.nn import ranks

        trainer.checkpoint = checkpoint
        seed = ranks.on_first(functools.partial(checkpoint_seed, checkpoint, seed, resume=resume))
    from gensynth.cli.input.images import ImageOptions, check_learnable
    from gensynth.cli.input.weights import stream_weights
    from gensynth.tables.imagestream import ImageStream

    images = ImageOptions.of(image_size, recipe, skip_bad=skip_bad)
    rows = stream(found, missing, kinds, condition_on or (), pipe=pipe, images=images)
    if isinstance(rows, ImageStream):
        check_learnable(rows, condition_on)
    elif save_progress is not None and not any(kind.endswith("=image") for kind in kinds or ()):
        raise OptionError(f"--save-progress draws images, and {data} is a table; leave it out")
    if save_progress is not None and processes.is_first():
        trainer.callbacks = [*(trainer.callbacks or ()), snapshots(save_progress, resume=resume)]
    table, weights = stream_weights(rows, weight)
    columns = [str(name) for name in table.names]
    known_columns("--condition-on", condition_on or (), columns)
    from gensynth.synthesizer import Synthesizer

    synthesizer = Synthesizer(
        recipe,
        trainer=trainer,
        schema=declared_kinds(kinds, columns),
        relations=declared_relations(relations),
        condition_on=condition_on or None,
        random_state=seed,
    ).fit(table, sample_weight=weights, resume=resume, memory_rows=memory_rows)
    if processes.is_first():
        _note_few_rows(rows.n_rows)
        synthesizer.save(path)
        _tell(synthesizer, rows, path, time.perf_counter() - start, as_json=as_json)


def _note_few_rows(n: int) -> None:
    """Note that a model was trained without held-out rows, and may have memorised its training rows."""
    from gensynth.cli.terminal.messages import note
    from gensynth.training.schedule import MIN_ROWS_TO_SPLIT

    if n < MIN_ROWS_TO_SPLIT:
        note(
            f"{n} rows are too few for held-out rows in training (at least {MIN_ROWS_TO_SPLIT}): the model may have "
            "memorised them, and synthetic rows may repeat them"
        )


def _tell(synthesizer: Synthesizer, rows: TableStream, path: Path, seconds: float, *, as_json: bool) -> None:
    """Say what was fitted, on standard error or as JSON on standard output."""
    from gensynth.cli.reports.summary_json import fit_facts, print_json
    from gensynth.cli.reports.summary_text import fit_summary
    from gensynth.cli.terminal.messages import say
    from gensynth.tables.imagestream import ImageStream

    if as_json:
        print_json(fit_facts(synthesizer, rows.n_rows, path, seconds))
    else:
        if isinstance(rows, ImageStream):
            say(str(rows))
        fit_summary(synthesizer, rows.n_rows, path, seconds)
