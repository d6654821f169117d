"""Image input: recognise it, read it, and name its rows in tables of results."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from gensynth.cli.input.tables import stream
from gensynth.cli.options.paths import READ_ENDINGS, STANDARD_INPUT
from gensynth.errors import DataError, OptionError, counted
from gensynth.schema.image import ImageSchema
from gensynth.schema.imagerange import in_range_of
from gensynth.tables import Table, TableStream
from gensynth.tables.imagearrays import IMAGE, LABEL
from gensynth.tables.imagebeside import is_rows_file
from gensynth.tables.imagefile import IMAGE_ENDINGS
from gensynth.tables.imagefolder import folders_of_images
from gensynth.tables.images import frame_stream, is_image_source, open_images
from gensynth.tables.imagestream import ImageStream

if TYPE_CHECKING:
    from gensynth.datasets import Card
    from gensynth.model import Recipe

_SIZE = re.compile(r"(\d+)(?:[xX×](\d+))?")
_CHANNELS: dict[int, Literal[1, 3]] = {1: 1, 3: 3}
_LABELS = (
    "put the images into folders that are named by their labels, or give a .npz file with the labels in the array y"
)
FILE = "file"
"""Name of the column of file names in tables of results."""


def check_label(table: ImageStream, names: Sequence[str] | None) -> None:
    """Raise `DataError` if a column is named and images have no columns beside them."""
    if names and len(table.names) == 1:
        raise DataError(f"{table.source} has no labels, so that there is no column {names[0]!r}: {_LABELS}")


def check_learnable(table: ImageStream, names: Sequence[str] | None) -> None:
    """Raise `DataError` as `check_label`, and if every label has only one image to learn from."""
    check_label(table, names)
    if table.files is None or LABEL not in table.names:
        return
    labels = table.without(IMAGE).whole().frame[LABEL]
    if labels.is_unique:
        raise DataError(
            f"{table.source}: each of the {counted(len(labels), 'label')} has one image, such as {table.files[0]}; put "
            "several into each folder, or all into one folder if the names of the folders mean nothing"
        )


def check_beside(table: TableStream, names: Sequence[Any], who: str) -> None:
    """Raise `DataError` if images lack columns ``names``; ``who`` has them."""
    absent = [name for name in names if name not in table.names]
    if isinstance(table, ImageStream) and absent and IMAGE in names:
        raise DataError(f"{table.source} has no column {absent[0]!r}, which {who}: {_LABELS}")


@dataclass(frozen=True)
class ImageOptions:
    """Options for reading images.

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
        """Parse ``--image-size`` and ``--skip-bad``; raise `OptionError` for an invalid size."""
        if size is None:
            return cls(None, skip_bad, recipe=recipe)
        found = _SIZE.fullmatch(size.strip())
        if found is None or "0" in (found[1].lstrip("0") or "0", (found[2] or "1").lstrip("0") or "0"):
            raise OptionError(f"--image-size must be a number of pixels, or HEIGHTxWIDTH as in 24x32, not {size!r}")
        return cls((int(found[1]), int(found[2] or found[1])), skip_bad, recipe=recipe)

    def like(self, seen: ImageSchema | None) -> ImageOptions:
        """Return the options that convert images to those of a fitted model."""
        if seen is None:
            return self
        return replace(self, size=(seen.height, seen.width), channels=_CHANNELS.get(seen.channels), seen=seen)

    def like_those_of(self, table: TableStream) -> ImageOptions:
        """Return the options that convert other images to the channels and range of a table's images."""
        if not isinstance(table, ImageStream):
            return self
        first = ImageSchema.of_blocks(table.blocks(), table.n_rows, IMAGE)
        return replace(self.like(first), size=self.size)

    def with_channels_of(self, table: TableStream) -> ImageOptions:
        """Return the options that convert other images to the channels of a table's images."""
        if not isinstance(table, ImageStream):
            return self
        return replace(self, channels=_CHANNELS.get(table.channels))

    def open(self, found: Path | Card) -> ImageStream | None:
        """Return DATA as images; None if it is a table.

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

            table = frame_stream(load(found.name)[0], found.name, image_size=self.size)
        else:
            table = open_images(found, image_size=self.size, channels=self.channels, skip_bad=self.skip_bad)
        return table if self.seen is None else in_range_of(table, self.seen)

    def _are_images(self, found: Path | Card) -> bool:
        if not isinstance(found, Path):
            return found.images
        if found == STANDARD_INPUT:
            return False
        if not found.is_dir():
            return is_image_source(found)
        tables = next(_tables(found), None)
        asked = self.size is not None or self.skip_bad
        if tables is None and not is_image_source(found) and not any(folders_of_images(found)):
            raise DataError(
                f"{found} is a folder that holds neither images ({', '.join(IMAGE_ENDINGS)}, directly or in folders "
                f"that are named by their labels) nor tables ({', '.join(READ_ENDINGS)})"
            )
        if tables is None:
            return True
        if asked or not is_image_source(found):
            return asked
        raise OptionError(
            f"{found} holds images and tables ({tables.name}): name the tables by a pattern, such as "
            f"'{found / ('*' + tables.suffix)}', or say --image-size for the images"
        )


def open_both(
    found: Path | Card,
    normal: Path | Card | None,
    images: ImageOptions,
    missing: Sequence[str] | None,
    kinds: Sequence[str] | None,
    pipe: str,
) -> tuple[TableStream, TableStream]:
    """Return the rows to score and the training rows, which may be the same.

    Images that are learned from get the channels of those that are judged, and these the range of the former.
    """
    table = stream(found, missing, kinds, pipe=pipe, images=images)
    if normal is None:
        return table, table
    learned = stream(normal, missing, kinds, pipe=pipe, images=images.with_channels_of(table))
    if isinstance(table, ImageStream) and isinstance(learned, ImageStream):
        table = in_range_of(table, ImageSchema.of_blocks(learned.blocks(), learned.n_rows, IMAGE))
    return table, learned


def open_alike(
    found: Sequence[Path | Card],
    images: ImageOptions,
    missing: Sequence[str] | None,
    kinds: Sequence[str] | None,
    targets: Sequence[str],
) -> list[pd.DataFrame]:
    """Return whole tables, converted to be compared with the first.

    Where that is of images, files of others are brought to its channels and to its range, black being its least value
    and white its greatest, as they were written.
    """
    out: list[pd.DataFrame] = []
    for one in found:
        table = stream(one, missing, kinds, targets, images=images)
        if isinstance(table, ImageStream) and not out:
            check_label(table, list(targets))
            images = images.like_those_of(table)
        out.append(table.whole().frame)
    return out


def described(table: TableStream, rows: Table) -> Table:
    """Return rows for display and results, with files in place of images."""
    if not isinstance(table, ImageStream):
        return rows
    return Table(_named(table, rows.frame).drop(columns=IMAGE))


def pictured(table: TableStream, rows: Table) -> pd.DataFrame:
    """Return the cells of rows for a page, including the files of images."""
    if not isinstance(table, ImageStream):
        return rows.frame if rows.text is None else rows.text
    return _named(table, rows.frame)


def files_of(table: TableStream) -> tuple[str, ...] | None:
    """Return the file of each image; None for tables, and for images from a single file."""
    return table.files if isinstance(table, ImageStream) else None


def are_bytes(table: TableStream) -> bool:
    """Return whether images come from files of 8 bits, of which 0 is black and 255 is white."""
    return isinstance(table, ImageStream) and table.files is not None and table.dtype.itemsize == 1


def added_names(table: TableStream) -> tuple[str, ...]:
    """Return the columns that `described` adds."""
    return (FILE if table.files is not None else "number",) if isinstance(table, ImageStream) else ()


def _named(table: ImageStream, frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.copy(deep=False)
    (name,) = added_names(table)
    cells: list[Any] = [i + 1 if table.files is None else table.files[i] for i in frame.index.tolist()]
    out.insert(0, name, cells)
    return out


def _tables(folder: Path) -> Iterator[Path]:
    """Yield the tables in a folder, and in the folders in it."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place) / name
            if name.lower().endswith(READ_ENDINGS) and not name.startswith((".", "_")) and not is_rows_file(path):
                yield path


def _name(found: Path | Card) -> str:
    return str(found) if isinstance(found, Path) else found.name
