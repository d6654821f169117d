"""DATA that is images: whether it is, what is read of it, and how its rows are named in tables of results."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gensynth.cli.paths import READ_ENDINGS, STANDARD_INPUT, stream
from gensynth.errors import DataError, OptionError, counted
from gensynth.schema.image import ImageSchema
from gensynth.schema.imagecells import stacked_images
from gensynth.tables import Table, TableStream
from gensynth.tables.imagearrays import objects_of
from gensynth.tables.imagebeside import is_rows_file
from gensynth.tables.images import IMAGE, ImageSet, image_set, is_image_source, read_images
from gensynth.tables.stream import MemoryStream

if TYPE_CHECKING:
    from gensynth.datasets import Card
    from gensynth.model import Recipe

_SIZE = re.compile(r"(\d+)(?:[xX×](\d+))?")
_CHANNELS: dict[int, Literal[1, 3]] = {1: 1, 3: 3}
FILE = "file"
"""Name of the column of file names in tables of results."""


class ImageTable(MemoryStream):
    """Images as a table: the columns ``image``, and ``label`` if they have labels.

    Parameters
    ----------
    found : ImageSet
        What was read.
    """

    def __init__(self, found: ImageSet) -> None:
        super().__init__(Table(found.frame), found.source)
        self.files = found.files

    @property
    def channels(self) -> int:
        """Of every image."""
        first = self.table.frame[IMAGE].iloc[0]
        return 1 if first.ndim == 2 else int(first.shape[-1])

    def __str__(self) -> str:
        height, width = self.table.frame[IMAGE].iloc[0].shape[:2]
        kind = {1: "grey", 3: "colour"}.get(self.channels, f"{self.channels} channels")
        return f"{counted(self.n_rows, 'image')}, {width} wide and {height} high, {kind}"

    def check_label(self, names: list[str] | None) -> None:
        """Raise `DataError` if columns are asked for and there are no labels."""
        if names and len(self.names) == 1:
            raise DataError(
                f"{self.source} has no labels, so that there is no column {names[0]!r}: put the images into folders "
                "that are named by their labels, or give a .npz file with the labels in the array y"
            )


@dataclass(frozen=True)
class ImageOptions:
    """How images are read.

    Parameters
    ----------
    size : (height, width) or None
        ``--image-size``.
    skip_bad : bool
        ``--skip-bad``.
    channels : {1, 3} or None
        Grey values or colours, where other images say which.
    seen : ImageSchema or None
        What a fitted model has seen, whose size it is: files of 8 bits, from black to white, are brought to its range.
    recipe : Recipe or None
        What is to learn them: whether it can is known before they are read.
    """

    size: tuple[int, int] | None = None
    skip_bad: bool = False
    channels: Literal[1, 3] | None = None
    seen: ImageSchema | None = None
    recipe: Recipe | None = None

    @classmethod
    def of(cls, size: str | None, recipe: Recipe | None = None, *, skip_bad: bool) -> ImageOptions:
        """Return those of ``--image-size`` and ``--skip-bad``; raise `OptionError` if the size is none."""
        if size is None:
            return cls(None, skip_bad, recipe=recipe)
        found = _SIZE.fullmatch(size.strip())
        if found is None or "0" in (found[1].lstrip("0") or "0", (found[2] or "1").lstrip("0") or "0"):
            raise OptionError(f"--image-size must be a number of pixels, or HEIGHTxWIDTH as in 24x32, not {size!r}")
        return cls((int(found[1]), int(found[2] or found[1])), skip_bad, recipe=recipe)

    def like(self, seen: ImageSchema | None) -> ImageOptions:
        """Return the options that bring images to what a fitted model has seen."""
        if seen is None:
            return self
        return replace(self, size=(seen.height, seen.width), channels=_CHANNELS.get(seen.channels), seen=seen)

    def like_those_of(self, table: TableStream) -> ImageOptions:
        """Return the options that bring other images to the channels and the range of those in a table."""
        if not isinstance(table, ImageTable):
            return self
        first = ImageSchema.infer(stacked_images(table.table.frame[IMAGE], IMAGE), IMAGE)
        return replace(self.like(first), size=self.size)

    def with_channels_of(self, table: TableStream) -> ImageOptions:
        """Return the options that bring other images to the channels of those in a table."""
        if not isinstance(table, ImageTable):
            return self
        return replace(self, channels=_CHANNELS.get(table.channels))

    def open(self, found: Path | Card) -> ImageTable | None:
        """Return the images that DATA is; None if it is a table.

        Raises
        ------
        OptionError
            There are options of images, and DATA is a table; or it is a folder of both.
        CapabilityError
            The family cannot learn images.
        DataError
            They cannot be read.
        """
        if not self._are_images(found):
            given = "--skip-bad" if self.skip_bad else "--image-size"
            if self.skip_bad or (self.size is not None and self.seen is None):
                raise OptionError(f"{given} is of images, and {_name(found)} is a table; leave it out")
            return None
        if self.recipe is not None:
            from gensynth.engine.capabilities import require

            require(self.recipe, "images")
        if not isinstance(found, Path):
            from gensynth.datasets import load

            return ImageTable(image_set(load(found.name)[0], found.name, image_size=self.size))
        read = read_images(found, image_size=self.size, channels=self.channels, skip_bad=self.skip_bad)
        return ImageTable(read if self.seen is None or read.files is None else _in_range(read, self.seen))

    def _are_images(self, found: Path | Card) -> bool:
        if not isinstance(found, Path):
            return found.images
        if found == STANDARD_INPUT:
            return False
        if not found.is_dir():
            return is_image_source(found)
        tables = next(_tables(found), None)
        asked = self.size is not None or self.skip_bad
        if tables is None:  # whoever reads it says that there are no images either
            return asked or is_image_source(found)
        if asked or not is_image_source(found):
            return asked
        raise OptionError(
            f"{found} holds images and tables ({tables.name}): name the tables by a pattern, such as "
            f"'{found / ('*' + tables.suffix)}', or say --image-size for the images"
        )


def _in_range(read: ImageSet, seen: ImageSchema) -> ImageSet:
    """Return images of files, whose black is 0 and white 255, with the least and the greatest value of fitted ones.

    Files that hold no more than these, such as masks of zeros and ones, are as those were before they were fitted.
    """
    if (seen.low, seen.high) == (0.0, 255.0):
        return read
    cells = list(read.frame[IMAGE])
    if seen.low != 0 or max(int(cell.max()) for cell in cells) > seen.high:
        cells = [seen.low + cell / 255.0 * (seen.high - seen.low) for cell in cells]
    if np.dtype(seen.dtype).kind in "biu":
        cells = [np.round(cell) for cell in cells]
    typed = objects_of([cell.astype(seen.dtype) for cell in cells])
    return replace(read, frame=read.frame.assign(**{IMAGE: pd.Series(typed, index=read.frame.index, dtype=object)}))


def open_both(
    found: Path | Card,
    normal: Path | Card | None,
    images: ImageOptions,
    missing: Sequence[str] | None,
    kinds: Sequence[str] | None,
    pipe: str,
) -> tuple[TableStream, TableStream]:
    """Return the rows that are judged and those that are learned from, which may be the same; images of one kind."""
    table = stream(found, missing, kinds, pipe=pipe, images=images)
    if normal is None:
        return table, table
    return table, stream(normal, missing, kinds, pipe=pipe, images=images.with_channels_of(table))


def open_alike(
    found: Sequence[Path | Card],
    images: ImageOptions,
    missing: Sequence[str] | None,
    kinds: Sequence[str] | None,
    targets: Sequence[str],
) -> list[pd.DataFrame]:
    """Return tables that are compared with the first one, whole.

    Where that is of images, files of others are brought to its channels and to its range, black being its least value
    and white its greatest, as they were written.
    """
    out: list[pd.DataFrame] = []
    for one in found:
        table = stream(one, missing, kinds, targets, images=images)
        if isinstance(table, ImageTable) and not out:
            table.check_label(list(targets))
            images = images.like_those_of(table)
        out.append(table.whole().frame)
    return out


def described(table: TableStream, rows: Table) -> Table:
    """Return rows of a table as they are shown and written in results: of images their files instead of pixels."""
    if not isinstance(table, ImageTable):
        return rows
    return Table(_named(table, rows.frame).drop(columns=IMAGE))


def pictured(table: TableStream, rows: Table) -> pd.DataFrame:
    """Return the cells of rows as a page shows them: of images their files too."""
    if not isinstance(table, ImageTable):
        return rows.frame if rows.text is None else rows.text
    return _named(table, rows.frame)


def files_of(table: TableStream) -> tuple[str, ...] | None:
    """Return the file of each image; None for tables, and images that came in one file."""
    return table.files if isinstance(table, ImageTable) else None


def added_names(table: TableStream) -> tuple[str, ...]:
    """Return the columns that `described` adds."""
    return (FILE if table.files is not None else "number",) if isinstance(table, ImageTable) else ()


def _named(table: ImageTable, frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.copy(deep=False)
    (name,) = added_names(table)
    cells: list[Any] = [i + 1 if table.files is None else table.files[i] for i in frame.index.tolist()]
    out.insert(0, name, cells)
    return out


def _tables(folder: Path) -> Iterator[Path]:
    """Give the tables in a folder, and in the folders in it."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place) / name
            if name.lower().endswith(READ_ENDINGS) and not name.startswith((".", "_")) and not is_rows_file(path):
                yield path


def _name(found: Path | Card) -> str:
    return str(found) if isinstance(found, Path) else found.name
