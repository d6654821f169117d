"""Images in the cells of a table: arrays, or paths of files, which are read; with clear errors."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, ImageError, counted, hint, shown
from gensynth.tables.imagearrays import declared_images, holds_images, is_image, objects_of


def stacked_images(series: pd.Series[Any], name: str | int) -> NDArray[Any]:
    """Return the images (n, ...) in the cells of a column: arrays, or paths of files, which are read.

    Raises
    ------
    ImageError
        A cell is missing or no image, or a file cannot be read.
    DataError
        Images differ in size or dtype; names the rows.
    """
    images = [_image(cell, name, row) for row, cell in enumerate(series.tolist())]
    first = images[0]
    for row, image in enumerate(images):
        check_alike(first, image, (0, row), name)
    if first.dtype.kind not in "biuf":
        raise DataError(f"column {name!r} holds images of the dtype {first.dtype}; expected numbers")
    return np.stack(images)


def check_alike(one: NDArray[Any], other: NDArray[Any], rows: tuple[int, int], name: str | int) -> None:
    """Raise `DataError` if two images of a column, in these rows, differ in size or dtype."""
    if other.shape != one.shape:
        raise DataError(
            f"column {name!r} holds images of several sizes: {_shape_in_words(one)} in row {rows[0]}, "
            f"{_shape_in_words(other)} in row {rows[1]}; bring them to one size and one number of channels"
            + hint(", for example with PIL.Image.resize and convert")
        )
    if other.dtype != one.dtype:
        raise DataError(
            f"column {name!r} holds images of several dtypes: {one.dtype} in row {rows[0]}, {other.dtype} in row "
            f"{rows[1]}; convert them to one"
        )


def check_finite(images: NDArray[Any], name: str | int) -> None:
    """Raise `ImageError` for the first image with a pixel that is not finite."""
    if images.dtype.kind != "f":
        return
    bad = ~np.isfinite(images).reshape(len(images), -1).all(1)
    if bad.any():
        raise ImageError(
            f"column {name!r}: {counted(int(bad.sum()), 'image')} (the first: {{place}}) with missing or infinite "
            "pixels; fill them, or leave these rows out",
            int(np.argmax(bad)),
        )


def with_images_read(frame: pd.DataFrame, schema: Any) -> pd.DataFrame:
    """Return a table whose images are arrays: those that are declared, and are paths of files, are read.

    Raises
    ------
    ImageError, DataError
        As `stacked_images`.
    """
    declared = declared_images(frame, schema)
    if not declared or not len(frame):
        return frame
    out = frame.copy(deep=False)
    for i, (name, column) in enumerate(_columns(frame)):
        if name in declared and not holds_images(column):
            out.isetitem(i, objects_of(list(stacked_images(column, name))))
    return out


def _columns(frame: pd.DataFrame) -> list[tuple[Any, pd.Series[Any]]]:
    return [(name, frame.iloc[:, i]) for i, name in enumerate(frame.columns)]


def _image(cell: Any, name: str | int, row: int) -> NDArray[Any]:
    if isinstance(cell, str | os.PathLike):
        from gensynth.tables.images import read_image  # imports Pillow

        try:
            return read_image(cell)
        except DataError as error:
            raise ImageError(f"column {name!r}, {{place}}: {error}", row) from error
    if isinstance(cell, np.ndarray):
        return cell
    if is_image(cell):
        return _array_of(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT or isinstance(cell, float):
        if cell is not None and not pd.isna(cell):
            raise ImageError(f"column {name!r} holds images, but {{place}} holds the number {shown(cell)}", row)
        raise ImageError(f"column {name!r}, {{place}}: the image is missing; leave such rows out", row)
    raise ImageError(
        f"column {name!r} holds images, but {{place}} holds {shown(cell)}; expected arrays or paths of image files", row
    )


def _array_of(image: Any) -> NDArray[Any]:
    """Return an image of Pillow's as grey values or colours, as `read_image` would a file of it; others as they are."""
    from gensynth.tables.imagefile import as_array  # imports Pillow

    return as_array(image)


def _shape_in_words(image: NDArray[Any]) -> str:
    return " x ".join(map(str, image.shape))
