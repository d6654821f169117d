"""Input and output of ``gensynth evaluate`` and ``gensynth compare``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gensynth.cli.paths import PAGE_ENDINGS, STANDARD_INPUT, check_distinct, checked_output, find
from gensynth.cli.terminal import note
from gensynth.cli.training import known_columns
from gensynth.errors import DataError, OptionError, counted
from gensynth.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

    from gensynth.cli.images import ImageOptions
    from gensynth.comparison import Comparison
    from gensynth.datasets import Card
    from gensynth.evaluation import Evaluation
    from gensynth.tuning import Tuning

_MARK = "_synthetic"


def found_tables(names: Mapping[str, str | None]) -> list[Path | Card]:
    """Return the files, folders, patterns or cards of the arguments, without None.

    Raises
    ------
    OptionError
        More than one is standard input.
    DataError
        There is no such file.
    """
    piped = [argument for argument, name in names.items() if name == str(STANDARD_INPUT)]
    if len(piped) > 1:
        raise OptionError(f"{' and '.join(piped)} are both standard input (-), which holds one table; name a file")
    return [find(name, several=True) for name in names.values() if name is not None]


def read_tables(
    inputs: Sequence[Path | Card],
    target: str | None,
    missing: Sequence[str] | None,
    kinds: Sequence[str] | None,
    images: ImageOptions | None = None,
) -> tuple[list[pd.DataFrame], str | None]:
    """Return the rows of the tables, and the target: ``--target``, or that of the first table's card.

    Raises
    ------
    DataError
        A table cannot be read.
    OptionError
        The first one has no such column.
    """
    from gensynth.cli.images import ImageOptions, open_alike

    target = target or getattr(inputs[0], "target", None)
    targets = [] if target is None else [target]
    frames = open_alike(inputs, images or ImageOptions(), missing, kinds, targets)
    known_columns("--target", targets, list(frames[0].columns))
    return frames, target


def called(name: str) -> str:
    """Return the display name of a table."""
    return "standard input" if name == str(STANDARD_INPUT) else name


def only_synthetic(frame: pd.DataFrame, columns: Sequence[Any], source: str) -> pd.DataFrame:
    """Return the rows marked by a column ``_synthetic`` of `gensynth augment`; all rows without it."""
    if _MARK not in frame.columns or _MARK in columns:
        return frame
    marked = frame[_MARK].astype(str).str.lower() == "true"
    if not marked.any():
        raise DataError(f"{source}: its column {_MARK!r} marks no row as synthetic; there is nothing to evaluate")
    rows = frame[marked].drop(columns=_MARK).reset_index(drop=True)
    note(f"{source}: {counted(len(rows), 'row')} of {len(frame):,} that its column {_MARK!r} marks")
    return rows


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
