"""Images in .npy and .npz files, read block by block."""

from __future__ import annotations

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, listed
from gensynth.tables.imagearrays import (
    ASIDE,
    IMAGE,
    IMAGE_KEYS,
    LABEL,
    LABEL_KEYS,
    LABEL_NAME,
    MAX_CHANNELS,
    objects_of,
)
from gensynth.tables.stream import image_rows

ARRAY_ENDINGS = (".npz", ".npy")

DAMAGED = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile)
"""Exceptions from reading an array file that is damaged or of another kind."""


def image_frame(images: NDArray[Any] | Sequence[NDArray[Any]], labels: Any = None) -> pd.DataFrame:
    """Return images, and their labels if given, as a table.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c), or sequence of n arrays (h, w) or (h, w, c)
        The images.
    labels : array-like of shape (n,) or None
        Text, whole numbers or booleans become the categories of a column, floats stay numbers.

    Returns
    -------
    DataFrame
        The columns ``image``, an array in each cell, and ``label``.
    """
    cells = pd.Series(objects_of(list(images)), dtype=object)
    return pd.concat([pd.DataFrame({IMAGE: cells}), label_frame(len(images), labels)], axis=1)


def label_frame(n: int, labels: Any = None) -> pd.DataFrame:
    """Return the columns beside n images: ``label``, as in `image_frame`, or none."""
    if labels is None:
        return pd.DataFrame(index=pd.RangeIndex(n))
    column = pd.Series(np.asarray(labels)) if not isinstance(labels, pd.Series) else labels.reset_index(drop=True)
    return pd.DataFrame({LABEL: column if pd.api.types.is_float_dtype(column) else column.astype("category")})


def check_axes(shape: tuple[int, ...], dtype: np.dtype[Any], source: object) -> None:
    """Raise `DataError` if an array of this shape and dtype has no images; ``source`` is its name in messages."""
    if len(shape) not in (3, 4):
        raise DataError(
            f"{source} has the shape {shape}; images are arrays (n, height, width), "
            "(n, height, width, channels) or (n, channels, height, width): reshape it"
        )
    if 0 in shape:
        raise DataError(f"{source} has the shape {shape}: there are no images in it")
    if len(shape) == 4 and min(shape[1], shape[-1]) > MAX_CHANNELS:
        raise DataError(
            f"{source} has the shape {shape}: neither its second nor its last axis is 1 to {MAX_CHANNELS} "
            "channels; reshape it to (n, height, width, channels)"
        )
    if dtype.kind not in "biuf":
        raise DataError(f"{source} has the dtype {dtype}; pixels are numbers")


def channels_last(images: NDArray[Any], source: object) -> NDArray[Any]:
    """Return images as (n, h, w), or (n, h, w, c) with c in 2..4.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), (n, h, w, c) or (n, c, h, w)
        With c in 1..4; where both the second and the last axis could be the channels, it is the last one.
    source : object
        What messages call it.

    Raises
    ------
    DataError
        The axes are others, there are no images, or values are no numbers.
    """
    check_axes(images.shape, images.dtype, source)
    if images.ndim == 4 and images.shape[-1] > MAX_CHANNELS:
        images = np.moveaxis(images, 1, -1)
    return images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images


@dataclass(frozen=True)
class StoredImages(ABC):
    """Images in a file, read block by block, and the file's other columns.

    Parameters
    ----------
    path : Path
        The file.
    source : str
        What messages call the images.
    shape : tuple of int
        Of the array.
    dtype : numpy.dtype
        Of the array.
    labels : ndarray of shape (n,) or None
        Their labels.
    columns : dict
        Further arrays (n,), by their names.
    """

    path: Path
    source: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    labels: NDArray[Any] | None = None
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield the images, channels last, some at a time: whole numbers from 0 to 255 as bytes, other numbers as such.

        Raises
        ------
        DataError
            The file is damaged.
        """
        rows = image_rows(int(np.prod(self.shape[1:], dtype=np.int64)))
        try:
            dtype = self._kept(rows)
            for block in self._arrays(rows):
                yield channels_last(block, self.source).astype(dtype, copy=False)
        except DAMAGED as error:
            raise DataError(f"{self.path} cannot be read: {error}") from error

    def _kept(self, rows: int) -> np.dtype[Any]:
        """Return the storage dtype of images, which requires reading all values of whole numbers."""
        if self.dtype.kind == "f" or (self.dtype.itemsize == 1 and self.dtype.kind != "i"):
            return np.dtype(np.uint8) if self.dtype.kind == "b" else self.dtype
        bytes_ = all(block.min() >= 0 and block.max() <= 255 for block in self._arrays(rows))
        return np.dtype(np.uint8) if bytes_ else self.dtype

    @abstractmethod
    def _arrays(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield parts of the array as they stand in the file; raises `DAMAGED`."""


@dataclass(frozen=True)
class ArrayImages(StoredImages):
    """Images in a ``.npy`` file, or in one array of a ``.npz`` file: ``name``."""

    name: str = ""

    def _arrays(self, rows: int) -> Iterator[NDArray[Any]]:
        with _opened(self.path, self.name) as file:
            shape, by_columns, dtype = _header(file)
            if by_columns:  # an image does not stand in one piece
                whole = np.frombuffer(read_values(file, shape, dtype), dtype).reshape(shape[::-1]).T
                yield from (whole[first : first + rows] for first in range(0, len(whole), rows))
                return
            for first in range(0, shape[0], rows):
                part = (min(rows, shape[0] - first), *shape[1:])
                yield np.frombuffer(read_values(file, part, dtype), dtype).reshape(part)


def open_arrays(path: Path) -> ArrayImages:
    """Return the images of a ``.npy`` or ``.npz`` file, and of the latter the labels and columns that it has of them.

    Further columns, and the name of that of the labels, are taken from files of images ``x``, as
    `gensynth.tables.imagewriter` writes them; of files by others, whose images have another name, none are.

    Raises
    ------
    DataError
        It cannot be read, or does not hold images; names the arrays that it holds.
    """
    try:
        found = {name: _shape_of(path, name) for name in _names(path) if not name.endswith("_test")}
    except DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    name = _image_key({name: shape for name, (shape, _) in found.items()}, path)
    source = f"{path}: array {name!r}" if name else str(path)
    shape, dtype = found[name]
    check_axes(shape, dtype, source)
    label = next(
        (key for key in LABEL_KEYS if key in found and key.endswith("_train") == name.endswith("_train")), None
    )
    others = [key for key, (own, _) in found.items() if own == shape[:1] and key not in (*IMAGE_KEYS, *LABEL_KEYS)]
    try:
        labels = None if label is None else _small_array(path, label)
        columns = {_own_name(key): _small_array(path, key) for key in others} if name == "x" else {}
        named = str(_small_array(path, LABEL_NAME)) if name == "x" and LABEL_NAME in found else LABEL
    except DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if labels is not None:
        labels = checked_labels(labels, shape[0], f"{path}: array {label!r}")
        if named != LABEL:  # such a column, not labels of images that have no other
            columns, labels = {named: labels, **columns}, None
    return ArrayImages(path, source, shape, dtype, labels, columns, name)


def _own_name(key: str) -> str:
    """Return the name of the column that an array beside images holds."""
    name = key.removeprefix(ASIDE)
    return name if name in (*IMAGE_KEYS, *LABEL_KEYS, LABEL_NAME) else key


def _image_key(shapes: Mapping[str, tuple[int, ...]], path: Path) -> str:
    name = next((key for key in IMAGE_KEYS if key in shapes), None)
    if name is not None:
        return name
    possible = [key for key, shape in shapes.items() if len(shape) in (3, 4)]
    if len(possible) == 1:
        return possible[0]
    if "" in shapes:
        return ""
    raise DataError(
        f"{path} holds the arrays {listed(list(shapes))}; expected the images in one that is named 'x' (labels in 'y')"
    )


def checked_labels(labels: NDArray[Any], n: int, source: object) -> NDArray[Any]:
    """Return the labels (n,) of n images; raise `DataError` if there are not as many."""
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != (n,):
        raise DataError(f"{source} has the shape {labels.shape}; expected one label for each of {n:,} images")
    return labels


def _names(path: Path) -> list[str]:
    """Return the arrays of a ``.npz`` file; "" of a ``.npy`` file."""
    if not zipfile.is_zipfile(path):
        return [""]
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


@contextmanager
def _opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    if not name:
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        yield member


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether the first axis varies fastest, and dtype of an array, of which the values come next."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    return shape, by_columns, dtype


def _shape_of(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with _opened(path, name) as file:
        shape, _, dtype = _header(file)
        if dtype.hasobject:
            raise ValueError(f"{f'its array {name!r}' if name else 'it'} holds Python objects, which are not read")
        return shape, dtype


def _small_array(path: Path, name: str) -> NDArray[Any]:
    with _opened(path, name) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def read_values(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return the bytes of so many values; raise `EOFError` if there are fewer."""
    n = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    parts = []
    while n:
        part = file.read(n)
        if not part:
            raise EOFError("it is cut off")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)
