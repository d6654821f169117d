"""``gensynth info``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .gensynth file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show what a model file holds: family, columns, training, and what it can do."""
    from gensynth.cli.options.paths import model_file
    from gensynth.cli.reports.model_info import facts_of, text_of

    facts = facts_of(model_file(model))
    typer.echo(json.dumps(facts, indent=2) if as_json else text_of(facts))
