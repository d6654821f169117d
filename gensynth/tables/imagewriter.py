"""Writing of images: a folder of PNG files in one folder per label, or one .npz file."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gensynth.errors import OutputError
from gensynth.files import atomic_folder, atomic_write
from gensynth.tables.files import write_table
from gensynth.tables.imagearrays import ASIDE, FEW_LEVELS, IMAGE, IMAGE_KEYS, LABEL, LABEL_KEYS, LABEL_NAME, axes_of

ROWS_FILE = "rows.csv"
"""File in a folder of images that holds the other columns of their rows."""
FILE_COLUMNS = ("file", "image file")
"""Name of its column of file names; the second one if the table has a column of the first name."""
Range: TypeAlias = tuple[float, float]
_NAME = "\0 name"  # of a column that no table has

_TAKEN = ("file", *IMAGE_KEYS, *LABEL_KEYS, LABEL_NAME)

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def write_image_folder(
    frame: pd.DataFrame | Iterable[pd.DataFrame],
    folder: str | os.PathLike[str],
    *,
    n: int | None = None,
    image: str | int = IMAGE,
    label: str | int | None = None,
    value_range: Range | None = None,
) -> None:
    """Write images as PNG files that are named by their number, moved into place when all are written.

    Parameters
    ----------
    frame : DataFrame, or iterable of DataFrames
        A row for each image; several frames are one below the other, of which one is in memory at a time.
    folder : path-like
        Folder to write; it must not exist, or be empty.
    n : int or None
        Rows of several frames.
    image : column label
        Column of arrays (h, w) or (h, w, c), of uint8 or floats.
    label : column label or None
        Column whose values name the folders that the images are put into. Where there are further columns, or two
        values make one name, the file ``rows.csv`` holds all of them, beside the name of the image's file.
    value_range : (low, high) or None
        Values that become black and white; None: `value_range_of` the images, all of which are then in memory.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    frames, n = _parts(frame, n)
    if value_range is None:
        frames = list(frames)
        value_range = value_range_of([image_ for part in frames for image_ in part[image].tolist()])
    digits = max(5, len(str(n)))
    beside: list[pd.DataFrame] = []
    at = 0
    try:
        with atomic_folder(folder) as temporary:
            for part in frames:
                names = _names(part, label, at, digits)
                for name, pixels in zip(names, part[image].tolist(), strict=True):
                    (temporary / name).parent.mkdir(exist_ok=True)
                    to_picture(pixels, value_range).save(temporary / name)
                beside.append(part.drop(columns=image).assign(**{_NAME: names}))
                at += len(part)
            rows = pd.concat(beside, ignore_index=True)
            names = rows.pop(_NAME).tolist()
            places = {name.rpartition("/")[0] for name in names}
            told_apart = label is None or len(places) >= len(set(map(str, rows[label].tolist())))
            if len(rows.columns) > (label is not None) or not told_apart:
                rows.insert(0, FILE_COLUMNS["file" in rows], names)
                write_table(rows, temporary / ROWS_FILE)
    except OSError as error:
        raise OutputError(f"{os.fspath(folder)} cannot be written: {error.strerror or error}") from error


def write_image_archive(
    frame: pd.DataFrame | Iterable[pd.DataFrame],
    path: str | os.PathLike[str],
    *,
    n: int | None = None,
    image: str | int = IMAGE,
    label: str | int | None = None,
) -> None:
    """Write images as the array ``x`` of a ``.npz`` file, whole or not at all.

    Parameters
    ----------
    frame : DataFrame, or iterable of DataFrames
        A row for each image; several frames are one below the other, of which one is in memory at a time.
    path : path-like
        File to write.
    n : int or None
        Rows of several frames.
    image : column label
        Column of arrays of one shape.
    label : column label or None
        Column that becomes the array ``y`` where none is called ``label``, which does so before others; its name then
        stands in ``y_name``. Further columns become arrays of their names.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    frames, n = _parts(frame, n)
    beside: list[pd.DataFrame] = []
    try:
        with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("x.npy", "w", force_zip64=True) as member:
                for part in frames:
                    images = np.stack(part[image].tolist())
                    if not beside:
                        shape, kind = (n, *images.shape[1:]), np.lib.format.dtype_to_descr(images.dtype)
                        header = {"descr": kind, "fortran_order": False, "shape": shape}
                        np.lib.format.write_array_header_1_0(member, header)
                    member.write(np.ascontiguousarray(images).tobytes())
                    beside.append(part.drop(columns=image))
            rows = pd.concat(beside, ignore_index=True)
            label = LABEL if LABEL in rows else label
            for name in rows.columns:
                own = "y" if name == label else f"{ASIDE}{name}" if name in _TAKEN else str(name)
                with archive.open(f"{own}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, _plain_array(rows[name]), allow_pickle=False)
            if label not in (None, LABEL):
                with archive.open(f"{LABEL_NAME}.npy", "w") as member:
                    np.lib.format.write_array(member, np.array(str(label)), allow_pickle=False)
    except OSError as error:
        raise OutputError(f"{os.fspath(path)} cannot be written: {error.strerror or error}") from error


def _parts(frame: pd.DataFrame | Iterable[pd.DataFrame], n: int | None) -> tuple[Iterable[pd.DataFrame], int]:
    """Return frames, and how many rows they have."""
    if isinstance(frame, pd.DataFrame):
        return [frame], len(frame)
    assert n is not None
    return frame, n


def _names(frame: pd.DataFrame, label: str | int | None, at: int, digits: int) -> list[str]:
    """Return the names of the files of images, of which the first one has the number ``at`` + 1."""
    places = [""] * len(frame) if label is None else [f"{_folder_name(value)}/" for value in frame[label].tolist()]
    return [f"{place}{at + i + 1:0{digits}}.png" for i, place in enumerate(places)]


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

    Of whole numbers between, 0 and 255, or their greatest value if all lie below 32, as in digits of 17 levels; of
    floats 0 and 1 if all lie between; of others their least and greatest.
    """
    if not len(images):
        return 0.0, 1.0
    low = min(float(np.min(image)) for image in images)
    high = max(float(np.max(image)) for image in images)
    if np.asarray(images[0]).dtype.kind in "biu" and low >= 0 and high <= 255:
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
