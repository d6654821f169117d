"""Images to files: a folder of PNG files, in folders by their labels, or one .npz file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gensynth.errors import OutputError
from gensynth.files import atomic_folder, atomic_write
from gensynth.tables.files import write_table
from gensynth.tables.imagearrays import FEW_LEVELS, IMAGE, LABEL, axes_of

ROWS_FILE = "rows.csv"
"""File of a folder of images that holds what else their rows hold."""
FILE_COLUMNS = ("file", "image file")
"""What its first column, the names of the images' files, is called; the second where there is another one."""
Range: TypeAlias = tuple[float, float]

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def write_image_folder(
    frame: pd.DataFrame,
    folder: str | os.PathLike[str],
    *,
    image: str | int = IMAGE,
    label: str | int | None = None,
    value_range: Range | None = None,
) -> None:
    """Write images as PNG files that are named by their number, moved into place when all are written.

    Parameters
    ----------
    frame : DataFrame
        A row for each image.
    folder : path-like
        Folder to write; it must not exist, or be empty.
    image : column label
        Column of arrays (h, w) or (h, w, c), of uint8 or floats.
    label : column label or None
        Column whose values name the folders that the images are put into. Where there are further columns, or two
        values make one name, the file ``rows.csv`` holds all of them, beside the name of the image's file.
    value_range : (low, high) or None
        Values that become black and white; None: `value_range_of` the images.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    images = frame[image].tolist()
    low_high = value_range_of(images) if value_range is None else value_range
    digits = max(5, len(str(len(images))))
    labels = [] if label is None else frame[label].tolist()
    places = [f"{_folder_name(value)}/" for value in labels] or [""] * len(images)
    names = [f"{place}{i + 1:0{digits}}.png" for i, place in enumerate(places)]
    rest = frame.drop(columns=image)
    told_apart = len(set(places)) >= len(set(map(str, labels)))
    try:
        with atomic_folder(folder) as temporary:
            for place in sorted(set(places)):
                (temporary / place).mkdir(exist_ok=True)
            for name, pixels in zip(names, images, strict=True):
                to_picture(pixels, low_high).save(temporary / name)
            if len(rest.columns) > (label is not None) or not told_apart:
                rest.insert(0, FILE_COLUMNS["file" in rest], names)
                write_table(rest, temporary / ROWS_FILE)
    except OSError as error:
        raise OutputError(f"{os.fspath(folder)} cannot be written: {error.strerror or error}") from error


def write_image_archive(
    frame: pd.DataFrame, path: str | os.PathLike[str], *, image: str | int = IMAGE, label: str | int | None = None
) -> None:
    """Write images as the array ``x`` of a ``.npz`` file, whole or not at all.

    Parameters
    ----------
    frame : DataFrame
        A row for each image.
    path : path-like
        File to write.
    image : column label
        Column of arrays of one shape.
    label : column label or None
        Column that becomes the array ``y``; further columns become arrays of their names.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    arrays = {"x": np.stack(frame[image].tolist())}
    for name in frame.columns:
        if name not in (image, label):
            arrays[f"column {name}" if name in ("x", "y", "file") else str(name)] = _plain_array(frame[name])
    if label is not None:
        arrays["y"] = _plain_array(frame[label])
    try:
        with atomic_write(path) as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise OutputError(f"{os.fspath(path)} cannot be written: {error.strerror or error}") from error


def label_column(frame: pd.DataFrame, image: str | int, given: Sequence[str | int] = ()) -> str | int | None:
    """Return the column of the classes of images: the one that is given in sampling, "label", or the only other one."""
    others = [name for name in frame.columns if name != image]
    if len(given) == 1 and given[0] in others:
        return given[0]
    if LABEL in others:
        return LABEL
    return others[0] if len(others) == 1 and not pd.api.types.is_float_dtype(frame[others[0]]) else None


def value_range_of(images: Sequence[NDArray[Any]] | NDArray[Any]) -> Range:
    """Return the values that are shown as black and white.

    Of whole numbers 0 and 255, or their greatest value if all lie below 32, as in digits of 17 levels; of floats 0 and
    1 if all lie between, or their least and greatest.
    """
    if not len(images):
        return 0.0, 1.0
    low = min(float(np.min(image)) for image in images)
    high = max(float(np.max(image)) for image in images)
    if np.asarray(images[0]).dtype.kind in "biu":
        return 0.0, max(high, 1.0) if high < FEW_LEVELS else 255.0
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high


def to_bytes(image: NDArray[Any], value_range: Range) -> NDArray[np.uint8]:
    """Return an image with 0 for the low and 255 for the high end of a range; what lies beyond is cut off."""
    low, high = value_range
    if image.dtype == np.uint8 and value_range == (0.0, 255.0):
        return image
    scaled = (np.asarray(image, dtype=np.float64) - low) * (255.0 / (high - low if high > low else 1.0))
    return scaled.round().clip(0, 255).astype(np.uint8)


def to_picture(image: NDArray[Any], value_range: Range) -> Image.Image:
    """Return an array (h, w), (h, w, c) or (c, h, w) as a picture: grey with 1 or 2 channels, colours with 3 or 4."""
    pixels = to_bytes(image, value_range)
    if pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1) if axes_of(pixels.shape) == "chw" else pixels
        pixels = pixels[..., 0] if pixels.shape[-1] < 3 else pixels[..., :3]
    return Image.fromarray(np.ascontiguousarray(pixels))


def _folder_name(value: object) -> str:
    """Return a label as the name of a folder on any system."""
    if value is None or value is pd.NA or value != value:
        return "missing"
    name = _UNSAFE.sub("_", str(value)).strip(" .")
    return name or "_"


def _plain_array(column: pd.Series[Any]) -> NDArray[Any]:
    """Return a column as an array that is no array of objects: text where it holds other things than numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype) if not column.isna().any() else column.astype(object)
    array = column.to_numpy()
    if array.dtype.kind in "biufMmU":
        return array
    return np.array(["" if pd.isna(value) else str(value) for value in column.tolist()], dtype=str)
