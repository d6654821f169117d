"""Tables of ``gensynth evaluate``, ``compare`` and ``tune``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.cli.options.columns import known_columns
from gensynth.cli.options.paths import STANDARD_INPUT, find
from gensynth.cli.terminal.messages import note
from gensynth.errors import DataError, OptionError, counted

if TYPE_CHECKING:
    import pandas as pd

    from gensynth.cli.input.images import ImageOptions
    from gensynth.datasets import Card


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
    from gensynth.cli.input.images import ImageOptions, open_alike

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
