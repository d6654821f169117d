"""``gensynth augment``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.options import (
    AsJson,
    Data,
    Kinds,
    MaxTime,
    Missing,
    OutputFile,
    Quiet,
    Relations,
    Seed,
    Settings,
    Threads,
)
from gensynth.defaults import SAMPLING_MODEL
from gensynth.errors import OptionError


def augment(
    data: Data,
    output: OutputFile,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="COL",
            help="Column to be balanced or predicted; the card's target when DATA is a data set.",
            show_default=False,
        ),
    ] = None,
    balance: Annotated[
        bool, typer.Option("--balance", help="Add rows until every class has as many as the largest.")
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows", metavar="N", help="Add N rows, classes in the proportions they have.", show_default=False
        ),
    ] = None,
    ratio: Annotated[
        float | None,
        typer.Option("--ratio", metavar="R", help="Add R rows for each real one, likewise.", show_default=False),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Family of models; gensynth models lists them. auto: a few are compared and one of them is chosen; "
            "--max-time is for all of it, 600 seconds when not given.",
        ),
    ] = SAMPLING_MODEL,
    settings: Settings = None,
    kinds: Kinds = None,
    relations: Relations = None,
    missing: Missing = None,
    seed: Seed = None,
    max_time: MaxTime = None,
    drop_copies: Annotated[
        bool,
        typer.Option(
            "--drop-copies",
            help="Draw other rows in place of those that equal a real row. What is left does not follow the real "
            "distribution: common combinations become rare, and associations can turn round.",
        ),
    ] = False,
    only_synthetic: Annotated[
        bool, typer.Option("--only-synthetic", help="Write the new rows only, without the real ones.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check",
            help="Say by cross-validation on real rows whether the new ones help a classifier to predict --target. It "
            "trains three more models; of --max-time it takes one half.",
        ),
    ] = True,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="PAGE",
            help="Evaluate the new rows, as gensynth evaluate does, and write a page. It says what they are compared "
            "with: of classes that --balance filled up, with real rows of these.",
            show_default=False,
        ),
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="TABLE",
            help="Real rows that the model does not see, for --report. Only with them can be told whether the new rows "
            "lean to those that were learned from.",
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
    as_json: AsJson = False,
) -> None:
    """Add synthetic rows to DATA.

    OUT holds the real rows first, unchanged, then the new ones; a column "_synthetic" tells them apart.
    Without --balance, --rows and --ratio as many rows are added as there are.
    """
    from gensynth.cli.added import AddedRows, added_report
    from gensynth.cli.facts import augmentation_facts, print_json
    from gensynth.cli.paths import checked_output, find, stream
    from gensynth.cli.rows import write_augmented
    from gensynth.cli.summary import augmentation_summary
    from gensynth.cli.training import declared_kinds, declared_relations, known_columns, model_and_trainer

    given = [n for n, v in {"--balance": balance or None, "--rows": rows, "--ratio": ratio}.items() if v is not None]
    if len(given) > 1:
        raise OptionError(f"{' and '.join(given)} exclude each other; keep one")
    if rows is not None and rows < 1:
        raise OptionError(f"--rows must be at least 1, not {rows}")
    if ratio is not None and not 0 < ratio < float("inf"):
        raise OptionError(f"--ratio must be more than 0, not {ratio:g}")
    start = time.perf_counter()
    found = find(data, several=True)
    path = checked_output(output, inputs=[found])
    target = target or getattr(found, "target", None)  # a card knows its target
    if balance and target is None:
        raise OptionError(f"--balance needs --target COL: which column of {data} holds the classes?")
    wanted, trainer = model_and_trainer(model, settings, max_time)
    table = stream(found, missing, kinds, [target] if target is not None else []).whole()
    columns = list(table.frame.columns)
    known_columns("--target", [target] if target is not None else [], columns)
    schema = declared_kinds(kinds, columns)
    reading = {"missing": missing, "kinds": kinds, "targets": [target] if target is not None else []}
    n_new = (
        None if balance else rows if rows is not None else round((1.0 if ratio is None else ratio) * len(table.frame))
    )
    report = added_report(page, holdout, found, table.frame, path, AddedRows(target, n_new, schema), **reading)
    from gensynth.augmentation import augment as augment_table

    result = augment_table(
        table.frame,
        target,
        balance=balance,
        n_rows=rows,
        ratio=1.0 if not given else ratio,
        only_synthetic=only_synthetic,
        model=wanted,
        trainer=trainer,
        schema=schema,
        relations=declared_relations(relations),
        drop_copies=drop_copies,
        check=check,
        random_state=seed,
    )
    write_augmented(table, result, path, only_synthetic=only_synthetic)
    evaluation = None if report is None else report.write(result, target, balance=balance, schema=schema, seed=seed)
    seconds, written = time.perf_counter() - start, [path, *([] if report is None else [report.page])]
    if as_json:
        print_json(augmentation_facts(result.report, written, seconds, evaluation))
    else:
        augmentation_summary(result.report, target, written, seconds, evaluation)
