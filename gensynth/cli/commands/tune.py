"""``gensynth tune``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gensynth.cli.options.declarations import (
    Data,
    EvaluationSeed,
    JsonFile,
    Kinds,
    Missing,
    ModelName,
    PredictedColumn,
    Quiet,
    Relations,
    Threads,
)
from gensynth.defaults import SAMPLING_MODEL
from gensynth.errors import OptionError

if TYPE_CHECKING:
    from gensynth.model import Recipe
    from gensynth.synthesizer import Synthesizer
    from gensynth.training import Trainer
    from gensynth.tuning import Tuning


def tune(
    data: Data,
    model: ModelName = SAMPLING_MODEL,
    target: PredictedColumn = None,
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", min=1, help="Maximal number of trials, including the defaults.")
    ] = 20,
    max_time: Annotated[
        float,
        typer.Option("--max-time", metavar="SECONDS", help="Time limit for all trials and the final model of -o."),
    ] = 600.0,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter of the trainer, or a fixed one of the model: trainer.batch_size=64, "
            "model.max_bins=50. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Fit the best model to all rows, in the remaining time, and write it to this .gensynth file.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFile = None,
    kinds: Kinds = None,
    relations: Relations = None,
    missing: Missing = None,
    seed: EvaluationSeed = 0,
    threads: Threads = None,  # noqa: ARG001 - its callback did it
    quiet: Quiet = False,  # noqa: ARG001 - its callback did it
) -> None:
    """Search for the hyperparameters of a model with the highest fidelity to DATA.

    Every trial is fitted to a part of the rows and evaluated on the rest, as in gensynth compare; the first one uses
    the defaults. The file of --json is for gensynth fit --settings. Needs the extra gensynth[tune].
    """
    from gensynth.cli.input.evaluation import read_tables
    from gensynth.cli.options.columns import declared_kinds, declared_relations
    from gensynth.cli.options.paths import MODEL_ENDINGS, checked_output, find
    from gensynth.cli.options.training import recipe_and_trainer
    from gensynth.cli.reports.evaluation import report_files, to_json

    start = time.perf_counter()
    found = find(data, several=True)
    path = None if output is None else checked_output(output, MODEL_ENDINGS, [found])
    _, as_json, to_stdout = report_files(None, as_json, [found])
    recipe, trainer = recipe_and_trainer(model, settings, max_time)
    from gensynth.tuning.searching import load_optuna

    load_optuna()
    (frame,), target = read_tables([found], target, missing, kinds)
    columns = list(frame.columns)
    if trials == 1 and path is None and as_json is None and not to_stdout:
        raise OptionError("--trials 1 tries the defaults alone, and nothing is to be written; ask for more trials")
    schema, kept = declared_kinds(kinds, columns), declared_relations(relations)

    from gensynth.cli.reports.tuning import tuning_summary
    from gensynth.cli.terminal.progress import progress_bar
    from gensynth.tuning import tune as tune_table

    trainer.progress = False  # one bar shows all trials: another one for each would tear it
    share = 1.0 if path is None else 0.8
    with progress_bar() as progress:
        tuned = tune_table(
            frame,
            recipe,
            target=target,
            n_trials=trials,
            max_time=share * max_time,
            trainer=trainer,
            schema=schema,
            relations=kept,
            random_state=seed,
            progress=progress,
        )
    written = []
    if path is not None:
        left = max(max_time - (time.perf_counter() - start), (1 - share) * max_time)
        _best_model(tuned, recipe, trainer, left, schema=schema, relations=kept).fit(frame).save(path)
        written.append(str(path))
    if as_json is not None:
        to_json(tuned, as_json)
        written.append(str(as_json))
    if to_stdout:
        to_json(tuned, None)
    tuning_summary(tuned, written, time.perf_counter() - start, err=to_stdout)


def _best_model(
    tuned: Tuning, recipe: Recipe, trainer: Trainer, seconds: float, *, schema: Any, relations: Any
) -> Synthesizer:
    """Return an unfitted synthesizer with the best settings and a time limit."""
    from sklearn.base import clone

    from gensynth.synthesizer import Synthesizer

    return Synthesizer(
        clone(recipe).set_params(**tuned.best.settings),
        trainer=clone(trainer).set_params(max_time=seconds),
        schema=schema,
        relations=relations,
        random_state=tuned.random_state,
    )
