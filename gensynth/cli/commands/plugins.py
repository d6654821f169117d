"""``gensynth plugins``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gensynth.cli.terminal.messages import note, table


def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the installed plugins, and the errors of those that failed to load."""
    from gensynth.registry import default_registry

    registry = default_registry()
    rows = [
        {
            "name": p.name,
            "distribution": p.distribution,
            "version": p.version,
            "loaded": True,
            "detail": ", ".join(p.hooks),
        }
        for p in registry.plugins()
    ]
    rows += [
        {
            "name": f.name,
            "distribution": f.distribution,
            "version": f.version,
            "loaded": False,
            "detail": f"{type(f.error).__name__}: {f.error}",
        }
        for f in registry.failures
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        note("no plugin is installed, not even gensynth's own: run pip install gensynth (or pip install -e .)")
        return
    table(
        ("plugin", "distribution", "version", "state", "hooks or error"),
        [
            (
                str(r["name"]),
                str(r["distribution"]),
                str(r["version"]),
                "loaded" if r["loaded"] else "FAILED",
                " ".join(str(r["detail"]).split()),
            )
            for r in rows
        ],
    )
