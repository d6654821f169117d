"""A temporary file of images of one shape, read in blocks."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import DataError, counted, hint
from gensynth.files import errors_name
from gensynth.tables.stream import image_rows

Images = NDArray[Any]

MAX_BYTES = 2**33
"""Maximal size in bytes of images in memory."""


class ImageStore:
    """Images of one shape and dtype in a temporary file, with random access to blocks.

    Attributes
    ----------
    shape : tuple of int
        Of an image; () before there are some.
    dtype : numpy.dtype
        Of its values.
    low, high : float
        Least and greatest value of all images that is a number.
    whole_numbers : bool
        Whether all values are whole numbers.
    broken : int or None
        The first image with a pixel that is missing or infinite.
    """

    def __init__(self) -> None:
        # without a name where the system has such files: a process that is killed leaves nothing behind
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="gensynth-images-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._n = 0
        self.shape: tuple[int, ...] = ()
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.low, self.high, self.whole_numbers = np.inf, -np.inf, True
        self.broken: int | None = None

    def append(self, images: Images) -> None:
        """Add images (m, ...), m >= 1, of the shape and dtype of those before.

        Raises
        ------
        OSError
            The disk is full.
        """
        if not self._n:
            self.shape, self.dtype = images.shape[1:], images.dtype
        assert (images.shape[1:], images.dtype) == (self.shape, self.dtype)
        if self.broken is None and images.dtype.kind == "f":
            bad = ~np.isfinite(images).reshape(len(images), -1).all(1)
            self.broken = self._n + int(np.argmax(bad)) if bad.any() else None
        with errors_name(tempfile.gettempdir()):
            self._file.write(np.ascontiguousarray(images).tobytes())
        self._n += len(images)
        self.low = min(self.low, float(np.fmin.reduce(images, axis=None)))
        if self.whole_numbers and images.dtype.kind == "f":
            self.whole_numbers = bool((images == np.rint(images)).all())
        self.high = max(self.high, float(np.fmax.reduce(images, axis=None)))

    def __len__(self) -> int:
        return self._n

    @property
    def image_bytes(self) -> int:
        """Bytes of an image."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def block_rows(self) -> int:
        """Images that are read at a time."""
        return image_rows(int(np.prod(self.shape, dtype=np.int64)))

    def read(self, start: int, stop: int) -> Images:
        """Return the images (stop - start, ...)."""
        with errors_name(tempfile.gettempdir()):
            self._file.flush()
        shape = (min(stop, self._n) - start, *self.shape)
        # mapped, copied and unmapped: pages that stay mapped count as memory of the process
        return np.array(np.memmap(self._file, self.dtype, "r", start * self.image_bytes, shape))

    def blocks(self) -> Iterator[Images]:
        """Yield all images, `block_rows` at a time."""
        for start in range(0, self._n, self.block_rows):
            yield self.read(start, start + self.block_rows)

    def mapped(self, function: Callable[[Images], Images]) -> ImageStore:
        """Return a store of the results of a function of blocks of images."""
        out = ImageStore()
        for images in self.blocks():
            out.append(function(images))
        return out


def check_memory(shape: tuple[int, ...], itemsize: int, n: int, source: object) -> None:
    """Raise `DataError` if the images would hardly fit into memory."""
    _check(shape, itemsize, n, source, MAX_BYTES, "of memory")


def check_space(shape: tuple[int, ...], itemsize: int, n: int, source: object) -> None:
    """Raise `DataError` if the images do not fit into the folder of temporary files."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    _check(shape, itemsize, n, source, free, f"in {folder}, which has {_in_words(free)} (TMPDIR names another)")


def _check(shape: tuple[int, ...], itemsize: int, n: int, source: object, most: int, where: str) -> None:
    size = n * int(np.prod(shape, dtype=np.int64)) * itemsize
    if size > most:
        raise DataError(
            f"{source}: {counted(n, 'image')} of {shape[1]} x {shape[0]} pixels take {_in_words(size)} {where}; "
            f"make them smaller, for example with {hint('image_size=32', '--image-size 32')}"
        )


def _in_words(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
