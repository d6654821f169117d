"""``gensynth detect``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gensynth.cli.execution.engine import LOCAL, check_spreads, path_for, running, workers_of
from gensynth.cli.options.declarations import (
    AsJson,
    Engine,
    ImagesData,
    ImageSize,
    Kinds,
    MaxTime,
    Missing,
    ModelName,
    Output,
    PartRows,
    PipeFormat,
    Quiet,
    ResumeParts,
    Seed,
    Settings,
    SkipBad,
    Threads,
    Weight,
    WorkerCount,
    WorkerCpus,
    WorkerGpus,
)
from gensynth.defaults import DETECTION_MODEL
from gensynth.errors import OptionError

if TYPE_CHECKING:
    from gensynth.cli.output.tables import TableOutput
    from gensynth.detector import AnomalyDetector
    from gensynth.report.anomalies import Findings
    from gensynth.training import Trainer

FitRows = Annotated[
    int | None,
    typer.Option(
        "--fit-rows",
        metavar="N",
        min=2,
        help="Maximal number of training rows, drawn at random from a larger table. All rows are scored. "
        "500,000 when not given, fewer for large images.",
        show_default=False,
    ),
]


def detect(
    data: ImagesData,
    output: Output,
    train_on: Annotated[
        str | None,
        typer.Option(
            "--train-on",
            metavar="NORMAL",
            help="Table of normal rows for training; without it DATA itself is used, whose rows are "
            "assumed to be mostly normal.",
            show_default=False,
        ),
    ] = None,
    contamination: Annotated[
        str,
        typer.Option(
            "--contamination",
            metavar="SHARE",
            help="Fraction of anomalies in DATA, above 0 and at most 0.5; auto estimates it. With "
            "--train-on: fraction of normal rows that may be labelled as anomalies; auto is 0.01.",
        ),
    ] = "auto",
    fdr: Annotated[
        float | None,
        typer.Option(
            "--fdr",
            metavar="SHARE",
            help="False discovery rate: label rows so that at most this fraction of them is expected to be "
            "normal (Benjamini-Hochberg); needs --train-on.",
            show_default=False,
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="PAGE", help="Also write an HTML page about the most anomalous rows.", show_default=False
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="MODEL",
            help="Also write the detector to this .gensynth file, for gensynth score.",
            show_default=False,
        ),
    ] = None,
    model: ModelName = DETECTION_MODEL,
    score: Annotated[
        str,
        typer.Option(
            "--score", "--method", metavar="NAME", help="Score method of the model; auto for its first method."
        ),
    ] = "auto",
    settings: Settings = None,
    kinds: Kinds = None,
    missing: Missing = None,
    image_size: ImageSize = None,
    skip_bad: SkipBad = False,
    weight: Weight = None,
    seed: Seed = None,
    max_time: MaxTime = None,
    fit_rows: FitRows = None,
    part_rows: PartRows = None,
    resume: ResumeParts = False,
    pipe: PipeFormat = None,
    engine: Engine = LOCAL,
    worker_count: WorkerCount = None,
    worker_cpus: WorkerCpus = None,
    worker_gpus: WorkerGpus = None,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
    as_json: AsJson = False,
) -> None:
    """Find the anomalies of DATA, with a reason for each.

    OUT has the rows of DATA with the columns "score" (higher = more normal), "p_value", "anomaly" (true or false) and
    "reason" (a sentence about each anomaly; if their number is uncertain, about the ten most anomalous rows).
    """
    from gensynth.cli.options.labelling import check_labelling, check_settings, share_of
    from gensynth.cli.options.paths import MODEL_ENDINGS, PAGE_ENDINGS, check_distinct, checked_output, find
    from gensynth.cli.options.training import recipe_and_trainer
    from gensynth.cli.output.tables import identity_of, table_output

    start, share = time.perf_counter(), share_of(contamination)
    check_labelling(fdr, contamination, train_on)
    check_settings(settings or ())
    found, normal = find(data, several=True), None if train_on is None else find(train_on, several=True)
    inputs = [found] if normal is None else [found, normal]
    workers = workers_of(engine, worker_count, worker_cpus, worker_gpus, [data, output])
    out = table_output(output, inputs, part_rows=part_rows, resume=resume, pipe=pipe)
    page = None if page is None else checked_output(page, PAGE_ENDINGS, inputs, "--html")
    save = None if save is None else checked_output(save, MODEL_ENDINGS, inputs, "--save")
    check_distinct({"--output": out.path, "--html": page, "--save": save})
    recipe, trainer = recipe_and_trainer(model, settings, max_time, detector=True)
    _check_together(out, trainer, as_json=as_json)

    from gensynth.engine.capabilities import score_method

    score_method(recipe, score)
    from gensynth.cli.execution.detection import find_anomalies
    from gensynth.cli.execution.write import write_rows
    from gensynth.cli.input.detection import check_fits, rows_to_learn
    from gensynth.cli.input.images import ImageOptions, added_names, files_of, open_both
    from gensynth.cli.output.cells import check_free
    from gensynth.cli.row_sources.anomalies import ADDED, DetectedRows
    from gensynth.detector import AnomalyDetector
    from gensynth.engine.parameters import seed_of

    seed = out.noted().get("run", {}).get("seed", seed) if resume and seed is None else seed_of(seed)
    table, normals = open_both(
        path_for(workers, found),
        normal,
        ImageOptions.of(image_size, recipe, skip_bad=skip_bad),
        missing,
        kinds,
        out.pipe,
    )
    check_spreads(workers, table)
    run = {
        "command": "detect",
        "model": [model, settings],
        "data": list(map(identity_of, inputs)),
        "options": [kinds, missing, weight, contamination, fdr, score, max_time, fit_rows, image_size],
        "seed": seed,
    }
    out.check(table.n_rows, run)
    check_free([*table.names, *added_names(table)], data, ADDED)
    learned, weights, schema = rows_to_learn(normals, fit_rows, kinds, weight, seed)
    judged = table if weight is None or weight not in table.names else table.without(weight)
    if train_on is not None:
        check_fits(judged, learned.frame, schema, data, train_on)
    detector = AnomalyDetector(
        recipe,
        method=score,
        contamination=share,
        novelty=train_on is not None,
        trainer=trainer,
        schema=schema,
        random_state=seed,
    ).fit(learned, sample_weight=weights)
    with running(workers):
        labels = find_anomalies(detector, judged, fdr, on_page=page is not None, workers=workers)
        rows = DetectedRows(detector, labels, table, weight, csv=out.csv)
        findings = rows.findings(write_rows(rows, out, run, workers).told)
    if save is not None:
        detector.save(save)
    if page is not None:
        _write_page(page, findings, detector, model, data=data, train_on=train_on, fdr=fdr)
    written = [str(p) for p in (out, page, save) if p is not None]
    _tell(findings, written, time.perf_counter() - start, files_of(table), as_json=as_json)


def _check_together(out: TableOutput, trainer: Trainer, *, as_json: bool) -> None:
    """Raise `OptionError` if options of the output do not go together."""
    if as_json and out.path is None:
        raise OptionError("--json and --output - both write to standard output; name a file for the rows")
    if out.resume and trainer.max_time is not None:
        raise OptionError("--resume trains the same detector again, which a limit of time does not; start over without")


def _write_page(
    page: Path,
    findings: Findings,
    detector: AnomalyDetector,
    model: str,
    *,
    data: str,
    train_on: str | None,
    fdr: float | None,
) -> None:
    """Write the page of ``--html``."""
    from gensynth.cli.reports.detection import page_facts, page_foot
    from gensynth.report.anomalies import write_page

    facts, p_value = page_facts(detector, model, found=findings, data=data, train_on=train_on, fdr=fdr)
    write_page(findings, page, title=data, facts=facts, p_value=p_value, foot=page_foot(detector))


def _tell(
    findings: Findings, written: list[str], seconds: float, files: tuple[str, ...] | None, *, as_json: bool
) -> None:
    """Print the findings to standard error, or as JSON to standard output."""
    from gensynth.cli.reports.summary_json import detection_facts, print_json
    from gensynth.cli.reports.summary_text import detection_summary

    if as_json:
        print_json(detection_facts(findings, written, seconds, files))
    else:
        detection_summary(findings, written, seconds, files)
