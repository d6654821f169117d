"""``gensynth datasets``: list, show, fetch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gensynth.cli.terminal.messages import say, table
from gensynth.errors import counted

app = typer.Typer(help="Named data sets: list, show, fetch.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set.", show_default=False)]


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List the named data sets, which can be used in place of a file."""
    from gensynth.datasets import cards

    found = cards().values()
    if as_json:
        rows = [{"name": c.name, "title": c.title, "target": c.target, "task": c.task} for c in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    table(
        ("data set", "title", "target", "task", "columns"),
        [(c.name, c.title, c.target or "", c.task, str(len(c.columns))) for c in found],
        numbers=1,
    )


@app.command()
def show(name: Name) -> None:
    """Show the card of a data set: source, licence, target and columns."""
    from gensynth.datasets import card

    found = card(name)
    origin = found.address or found.loader or f"{found.maker} beside the card"
    typer.echo(f"{found.name}: {found.title}\n")
    if found.description:
        typer.echo(f"{found.description.strip()}\n")
    facts = {
        "source": found.source,
        "licence": found.licence,
        "origin": origin,
        "sha256": found.sha256,
        "target": f"{found.target} ({found.task})" if found.target else None,
        "card": str(found.path),
    }
    for key, text in facts.items():
        if text:
            typer.echo(f"{key + ':':9}{text}")
    typer.echo("\ncolumns:")
    width = min(max(map(len, found.columns)), 32)
    for column, text in found.columns.items():
        typer.echo(f"  {column:{width}}  {text}")


@app.command()
def fetch(
    name: Name,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write: .csv, .csv.gz or .parquet, or .npz for images. When not given: NAME.csv, "
            "or NAME.npz, in the current folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a data set to a file, downloading it first unless an installed package contains it."""
    from gensynth.cli.options.paths import ARCHIVE_ENDINGS, TABLE_ENDINGS, checked_output
    from gensynth.datasets import card, load

    images = card(name).images
    endings = ARCHIVE_ENDINGS if images else TABLE_ENDINGS
    path = checked_output(output or Path(f"{name}{endings[0]}"), endings)
    from gensynth.tables import write_table

    frame, found = load(name)
    if images:
        from gensynth.tables.imagewriter import write_image_archive

        write_image_archive(frame, path, label=found.target)
    else:
        write_table(frame, path)
    say(f"{counted(len(frame), 'row')}, {counted(frame.shape[1], 'column')} written to {path}")
