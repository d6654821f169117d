"""Output of ``gensynth tune``, and the model that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer
from sklearn.base import clone

from gensynth.cli.terminal import say, table
from gensynth.synthesizer import Synthesizer

if TYPE_CHECKING:
    from gensynth.model import Recipe
    from gensynth.training import Trainer
    from gensynth.tuning import Tuning

_MAX_TRIALS = 10


def best_model(
    tuned: Tuning, recipe: Recipe, trainer: Trainer, seconds: float, *, schema: Any, relations: Any
) -> Synthesizer:
    """Return an unfitted synthesizer with the best settings and a time limit."""
    return Synthesizer(
        clone(recipe).set_params(**tuned.best.settings),
        trainer=clone(trainer).set_params(max_time=seconds),
        schema=schema,
        relations=relations,
        random_state=tuned.random_state,
    )


def tuning_summary(tuned: Tuning, written: Sequence[str], seconds: float, *, err: bool) -> None:
    """Print the best trials and the verdict.

    ``err``: to standard error, where standard output is taken.
    """
    rows = []
    order = tuned.to_frame().index.tolist()
    for number in order[:_MAX_TRIALS]:
        trial = tuned.trials[number]
        shown = " ".join(f"{name}={_plain(value)}" for name, value in trial.settings.items()) or "defaults"
        result = f"{trial.distance:.4f}" if trial.state == "judged" else trial.error or "ended early"
        rows.append((str(number + 1), shown, result, f"{trial.seconds:.1f}"))
    table(("trial", "settings", "distance", "s"), rows, numbers=2, err=err)
    if rest := len(order) - len(rows):
        say(f"and {rest} more")
    if err:
        say(f"\n{tuned.verdict}")
    else:
        typer.echo(f"\n{tuned.verdict}")
    say(f"{' and '.join(written) if written else 'nothing'} written in {seconds:.1f} s")


def _plain(value: Any) -> str:
    """Return a value in the syntax of ``--set``."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
