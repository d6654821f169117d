"""Images from files into a table: a folder of PNG and JPEG files, a .npz or .npy file, the files of MNIST."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, FileWarning, counted, hint
from gensynth.tables.arrayfiles import (
    ARRAY_ENDINGS,
    columns_beside,
    idx_files,
    image_frame,
    is_idx,
    read_arrays,
    read_idx,
)
from gensynth.tables.imagearrays import IMAGE, LABEL
from gensynth.tables.imagebeside import with_rows_beside
from gensynth.tables.imagefile import (
    BAD_FILE,
    IMAGE_ENDINGS,
    Loaded,
    Size,
    load_image,
    read_image,
    reason_of,
    resized,
    size_of,
)

__all__ = [
    "IMAGE",
    "LABEL",
    "ImageSet",
    "image_files",
    "image_frame",
    "image_set",
    "is_image_source",
    "read_image",
    "read_images",
]

MAX_BYTES = 2**33
"""Pixels that are read at most, in bytes."""
_MAX_NAMED = 5


@dataclass(frozen=True)
class ImageSet:
    """Images that were read.

    Parameters
    ----------
    frame : DataFrame
        The columns ``image``, an array in each cell, and ``label``, if there are labels.
    files : tuple of str or None
        The file of each image, relative to the folder; None for images that came in one file. It is no column, as
        there is nothing in it to be learned.
    source : str
        What was read.
    """

    frame: pd.DataFrame
    files: tuple[str, ...] | None
    source: str

    def __len__(self) -> int:
        return len(self.frame)


def is_image_source(source: str | os.PathLike[str]) -> bool:
    """Return whether `read_images` reads a file, or a folder that directly, or in its folders, holds image files."""
    path = Path(source)
    if path.is_dir():
        try:
            return bool(image_files(path))
        except OSError:  # whoever reads it says that it cannot be read
            return False
    return path.name.lower().endswith((*ARRAY_ENDINGS, *IMAGE_ENDINGS)) or is_idx(path)


def image_files(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files that `read_images` reads, or would read, of a source; none of a folder without images."""
    path = Path(source)
    if not path.is_dir():
        return [path]
    return idx_files(path) or [file for folder in (path, *_folders(path)) for file in _image_files(folder)]


def read_images(
    source: str | os.PathLike[str],
    *,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    skip_bad: bool = False,
) -> ImageSet:
    """Read images of one size, and the labels that come with them.

    Parameters
    ----------
    source : path-like
        A folder of PNG and JPEG files, or of folders of such files, whose names are then the labels; a single such
        file; a ``.npz`` file with the arrays ``x`` and, for labels, ``y``; a ``.npy`` file; a file as MNIST comes in
        (``train-images-idx3-ubyte.gz``, with its labels beside it), or a folder with such files, of which those that
        begin with ``train`` are read. Names that begin with a dot are left out.
    image_size : int, (height, width) or None
        Pixels to bring every image to: cut to the aspect ratio around its centre, then resized. None: all images of
        a folder must be of one size.
    channels : {1, 3} or None
        1: grey values; 3: red, green and blue. None: colours if one of the files has some, else grey values.
    skip_bad : bool
        Leave out files that are damaged or no images, with a warning, instead of raising.

    Raises
    ------
    DataError
        There are no images; a file is damaged; images are of several sizes.

    Warns
    -----
    FileWarning
        Files were skipped, transparent parts laid on white, or 16 bits brought to 8.

    Examples
    --------
    >>> found = read_images("photos", image_size=32)  # doctest: +SKIP
    >>> found.frame.columns.tolist(), found.files[0]  # doctest: +SKIP
    (['image', 'label'], 'cats/1.png')
    """
    path, size = Path(source), size_of(image_size)
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    if path.is_dir() and not idx_files(path):
        return _from_folder(path, size, channels, skip_bad=skip_bad)
    if path.is_dir():
        path = idx_files(path)[0]
    if path.name.lower().endswith(IMAGE_ENDINGS):
        return _from_files([path], path.parent, None, (size, channels), skip_bad=False)
    if not is_image_source(path):
        endings = ", ".join((*IMAGE_ENDINGS, *ARRAY_ENDINGS))
        raise DataError(f"{path}: unknown kind of file; expected a folder of images, or a name that ends in {endings}")
    images, labels = read_idx(path) if is_idx(path) else read_arrays(path)
    _check_memory(images.shape[1:], len(images), path)
    cells = [_with_channels(image if size is None else resized(image, size), channels) for image in images]
    return ImageSet(image_frame(cells, labels).assign(**columns_beside(path, len(cells))), None, str(path))


def image_set(frame: pd.DataFrame, source: str, *, image_size: int | Sequence[int] | None = None) -> ImageSet:
    """Return a frame with a column of images as `read_images` would, resized if asked for."""
    size = size_of(image_size)
    if size is not None:
        cells = [resized(image, size) for image in frame[IMAGE]]
        frame = image_frame(cells).join(frame.drop(columns=IMAGE))
    return ImageSet(frame, None, source)


def _from_folder(folder: Path, size: Size | None, channels: int | None, *, skip_bad: bool) -> ImageSet:
    """Return the images of a folder; those of its folders have their names as labels, unless a file tells more."""
    try:
        own, below = _image_files(folder), {sub: _image_files(sub) for sub in _folders(folder)}
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {reason_of(error)}") from error
    below = {sub: files for sub, files in below.items() if files}
    if own and below:
        raise DataError(
            f"{folder} holds images both directly ({own[0].name}) and in folders ({next(iter(below)).name}): put all "
            "of them into folders, whose names are their labels, or name one folder"
        )
    if own:
        return _from_files(own, folder, None, (size, channels), skip_bad=skip_bad)
    if not below:
        deeper = next((sub for sub in _folders(folder) if any(map(_image_files, _folders(sub)))), None)
        advice = f"; its folder {deeper} holds folders of images: name that" if deeper is not None else ""
        raise DataError(
            f"{folder} holds no images; expected {', '.join(IMAGE_ENDINGS)} files, or folders of them, one for each "
            f"label{advice}"
        )
    files = [file for files in below.values() for file in files]
    labels = [sub.name for sub, files in below.items() for _ in files]
    return _from_files(files, folder, labels, (size, channels), skip_bad=skip_bad)


def _from_files(
    files: Sequence[Path],
    folder: Path,
    labels: list[str] | None,
    wanted: tuple[Size | None, int | None],
    *,
    skip_bad: bool,
) -> ImageSet:
    """Return the images of some files; all that are damaged are found before one is told of."""
    size, channels = wanted
    found: list[tuple[int, Loaded]] = []
    bad: list[tuple[Path, str]] = []
    for i, file in enumerate(files):
        try:
            image = load_image(file, size, channels)
        except BAD_FILE as error:
            bad.append((file, reason_of(error)))
            continue
        if not found:
            _check_memory(image.pixels.shape, len(files), folder)
        elif image.pixels.shape[:2] != found[0][1].pixels.shape[:2]:
            raise DataError(_several_sizes(files[found[0][0]], found[0][1], file, image))
        found.append((i, image))
    if bad and not skip_bad:
        advice = hint("skip_bad=True leaves it out", "--skip-bad leaves it out")
        raise DataError(f"{_named(bad)}; repair or remove what is damaged, or {advice}")
    if not found:
        raise DataError(f"{folder} holds no image that can be read; {_named(bad)}")
    if bad:
        warnings.warn(f"{_named(bad)}; left out", FileWarning, stacklevel=3)
    _tell([image for _, image in found])
    colour = any(image.pixels.ndim == 3 for _, image in found)
    cells = [_with_channels(image.pixels, 3 if colour else None) for _, image in found]
    frame = image_frame(cells, None if labels is None else [labels[i] for i, _ in found])
    names = tuple(files[i].relative_to(folder).as_posix() for i, _ in found)
    return ImageSet(with_rows_beside(frame, folder, names), names, str(folder))


def _with_channels(image: NDArray[Any], channels: int | None) -> NDArray[Any]:
    """Return an image (h, w) or (h, w, c) with so many channels; grey values are ITU-R 601-2 luma, as in Pillow."""
    if channels == 3 and image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=-1)
    if channels == 3 and image.shape[-1] == 4:
        return image[..., :3]
    if channels == 1 and image.ndim == 3:
        luma = image[..., :3] @ np.array([0.299, 0.587, 0.114]) if image.shape[-1] >= 3 else image[..., 0]
        return (luma.round() if image.dtype.kind in "iu" else luma).astype(image.dtype)
    return image


def _several_sizes(first: Path, one: Loaded, second: Path, other: Loaded) -> str:
    (h1, w1), (h2, w2) = one.pixels.shape[:2], other.pixels.shape[:2]
    advice = hint("image_size=32 brings all to 32 by 32 pixels", "--image-size 32 brings all to 32 by 32 pixels")
    return (
        f"{first} is {w1} wide and {h1} high, {second} is {w2} wide and {h2} high: images must be of one size; {advice}"
    )


def _check_memory(shape: tuple[int, ...], n: int, source: Path) -> None:
    """Raise `DataError` if so many images of this shape would hardly fit the memory."""
    size = n * int(np.prod(shape, dtype=np.int64))
    if size > MAX_BYTES:
        advice = hint("image_size=32", "--image-size 32")
        raise DataError(
            f"{source}: {counted(n, 'image')} of {shape[1]} x {shape[0]} pixels take {size / 2**30:.0f} GiB of memory; "
            f"make them smaller, for example with {advice}"
        )


def _tell(images: Sequence[Loaded]) -> None:
    """Warn of what was lost on the way."""
    for change, said in (("alpha", "transparent parts, which were laid on white"), ("depth", "16 bits, brought to 8")):
        n = sum(change in image.changes for image in images)
        if n:
            warnings.warn(f"{counted(n, 'image')} with {said}", FileWarning, stacklevel=4)


def _named(bad: Sequence[tuple[Path, str]]) -> str:
    """Return how many files there are, and which with their reasons, the first five of many."""
    named = ", ".join(f"{path} ({reason})" for path, reason in bad[:_MAX_NAMED])
    more = f" and {len(bad) - _MAX_NAMED:,} more" if len(bad) > _MAX_NAMED else ""
    return f"{counted(len(bad), 'file')} cannot be read as images: {named}{more}"


def _image_files(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir())
    return [p for p in entries if p.name.lower().endswith(IMAGE_ENDINGS) and not p.name.startswith(".") and p.is_file()]


def _folders(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith((".", "__"))]
