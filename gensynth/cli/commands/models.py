"""``gensynth models``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gensynth.cli.terminal.messages import note, table


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the models that can be trained."""
    from gensynth.registry import default_registry

    registry = default_registry()
    entries = registry.models()
    names = [entry.spec.name for entry in entries]
    # the name to be written after --model: with its distribution where two plugins use the same one
    written = [e.qualified_name if names.count(e.spec.name) > 1 else e.spec.name for e in entries]
    if as_json:
        rows = [
            {
                "name": name,
                "summary": entry.spec.summary,
                "capabilities": sorted(entry.spec.capabilities),
                "score_methods": list(entry.spec.score_methods),
                "distribution": entry.distribution,
                "version": entry.version,
                "target": entry.spec.target,
            }
            for name, entry in zip(written, entries, strict=True)
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    if not entries:
        note("no model is installed; gensynth plugins shows what was found")
        return
    table(
        ("model", "summary", "can", "scores", "plugin"),
        [
            (
                name,
                e.spec.summary,
                ", ".join(sorted(e.spec.capabilities)),
                ", ".join(e.spec.score_methods),
                f"{e.distribution} {e.version}",
            )
            for name, e in zip(written, entries, strict=True)
        ],
    )
