"""Images in arrays and in the files that hold arrays: .npy, .npz, and the idx files of MNIST."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, listed
from gensynth.tables.imagearrays import IMAGE, LABEL, MAX_CHANNELS, objects_of

ARRAY_ENDINGS = (".npz", ".npy")

_IMAGE_KEYS = ("x", "X", "images", "image", "x_train", "X_train", "train_images")
_LABEL_KEYS = ("y", "labels", "label", "target", "y_train", "train_labels")
_IDX = re.compile(r"(?P<part>.*)images[-.]idx3-ubyte(?P<packed>\.gz)?$")
_DAMAGED = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile)
_TRAIN = "train-"


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
    frame = pd.DataFrame({IMAGE: pd.Series(objects_of(list(images)), dtype=object)})
    if labels is None:
        return frame
    column = pd.Series(np.asarray(labels)) if not isinstance(labels, pd.Series) else labels.reset_index(drop=True)
    return frame.assign(**{LABEL: column if pd.api.types.is_float_dtype(column) else column.astype("category")})


def channels_last(images: NDArray[Any], source: object) -> NDArray[Any]:
    """Return images as (n, h, w), or (n, h, w, c) with c in 2..4, of uint8 or floats.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), (n, h, w, c) or (n, c, h, w)
        With c in 1..4; where both the second and the last axis could be the channels, it is the last one.
    source : object
        What messages call it.

    Raises
    ------
    DataError
        The axes are others, there are no images, or values are no pixels: text, or whole numbers outside 0..255.
    """
    if images.ndim not in (3, 4):
        raise DataError(
            f"{source} has the shape {images.shape}; images are arrays (n, height, width), "
            "(n, height, width, channels) or (n, channels, height, width): reshape it"
        )
    if 0 in images.shape:
        raise DataError(f"{source} has the shape {images.shape}: there are no images in it")
    if images.ndim == 4 and images.shape[-1] > MAX_CHANNELS:
        if images.shape[1] > MAX_CHANNELS:
            raise DataError(
                f"{source} has the shape {images.shape}: neither its second nor its last axis is 1 to {MAX_CHANNELS} "
                "channels; reshape it to (n, height, width, channels)"
            )
        images = np.moveaxis(images, 1, -1)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.dtype.kind == "f" or images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "biu":
        raise DataError(f"{source} has the dtype {images.dtype}; pixels are whole numbers in 0..255, or floats")
    low, high = int(images.min()), int(images.max())
    if low < 0 or high > 255:
        raise DataError(
            f"{source} holds whole numbers from {low} to {high}; pixels are whole numbers in 0..255, or floats: divide "
            "them"
        )
    return images.astype(np.uint8)


def read_arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the images of a ``.npy`` or ``.npz`` file, channels last, and the labels of a ``.npz`` file that has them.

    Raises
    ------
    DataError
        It cannot be read, or does not hold images; names the arrays that it holds.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            arrays = {"": found}
        else:
            with found:
                arrays = {name: found[name] for name in found.files if not name.endswith("_test")}
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    name = _image_key(arrays, path)
    label = next(
        (key for key in _LABEL_KEYS if key in arrays and key.endswith("_train") == name.endswith("_train")), None
    )
    images = channels_last(arrays[name], f"{path}: array {name!r}" if name else path)
    return images, None if label is None else _checked_labels(arrays[label], images, f"{path}: array {label!r}")


def columns_beside(path: Path, n: int) -> dict[str, NDArray[Any]]:
    """Return the further columns of a ``.npz`` file of ``n`` images ``x``, as `gensynth.tables.imagewriter` writes it.

    Those are arrays of one entry for each image; of files by others, whose images have another name, none are taken.
    """
    if path.suffix.lower() != ".npz":
        return {}
    try:
        with np.load(path, allow_pickle=False) as found:
            if "x" not in found.files:
                return {}
            others = {name: found[name] for name in found.files if name not in (*_IMAGE_KEYS, *_LABEL_KEYS)}
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return {name: array for name, array in others.items() if array.shape == (n,)}


def idx_files(folder: Path) -> list[Path]:
    """Return the files of images of a folder as MNIST comes in, those to learn from first."""
    found = [path for path in sorted(folder.iterdir()) if _IDX.match(path.name)]
    return sorted(found, key=lambda path: not path.name.startswith(_TRAIN))


def is_idx(path: Path) -> bool:
    """Return whether a file is named as those of MNIST that hold images."""
    return _IDX.match(path.name) is not None


def read_idx(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return the images of a file such as ``train-images-idx3-ubyte.gz``, and the labels from the file beside it.

    Raises
    ------
    DataError
        A file is damaged or of another format, or has not as many labels as there are images.
    """
    images = _read_idx(path, 3)
    if not len(images):
        raise DataError(f"{path} holds no images")
    name = path.name.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1")
    beside = [path.with_name(name), path.with_name(name.removesuffix(".gz")), path.with_name(f"{name}.gz")]
    labels = next((other for other in beside if other.is_file()), None)
    return images, None if labels is None else _checked_labels(_read_idx(labels, 1), images, labels)


def _image_key(arrays: Mapping[str, NDArray[Any]], path: Path) -> str:
    name = next((key for key in _IMAGE_KEYS if key in arrays), None)
    if name is not None:
        return name
    possible = [key for key, array in arrays.items() if array.ndim in (3, 4)]
    if len(possible) == 1:
        return possible[0]
    if "" in arrays:
        return ""
    raise DataError(
        f"{path} holds the arrays {listed(list(arrays))}; expected the images in one that is named 'x' (labels in 'y')"
    )


def _checked_labels(labels: NDArray[Any], images: NDArray[Any], source: object) -> NDArray[Any]:
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != images.shape[:1]:
        raise DataError(f"{source} has the shape {labels.shape}; expected one label for each of {len(images):,} images")
    return labels


def _read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return an idx file of bytes: two zero bytes, type 8 (bytes), number of axes, their sizes, the values."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    head = 4 + 4 * axes
    if len(data) < head or data[:4] != bytes((0, 0, 8, axes)):
        raise DataError(f"{path} is no idx file of bytes with {axes} axes, as MNIST comes in")
    shape = tuple(int(n) for n in np.frombuffer(data, dtype=">u4", count=axes, offset=4))
    expected = int(np.prod(shape, dtype=np.int64))
    if len(data) - head != expected:
        raise DataError(f"{path} is damaged: it should hold {expected:,} values and has {len(data) - head:,}")
    return np.frombuffer(data, dtype=np.uint8, offset=head).reshape(shape)
