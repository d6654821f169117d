"""Summary of ``gensynth tune``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from gensynth.cli.terminal.messages import say, table

if TYPE_CHECKING:
    from gensynth.tuning import Tuning

_MAX_TRIALS = 10


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
