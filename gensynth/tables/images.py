"""Images from folders of PNG and JPEG files, .npz and .npy files or MNIST's files, as stream or table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.tables.arrayfiles import ARRAY_ENDINGS, image_frame, label_frame, open_arrays
from gensynth.tables.idxfiles import idx_files, is_idx, open_idx
from gensynth.tables.imagearrays import IMAGE, LABEL
from gensynth.tables.imagefile import IMAGE_ENDINGS, Size, read_image, resized, size_of, with_channels
from gensynth.tables.imagefolder import ImageFileOptions, files_in, folders_in, open_files, open_folder
from gensynth.tables.imagestore import ImageStore, check_memory, check_space
from gensynth.tables.imagestream import ImageStream
from gensynth.tables.stream import image_rows

__all__ = [
    "IMAGE",
    "LABEL",
    "ImageSet",
    "ImageStream",
    "frame_stream",
    "image_files",
    "image_frame",
    "is_image_source",
    "open_images",
    "read_image",
    "read_images",
]


@dataclass(frozen=True)
class ImageSet:
    """A set of decoded images.

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
    return idx_files(path) or [file for folder in (path, *folders_in(path)) for file in files_in(folder)]


def open_images(
    source: str | os.PathLike[str],
    *,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    skip_bad: bool = False,
) -> ImageStream:
    """Open images of one size with their labels, which may be larger than memory.

    Every image is decoded once, into a temporary file (of `tempfile.gettempdir`), which is gone with the stream.

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

    Returns
    -------
    ImageStream
        A table of the columns ``image`` and ``label``, which estimators take; its ``files`` are the names.

    Raises
    ------
    DataError
        There are no images; a file is damaged; images are of several sizes; the temporary file has no room.

    Warns
    -----
    FileWarning
        Files were skipped, transparent parts laid on white, 16 bits brought to 8, or CMYK converted.

    Examples
    --------
    >>> from gensynth import Synthesizer
    >>> photos = open_images("photos", image_size=32)  # doctest: +SKIP
    >>> Synthesizer("vae").fit(photos).score_samples(photos)  # doctest: +SKIP
    """
    return _open(source, ImageFileOptions(size_of(image_size), channels, skip_bad, check_space))


def read_images(
    source: str | os.PathLike[str],
    *,
    image_size: int | Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    skip_bad: bool = False,
) -> ImageSet:
    """Read images of one size with their labels into memory; parameters as for `open_images`.

    Raises
    ------
    DataError
        As `open_images`; they would hardly fit the memory.

    Examples
    --------
    >>> found = read_images("photos", image_size=32)  # doctest: +SKIP
    >>> found.frame.columns.tolist(), found.files[0]  # doctest: +SKIP
    (['image', 'label'], 'cats/1.png')
    """
    found = _open(source, ImageFileOptions(size_of(image_size), channels, skip_bad, check_memory))
    return ImageSet(found.whole().frame, found.files, found.source)


def frame_stream(frame: pd.DataFrame, source: str, *, image_size: int | Sequence[int] | None = None) -> ImageStream:
    """Return a frame whose column ``image`` holds arrays of one shape as a stream, resized if asked for."""
    store, size = ImageStore(), size_of(image_size)
    rows = image_rows(frame[IMAGE].iloc[0].size)
    for first in range(0, len(frame), rows):
        store.append(_fitted(np.stack(frame[IMAGE].iloc[first : first + rows].tolist()), size, None))
    return ImageStream(store, frame.drop(columns=IMAGE), source)


def _open(source: str | os.PathLike[str], wanted: ImageFileOptions) -> ImageStream:
    path = Path(source)
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    if path.is_dir() and not idx_files(path):
        return open_folder(path, wanted)
    if path.is_dir():
        path = idx_files(path)[0]
    if path.name.lower().endswith(IMAGE_ENDINGS):
        return open_files(
            [path], path.parent, None, ImageFileOptions(wanted.size, wanted.channels, False, wanted.check)
        )
    if not is_image_source(path):
        endings = ", ".join((*IMAGE_ENDINGS, *ARRAY_ENDINGS))
        raise DataError(f"{path}: unknown kind of file; expected a folder of images, or a name that ends in {endings}")
    found = open_idx(path) if is_idx(path) else open_arrays(path)
    store = ImageStore()
    for block in found.blocks():
        images = _fitted(block, wanted.size, wanted.channels)
        if not len(store):
            wanted.check(images.shape[1:], images.itemsize, len(found), path)
        store.append(images)
    if store.broken is not None:
        raise DataError(
            f"{found.source}: image {store.broken + 1:,} has missing or infinite pixels; fill them, or leave it out"
        )
    beside = label_frame(len(store), found.labels).assign(**found.columns)
    return ImageStream(store, beside, str(path))


def _fitted(images: NDArray[Any], size: Size | None, channels: int | None) -> NDArray[Any]:
    """Return images (m, h, w) or (m, h, w, c) brought to a size and to so many channels."""
    if size is not None and images.shape[1:3] != size:
        images = np.stack([resized(image, size) for image in images])
    return images if channels is None else np.stack([with_channels(image, channels) for image in images])
