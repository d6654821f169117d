"""Summary of ``gensynth compare``, and the facts of its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from gensynth.cli.terminal.messages import say, table
from gensynth.errors import counted

if TYPE_CHECKING:
    from gensynth.comparison import Comparison


_HEADINGS = {
    "detection_auc": "detection",
    "frechet_distance": "Frechet",
    "tstr": "TSTR",
    "tstr_gap": "gap",
    "shape_error": "shape",
    "trend_error": "trend",
    "exact_copies": "copies",
    "dcr_share": "DCR share",
}
"""Display names of the table's columns."""


def comparison_summary(found: Comparison, written: Sequence[str], *, err: bool) -> None:
    """Print a line for each model, the best first, then real rows and independent columns, and the verdict.

    ``err``: to standard error, where standard output is taken.
    """
    import pandas as pd

    frame = found.to_frame()
    shown = [name for name in _HEADINGS if name in frame.columns]
    rows = []
    for name, row in frame.iterrows():
        told = _told(found, str(name))
        place = "" if pd.isna(row["rank"]) else f"{row['rank']}"
        rows.append((place, str(name), told, *(_number(row[c]) for c in shown), _seconds(row["fit_seconds"])))
    headers = ("rank", "model", "drawn rows are", *(_HEADINGS[c] for c in shown), "fit s")
    table(headers, rows, numbers=len(shown) + 1, err=err)
    if err:
        say(f"\n{found.verdict}")
    else:
        typer.echo(f"\n{found.verdict}")
    done = f"{' and '.join(written)} written" if written else "compared"
    say(f"{done} in {found.seconds:.1f} s")


def comparison_facts(found: Comparison, data: str, holdout: str | None, max_time: float) -> list[tuple[str, str]]:
    """Return what was compared, for the page."""
    held = "drawn from them at random" if holdout is None else holdout
    facts = [
        ("Table", data),
        ("Training rows", f"{found.n_train:,}"),
        ("Held-out rows", f"{found.n_holdout:,}, {held}"),
        ("Models", counted(len(found.results), "model")),
        ("Training time", f"at most {max_time:g} s each"),
    ]
    if found.target is not None:
        facts.append(("Target", str(found.target)))
    return facts


def _told(found: Comparison, name: str) -> str:
    """Return the verdict on a model's rows, or why it failed; nothing for real rows and independent columns."""
    try:
        result = found[name]
    except KeyError:
        return ""
    if result.evaluation is None:
        return f"failed: {result.error}"
    heading = result.evaluation.verdict.heading
    return f"{heading[0].lower()}{heading[1:]}"


def _number(value: Any) -> str:
    return "" if value is None or value != value else f"{value:.4f}"


def _seconds(value: Any) -> str:
    return "" if value is None or value != value else f"{value:.1f}"
