"""Image output of ``gensynth sample``: a folder of PNG files, an .npz file, an image grid."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from gensynth.cli.input.images import are_bytes
from gensynth.cli.options.paths import ARCHIVE_ENDINGS, PICTURE_ENDINGS, check_distinct, checked_output
from gensynth.cli.terminal.messages import note
from gensynth.errors import OptionError
from gensynth.files import atomic_write
from gensynth.report.grids import MAX_TILES, class_grid, image_grid, png_bytes
from gensynth.schema.image import ImageSchema
from gensynth.schema.imagecells import stacked_images, with_images_read
from gensynth.tables.imagearrays import declared_images
from gensynth.tables.imagestream import ImageStream
from gensynth.tables.imagewriter import (
    Range,
    label_column,
    write_image_archive,
    write_image_folder,
)
from gensynth.tables.stream import TableStream

if TYPE_CHECKING:
    from gensynth.augmentation import AugmentResult
    from gensynth.datasets import Card
    from gensynth.synthesizer import Synthesizer

_MAX_CLASSES = 100


@dataclass(frozen=True)
class PictureOutput:
    """Destination of output images.

    Parameters
    ----------
    path : Path or None
        A folder or a .npz file.
    grid : Path or None
        A picture of all of them.
    """

    path: Path | None
    grid: Path | None

    def __str__(self) -> str:
        return " and ".join(str(path) for path in (self.path, self.grid) if path is not None)

    def write(
        self,
        frames: Iterable[pd.DataFrame],
        n: int,
        image: str | int,
        label: str | int | None,
        value_range: Range,
    ) -> None:
        """Write the ``n`` images of several tables in order, one table in memory at a time."""
        shown = _GridImages(image, label)
        if self.grid is not None:
            frames = shown.of(frames)
        if self.path is None:
            for _ in frames:
                pass
        elif self.path.name.lower().endswith(ARCHIVE_ENDINGS):
            write_image_archive(frames, self.path, n=n, image=image, label=label)
        else:
            write_image_folder(frames, self.path, n=n, image=image, label=label, value_range=value_range)
        if self.grid is not None:
            if n > MAX_TILES:
                note(f"{self.grid} shows {MAX_TILES:,} of the {n:,} images at most")
            with atomic_write(self.grid) as file:
                file.write(png_bytes(shown.picture(value_range)))


class _GridImages:
    """Images for a grid: the first ones, by label if there are labels.

    Parameters
    ----------
    image, label : column label
        Where they stand in tables; None as ``label``: they have none.
    """

    def __init__(self, image: str | int, label: str | int | None) -> None:
        self._image, self._label = image, label
        self._by_class: dict[str, list[Any]] = {}

    def of(self, frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Yield the tables unchanged, and keep the images to be shown."""
        for frame in frames:
            labels = [""] * len(frame) if self._label is None else map(str, frame[self._label].tolist())
            for label, image in zip(labels, frame[self._image].tolist(), strict=True):
                kept = self._by_class.setdefault(label, [])
                if len(kept) < MAX_TILES // len(self._by_class):  # a class more leaves fewer to each
                    kept.append(image.copy())
            yield frame

    def picture(self, value_range: Range) -> Image.Image:
        """Return the image grid."""
        images = [image for kept in self._by_class.values() for image in kept]
        if self._label is None:
            return image_grid(images, value_range=value_range)
        classes = [label for label, kept in self._by_class.items() for _ in kept]
        return class_grid(images, classes, value_range=value_range)


def picture_output(output: str | None, grid: Path | None, inputs: Iterable[Path | Card] = ()) -> PictureOutput:
    """Return the destination of OUT and ``--grid``, if images can be written there.

    Raises
    ------
    OptionError
        They cannot: neither is given, OUT is no .npz file and no folder, or a folder that is not empty.
    """
    inputs = list(inputs)
    if grid is not None:
        grid = checked_output(grid, PICTURE_ENDINGS, inputs, "--grid")
    if output is None:
        if grid is None:
            raise OptionError("nothing to write: name --output OUT, or --grid PNG for one picture of all images")
        return PictureOutput(None, grid)
    path = Path(output)
    if not (output.endswith(("/", os.sep)) or path.is_dir()):
        if not path.name.lower().endswith(ARCHIVE_ENDINGS):
            raise OptionError(
                f"--output {output}: the model is of images, which are written to a .npz file, or as PNG files to a "
                "folder, whose name ends in /"
            )
        path = checked_output(path, ARCHIVE_ENDINGS, inputs)
        check_distinct({"--output": path, "--grid": grid})
        return PictureOutput(path, grid)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OptionError(f"--output {output} is a file, or a folder that is not empty; name another folder")
    parent = path.absolute().parent
    if not parent.is_dir():
        raise OptionError(f"--output {output}: there is no folder {parent}; create it first")
    if not os.access(parent, os.W_OK):
        raise OptionError(f"--output {output}: the folder {parent} is write-protected; name another one")
    return PictureOutput(path, grid)


def images_to_augment(
    source: TableStream, real: pd.DataFrame, schema: Any, output: str, inputs: Iterable[Path | Card]
) -> tuple[pd.DataFrame, PictureOutput | None, bool]:
    """Return the real rows with their images, where these and new ones go, and whether they are files of 8 bits.

    Images of a table are paths of files; new ones have no paths, so that all are written as of a folder of images.
    Without images there is no place for any.

    Raises
    ------
    OptionError
        They cannot be written to OUT, or only images could.
    ImageError, DataError
        Images of a table cannot be read, or differ in size.
    """
    if isinstance(source, ImageStream):
        return real, picture_output(output, None, inputs), are_bytes(source)
    held = declared_images(real, schema)
    if held:
        out = picture_output(output, None, inputs)
        real = with_images_read(real, schema)
        return real, out, bool(real[held[0]].iloc[0].dtype == np.uint8)
    if output.lower().endswith((*ARCHIVE_ENDINGS, "/", os.sep)) or Path(output).is_dir():
        raise OptionError(
            f"--output {output} is for images, and {source.source} is a table; name a .csv or .parquet file"
        )
    return real, None, False


def write_augmented_images(result: AugmentResult, out: PictureOutput, target: str | None, *, of_files: bool) -> None:
    """Write real and synthetic images, and the column that marks them.

    Real images ``of_files`` are written as they were; of others black and white are the ends of their range.

    Raises
    ------
    OptionError
        There are none: only the new ones are asked for, and there was nothing to add.
    """
    from gensynth.augmentation.table import PROVENANCE

    frame = result.frame
    if not len(frame):
        raise OptionError("there was nothing to add, so that --only-synthetic leaves no image to write; leave it out")
    (image,) = declared_images(frame, None)
    black_white = 0.0, 255.0
    if not of_files:
        seen = ImageSchema.infer(stacked_images(result.real[image], image), image)
        black_white = seen.low, seen.high
    others = frame.drop(columns=PROVENANCE)
    out.write([frame], len(frame), image, label_column(others, image, () if target is None else (target,)), black_white)


def image_column(synthesizer: Synthesizer) -> str | int | None:
    """Return the image column of a model; None if it has none."""
    column = synthesizer.schema_.image
    return None if column is None else column.name


def draw_pictures(
    synthesizer: Synthesizer, out: PictureOutput, n: int, wanted: Mapping[Any, Any] | None, seed: int | None
) -> int:
    """Sample images and write them; return their number.

    A picture alone shows as many of each class, where the model was fitted to be given one: all from one seed, so that
    what stands in one column differs in its class.
    """
    image = image_column(synthesizer)
    assert image is not None
    first = synthesizer.encoder_.first
    classes = _classes(synthesizer) if out.path is None and not set(first) & set(wanted or ()) else []
    asked: list[tuple[Mapping[Any, Any] | None, int]] = [(wanted, n)]
    if classes:
        counts = [n // len(classes) + (i < n % len(classes)) for i in range(len(classes))]
        asked = [({**(wanted or {}), first[0]: value}, k) for value, k in zip(classes, counts, strict=True) if k]
    frames = (part for given, count in asked for part in synthesizer.sample_batches(count, given, seed))
    head = next(frames)
    label = label_column(head, image, first)
    out.write(itertools.chain([head], frames), n, image, label, _value_range(synthesizer))
    return n


def _classes(synthesizer: Synthesizer) -> list[Any]:
    """Return the values of a model's condition column, if it has one with few values."""
    first = synthesizer.encoder_.first
    if len(first) != 1:
        return []
    labels = getattr(synthesizer.encoder_.columns.get(first[0]), "labels", None)
    values = [] if labels is None else list(labels.index)
    return values if len(values) <= _MAX_CLASSES else []


def _value_range(synthesizer: Synthesizer) -> Range:
    """Return the values of black and white: the minimum and maximum that the model can generate."""
    column = synthesizer.schema_.image
    assert column is not None
    assert column.image is not None
    return column.image.low, column.image.high
