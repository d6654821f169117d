"""Images in idx files, the format of MNIST, plain or compressed, read block by block."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.tables.arrayfiles import DAMAGED, StoredImages, checked_labels, read_values

_IDX = re.compile(r"(?P<part>.*)images[-.]idx3-ubyte(?P<packed>\.gz)?$")
_TRAIN = "train-"


def idx_files(folder: Path) -> list[Path]:
    """Return the image files of a folder in MNIST's format, the training files first."""
    found = [path for path in sorted(folder.iterdir()) if _IDX.match(path.name)]
    return sorted(found, key=lambda path: not path.name.startswith(_TRAIN))


def is_idx(path: Path) -> bool:
    """Return whether a file is named like MNIST's image files."""
    return _IDX.match(path.name) is not None


@dataclass(frozen=True)
class IdxImages(StoredImages):
    """Images in MNIST's format."""

    def _arrays(self, rows: int) -> Iterator[NDArray[Any]]:
        with _unpacked(self.path) as file:
            file.read(_head(3))
            for first in range(0, len(self), rows):
                part = (min(rows, len(self) - first), *self.shape[1:])
                yield np.frombuffer(read_values(file, part, self.dtype), self.dtype).reshape(part)


def open_idx(path: Path) -> IdxImages:
    """Return the images of a file such as ``train-images-idx3-ubyte.gz``, and the labels from the file beside it.

    Raises
    ------
    DataError
        A file is damaged or of another format, or has not as many labels as there are images.
    """
    shape = _idx_shape(path, 3)
    if not shape[0]:
        raise DataError(f"{path} holds no images")
    name = path.name.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1")
    beside = [path.with_name(name), path.with_name(name.removesuffix(".gz")), path.with_name(f"{name}.gz")]
    other = next((other for other in beside if other.is_file()), None)
    labels = None
    if other is not None:
        n = _idx_shape(other, 1)
        with _unpacked(other) as file:
            file.read(_head(1))
            labels = checked_labels(np.frombuffer(read_values(file, n, np.dtype(np.uint8)), np.uint8), shape[0], other)
    return IdxImages(path, str(path), shape, np.dtype(np.uint8), labels)


def _head(axes: int) -> int:
    return 4 + 4 * axes


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.open(raw) as file:
            yield file  # type: ignore[misc]


def _idx_shape(path: Path, axes: int) -> tuple[int, ...]:
    """Return the shape of an idx file of bytes: two zero bytes, type 8 (bytes), number of axes, their sizes, values."""
    try:
        with _unpacked(path) as file:
            head = file.read(_head(axes))
            if len(head) < _head(axes) or head[:4] != bytes((0, 0, 8, axes)):
                raise DataError(f"{path} is no idx file of bytes with {axes} axes, as MNIST comes in")
            n = 0
            while part := file.read(2**20):
                n += len(part)
    except DataError:
        raise
    except DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    shape = tuple(int(n) for n in np.frombuffer(head, dtype=">u4", count=axes, offset=4))
    expected = int(np.prod(shape, dtype=np.int64))
    if n != expected:
        raise DataError(f"{path} is damaged: it should hold {expected:,} values and has {n:,}")
    return shape
