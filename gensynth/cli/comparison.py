"""Options and output of ``gensynth compare``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from gensynth.cli.settings import build
from gensynth.cli.terminal import say, table
from gensynth.cli.training import trainer_and_settings
from gensynth.errors import OptionError, counted

if TYPE_CHECKING:
    from gensynth.comparison import Comparison
    from gensynth.model import Recipe
    from gensynth.training import Trainer

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


def chosen_models(
    names: str | None, settings: Sequence[str] | None, max_time: float
) -> tuple[dict[str, str | Recipe], Trainer]:
    """Return the models of ``--models`` and the trainer, with ``--set`` and ``--max-time`` applied.

    A model without settings stays a name, so that one that does not import fails by itself.

    Raises
    ------
    UnknownModelError
        No such model.
    OptionError
        A name is given twice, or a setting is none.
    """
    from gensynth.registry import default_registry

    registry = default_registry()
    wanted = registry.able("sample") if names is None else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        registry.entry(name)
        if wanted.count(name) > 1:
            raise OptionError(f"--models names {name!r} twice; leave one out")
    if not wanted:
        raise OptionError("--models names no model; gensynth models lists them")
    kinds = {n: registry.recipe(n) for n in wanted if any(text.startswith(f"{n}.") for text in settings or ())}
    trainer, given = trainer_and_settings(settings, max_time, kinds)
    trainer.progress = False  # one bar shows all models: another one for each would tear it
    models: dict[str, str | Recipe] = {n: build(kinds[n], given[n], n) if n in kinds else n for n in wanted}
    return models, trainer


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
