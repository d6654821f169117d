"""``gensynth detect``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.options import AsJson, Data, Kinds, MaxTime, Missing, ModelName, Output, Quiet, Seed, Settings, Weight
from gensynth.defaults import DETECTION_MODEL


def detect(
    data: Data,
    output: Output,
    train_on: Annotated[
        str | None,
        typer.Option(
            "--train-on",
            metavar="NORMAL",
            help="Table of normal rows to learn from; without it DATA itself, most rows of which are then taken for "
            "normal.",
            show_default=False,
        ),
    ] = None,
    contamination: Annotated[
        str,
        typer.Option(
            "--contamination",
            metavar="SHARE",
            help="Share of anomalies in DATA, above 0 and at most 0.5; auto estimates it. With --train-on: share of "
            "normal rows that may be labelled, auto for 0.01.",
        ),
    ] = "auto",
    fdr: Annotated[
        float | None,
        typer.Option(
            "--fdr",
            metavar="SHARE",
            help="Label so that at most this share of the labelled rows is expected to be normal "
            "(Benjamini-Hochberg); needs --train-on.",
            show_default=False,
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="PAGE", help="Write a page about the most anomalous rows, too.", show_default=False
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="MODEL",
            help="Write the detector, too, for gensynth score; it ends in .gensynth.",
            show_default=False,
        ),
    ] = None,
    model: ModelName = DETECTION_MODEL,
    score: Annotated[
        str,
        typer.Option(
            "--score", "--method", metavar="NAME", help="How the model scores rows; auto for its first score."
        ),
    ] = "auto",
    settings: Settings = None,
    kinds: Kinds = None,
    missing: Missing = None,
    weight: Weight = None,
    seed: Seed = None,
    max_time: MaxTime = None,
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
    as_json: AsJson = False,
) -> None:
    """Find the rows of DATA that are unlike the others, and say why.

    OUT holds the rows of DATA with the columns "score" (the higher, the more normal), "p_value", "anomaly" (true or
    false) and "reason" (a sentence about each anomaly; where their number cannot be told, about the ten oddest rows).
    """
    from gensynth.cli.labels import check_labelling, check_settings, share_of
    from gensynth.cli.paths import MODEL_ENDINGS, PAGE_ENDINGS, check_distinct, checked_output, find, read
    from gensynth.cli.training import declared_kinds, recipe_and_trainer

    start = time.perf_counter()
    share = share_of(contamination)
    check_labelling(fdr, contamination, train_on)
    check_settings(settings or ())
    found = find(data)
    normal = None if train_on is None else find(train_on)
    inputs = [found] if normal is None else [found, normal]
    path = checked_output(output, inputs=inputs)
    page = None if page is None else checked_output(page, PAGE_ENDINGS, inputs, "--html")
    save = None if save is None else checked_output(save, MODEL_ENDINGS, inputs, "--save")
    check_distinct({"--output": path, "--html": page, "--save": save})
    recipe, trainer = recipe_and_trainer(model, settings, max_time, detector=True)

    from gensynth.engine.capabilities import score_method

    score_method(recipe, score)
    from gensynth.cli.detection import (
        ADDED,
        check_same_columns,
        check_values,
        find_anomalies,
        page_facts,
        page_foot,
        reasons_of,
    )
    from gensynth.cli.facts import detection_facts, print_json
    from gensynth.cli.rows import check_free, write_scored
    from gensynth.cli.summary import detection_summary
    from gensynth.cli.weights import split_weights, without_column
    from gensynth.detector import AnomalyDetector

    table = read(found, missing, kinds)
    check_free(table, data, ADDED)
    learned, weights = split_weights(table if normal is None else read(normal, missing, kinds), weight)
    judged = without_column(table, weight)
    schema = declared_kinds(kinds, list(learned.frame.columns))
    if train_on is not None:
        check_same_columns(judged.frame, learned.frame, data, train_on)
        check_values(judged.frame, learned.frame, schema)
    detector = AnomalyDetector(
        recipe,
        method=score,
        contamination=share,
        novelty=train_on is not None,
        trainer=trainer,
        schema=schema,
        random_state=seed,
    ).fit(learned, sample_weight=weights)
    findings = find_anomalies(detector, judged, fdr, on_page=page is not None)
    if save is not None:
        detector.save(save)
    if page is not None:
        from gensynth.report.anomalies import write_page

        facts, p_value = page_facts(detector, model, found=findings, data=data, train_on=train_on, fdr=fdr)
        write_page(findings, page, title=data, facts=facts, p_value=p_value, foot=page_foot(detector))
    added = (findings.scores, findings.p_values, findings.anomalies, reasons_of(findings))
    write_scored(table, dict(zip(ADDED, added, strict=True)), path)
    written = [str(p) for p in (path, page, save) if p is not None]
    seconds = time.perf_counter() - start
    if as_json:
        print_json(detection_facts(findings, written, seconds))
    else:
        detection_summary(findings, written, seconds)
