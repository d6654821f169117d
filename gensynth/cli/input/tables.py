"""Tables that arguments name: read whole or in batches."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gensynth.cli.options.declarations import check_utf8
from gensynth.cli.options.paths import STANDARD_INPUT
from gensynth.errors import ColumnWarning, OptionError

if TYPE_CHECKING:
    from gensynth.datasets import Card
    from gensynth.tables import Table, TableStream


def read(
    found: Path | Card,
    missing: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    targets: Sequence[str] = (),
    like: Any = None,
) -> Table:
    """Read the table that `find` found.

    Parameters
    ----------
    found : Path or Card
        From `find`.
    missing : sequence of str or None
        ``--missing``: texts with commas between the cells that are missing values; for files only.
    kinds : sequence of str or None
        ``--schema``: in columns that are declared categorical only empty cells are missing.
    targets : sequence of str
        Columns of classes: likewise.
    like : Synthesizer, AnomalyDetector, OnnxScorer or None
        What scores or fills the rows: cells mean what they meant when it was fitted.
    """
    from gensynth.tables import Table, read_table

    for text in missing or ():
        check_utf8("--missing", text)
    if not isinstance(found, Path):
        if missing:
            raise OptionError(f"--missing is for files; {found.name} is a data set, whose missing values are known")
        from gensynth.datasets import load

        return Table(load(found.name)[0])
    with _meanings(missing, kinds, targets, like) as options:
        return read_table(found, **options)


class OpensImages(Protocol):
    """Options for reading images."""

    def open(self, found: Path | Card) -> TableStream | None:
        """Return DATA as a table of images; None if it has no images."""


def stream(
    found: Path | Card,
    missing: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    targets: Sequence[str] = (),
    like: Any = None,
    pipe: str = "csv",
    images: OpensImages | None = None,
) -> TableStream:
    """Return the table that `find` found, read in batches; parameters as for `read`.

    ``pipe`` is the format of standard input: "csv" or "arrow". With ``images``, what are images is read as such
    (`gensynth.cli.input.images.ImageOptions`).
    """
    pictures = None if images is None else images.open(found)
    if pictures is not None:
        if missing:
            raise OptionError(f"--missing is of tables, and {found} is one of images; leave it out")
        return pictures
    from gensynth.tables import open_table
    from gensynth.tables.stream import MemoryStream

    if not isinstance(found, Path):
        return MemoryStream(read(found, missing, kinds, targets, like), found.name)
    for text in missing or ():
        check_utf8("--missing", text)
    with _meanings(missing, kinds, targets, like) as options:
        if found == STANDARD_INPUT:
            from gensynth.cli.input.standard_input import read_input

            return read_input(pipe, options)
        return open_table(found, **options)


@contextlib.contextmanager
def _meanings(
    missing: Sequence[str] | None, kinds: Sequence[str] | None, targets: Sequence[str], like: Any
) -> Iterator[dict[str, Any]]:
    """Return the arguments of `read_table` and `open_table` that define missing cells."""
    tokens = None if missing is None else tuple(token for text in missing for token in text.split(","))
    categories = {column for column, _, kind in (text.rpartition("=") for text in kinds or ()) if kind == "categorical"}
    if like is None:
        yield {"missing": tokens, "categories": categories, "targets": targets}
        return
    from gensynth.cli.input.models import reading_rules

    rules = reading_rules(like)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColumnWarning)  # said when the model was fitted
        yield {"missing": rules.missing if tokens is None else tokens, "categories": list(rules.categories)}
