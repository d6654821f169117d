"""Folders of image files as a stream: each file is decoded once, into a temporary file of pixels."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import DataError, FileWarning, counted, hint
from gensynth.tables.arrayfiles import label_frame
from gensynth.tables.imagebeside import with_rows_beside
from gensynth.tables.imagefile import (
    BAD_FILE,
    IMAGE_ENDINGS,
    DecodedImage,
    Size,
    eight_bits,
    load_image,
    reason_of,
    with_channels,
)
from gensynth.tables.imagestore import ImageStore
from gensynth.tables.imagestream import ImageStream
from gensynth.tables.stream import image_rows

_MAX_NAMED = 5
_CHANGES = {
    "alpha": "transparent parts, which were laid on white",
    "depth": "16 bits, brought to 8",
    "print": "the colours of print (CMYK), converted to red, green and blue",
}


@dataclass(frozen=True)
class ImageFileOptions:
    """Options for reading image files.

    Parameters
    ----------
    size : (height, width) or None
        What each is brought to.
    channels : {1, 3} or None
        Grey values or colours; None: colours if one of the files has some.
    skip_bad : bool
        Whether files that cannot be read are left out.
    check : callable
        Is called with the shape of an image, the bytes of a value, the number of images and the folder, before more
        than one is read; raises `DataError` where there is no room for them.
    """

    size: Size | None
    channels: int | None
    skip_bad: bool
    check: Callable[[tuple[int, ...], int, int, object], None]


def open_folder(folder: Path, wanted: ImageFileOptions) -> ImageStream:
    """Return the images of a folder, labelled by its subfolders unless ``rows.csv`` has more columns.

    Raises
    ------
    DataError
        It holds no images, or both directly and in folders; as `open_files`.
    """
    try:
        own, below = files_in(folder), {sub: files_in(sub) for sub in folders_in(folder)}
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {reason_of(error)}") from error
    below = {sub: files for sub, files in below.items() if files}
    if own and below:
        raise DataError(
            f"{folder} holds images both directly ({own[0].name}) and in folders ({next(iter(below)).name}): put all "
            "of them into folders, whose names are their labels, or name one folder"
        )
    if own:
        return open_files(own, folder, None, wanted)
    if not below:
        deeper = next(folders_of_images(folder), None)
        advice = f"; its folder {deeper} holds folders of images: name that" if deeper is not None else ""
        raise DataError(
            f"{folder} holds no images; expected {', '.join(IMAGE_ENDINGS)} files, or folders of them, one for each "
            f"label{advice}"
        )
    files = [file for files in below.values() for file in files]
    return open_files(files, folder, [sub.name for sub, files in below.items() for _ in files], wanted)


def open_files(
    files: Sequence[Path], folder: Path, labels: Sequence[str] | None, wanted: ImageFileOptions
) -> ImageStream:
    """Return the images of some files in a folder, and their labels.

    Raises
    ------
    DataError
        Files are damaged, all of which are found before one is told of; images are of several sizes; there is no room.

    Warns
    -----
    FileWarning
        Files were skipped, transparent parts laid on white, 16 bits brought to 8, or CMYK converted.
    """
    decoded = _ImageStack()
    first: tuple[Path, DecodedImage] | None = None
    good: list[int] = []
    bad: list[tuple[Path, str]] = []
    for i, file in enumerate(files):
        try:
            image = load_image(file, wanted.size, wanted.channels)
        except BAD_FILE as error:
            bad.append((file, reason_of(error)))
            continue
        if first is None:
            first = file, image
            wanted.check(image.pixels.shape, image.pixels.itemsize, len(files), folder)
        elif image.pixels.shape[:2] != first[1].pixels.shape[:2]:
            raise DataError(_several_sizes(*first, file, image))
        good.append(i)
        decoded.add(image)
    if bad and not wanted.skip_bad:
        advice = hint("skip_bad=True leaves it out", "--skip-bad leaves it out")
        raise DataError(f"{_named(bad)}; repair or remove what is damaged, or {advice}")
    if not good:
        raise DataError(f"{folder} holds no image that can be read; {_named(bad)}")
    if bad:
        warnings.warn(f"{_named(bad)}; left out", FileWarning, stacklevel=3)
    for change, n in sorted((+decoded.changes).items()):
        warnings.warn(f"{counted(n, 'image')} with {_CHANGES[change]}", FileWarning, stacklevel=3)
    beside = label_frame(len(good), None if labels is None else [labels[i] for i in good])
    names = tuple(files[i].relative_to(folder).as_posix() for i in good)
    return ImageStream(decoded.finished(), with_rows_beside(beside, folder, names), str(folder), names)


class _ImageStack:
    """Images of one size, decoded one by one to a common depth (16 or 8 bits) and to grey values or colours.

    The first one of 8 bits, and the first one of colours, change those before it.
    """

    def __init__(self) -> None:
        self._store = ImageStore()
        self._waiting: list[NDArray[Any]] = []
        self._n = 0
        self._deep, self._colour = True, False
        self.changes: Counter[str] = Counter()

    def add(self, image: DecodedImage) -> None:
        """Add an image."""
        self.changes.update(image.changes)
        pixels: NDArray[Any] = image.pixels
        if self._deep and pixels.dtype == np.uint8:
            self._store = self.finished().mapped(eight_bits)
            self._deep = False
            self.changes["depth"] += self._n
        elif not self._deep and pixels.dtype == np.uint16:
            pixels = eight_bits(pixels)
            self.changes["depth"] += 1
        if pixels.ndim == 3 and not self._colour:
            self._store = self.finished().mapped(_coloured)
            self._colour = True
        self._n += 1
        self._waiting.append(with_channels(pixels, 3 if self._colour else None))
        if len(self._waiting) >= image_rows(self._waiting[0].size):
            self.finished()

    def finished(self) -> ImageStore:
        """Return the store of all that were added."""
        if self._waiting:
            self._store.append(np.stack(self._waiting))
            self._waiting = []
        return self._store


def _coloured(images: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(images[..., None], 3, axis=-1)


def _several_sizes(first: Path, one: DecodedImage, second: Path, other: DecodedImage) -> str:
    (h1, w1), (h2, w2) = one.pixels.shape[:2], other.pixels.shape[:2]
    advice = hint("image_size=32 brings all to 32 by 32 pixels", "--image-size 32 brings all to 32 by 32 pixels")
    return (
        f"{first} is {w1} wide and {h1} high, {second} is {w2} wide and {h2} high: images must be of one size; {advice}"
    )


def _named(bad: Sequence[tuple[Path, str]]) -> str:
    """Return how many files there are, and which with their reasons, the first five of many."""
    named = ", ".join(f"{path} ({reason})" for path, reason in bad[:_MAX_NAMED])
    more = f" and {len(bad) - _MAX_NAMED:,} more" if len(bad) > _MAX_NAMED else ""
    return f"{counted(len(bad), 'file')} cannot be read as images: {named}{more}"


def files_in(folder: Path) -> list[Path]:
    """Return the image files that lie in a folder, by name; names that begin with a dot are left out."""
    entries = sorted(folder.iterdir())
    return [p for p in entries if p.name.lower().endswith(IMAGE_ENDINGS) and not p.name.startswith(".") and p.is_file()]


def folders_of_images(folder: Path) -> Iterator[Path]:
    """Yield the folders in a folder that hold folders of images."""
    return (sub for sub in folders_in(folder) if any(map(files_in, folders_in(sub))))


def folders_in(folder: Path) -> list[Path]:
    """Return the folders that lie in a folder, by name."""
    return [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith((".", "__"))]
