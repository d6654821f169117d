"""Files of ``gensynth evaluate``, ``compare`` and ``tune``: JSON, and the facts of a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gensynth.cli.input.evaluation import called
from gensynth.cli.options.paths import PAGE_ENDINGS, check_distinct, checked_output
from gensynth.errors import counted
from gensynth.files import atomic_write

if TYPE_CHECKING:
    from gensynth.comparison import Comparison
    from gensynth.datasets import Card
    from gensynth.evaluation import Evaluation
    from gensynth.tuning import Tuning


def report_files(
    page: Path | None, as_json: Path | None, inputs: Sequence[Path | Card]
) -> tuple[Path | None, Path | None, bool]:
    """Return the files of ``--html`` and ``--json``, if they can be written, and whether JSON goes to standard output.

    Raises
    ------
    OptionError
        A file cannot be written, both are one, or one of them is an input.
    """
    page = None if page is None else checked_output(page, PAGE_ENDINGS, inputs, "--html")
    if as_json is None or str(as_json) == "-":
        return page, None, as_json is not None
    as_json = checked_output(as_json, (".json",), inputs, "--json")
    check_distinct({"--html": page, "--json": as_json})
    return page, as_json, False


def to_json(found: Evaluation | Comparison | Tuning, path: Path | None) -> None:
    """Write an evaluation, a comparison or a tuning as JSON to a file, or to standard output."""
    text = json.dumps(found.to_json(), indent=2, ensure_ascii=path is None)
    if path is None:
        typer.echo(text)
        return
    with atomic_write(path) as file:
        file.write(f"{text}\n".encode("utf-8", "replace"))


def page_facts(found: Evaluation, files: dict[str, str | None]) -> list[tuple[str, str]]:
    """Return the facts of the page."""
    words = {"real": "Real rows", "synthetic": "Synthetic rows", "holdout": "Held-out rows"}
    facts = [
        (words[name], f"{called(file)}: {counted(found.samples.n_rows[name], 'row')}")
        for name, file in files.items()
        if file is not None
    ]
    if found.target is not None:
        facts.append(("Target", str(found.target)))
    return facts
