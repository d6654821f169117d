"""Conversion of new images to the range of the fitted ones; images in other units are refused."""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gensynth.errors import ColumnWarning, ImageError, counted
from gensynth.tables.imagearrays import FEW_LEVELS
from gensynth.tables.imagestream import ImageStream

MAX_BEYOND = 0.5
"""How far beyond the fitted range, in widths of it, values are clipped: farther ones are in another unit."""
BYTE = 255

Images = NDArray[Any]


class FittedRange(Protocol):
    """Interface of the pixel range of fitted images: `gensynth.schema.image.ImageSchema`."""

    @property
    def low(self) -> float:
        """The least."""

    @property
    def high(self) -> float:
        """The greatest."""

    @property
    def levels(self) -> int:
        """How many different ones there are."""

    @property
    def dtype(self) -> str:
        """What holds them."""


def factor_of(image: FittedRange, low: float, high: float, dtype: np.dtype[Any], *, whole: bool) -> float | None:
    """Return the factor that converts new pixel values to the fitted unit; None for no conversion.

    Whole numbers from 0 to 255 are what floats from 0 to 1 are, and these are what whole numbers from 0 to N are.

    Parameters
    ----------
    image : FittedRange
        The fitted images.
    low, high : float
        Least and greatest of the new values.
    dtype : numpy.dtype
        Of the new ones.
    whole : bool
        Whether all of them are whole numbers.
    """
    if low < 0 or image.low != 0:
        return None
    if image.high == 1:
        return 1 / BYTE if whole and FEW_LEVELS <= high <= BYTE else None
    counts = image.levels == image.high + 1
    fractions = 0 < high <= 1 and dtype.kind == "f" and (not whole or np.dtype(image.dtype).kind in "iu")
    return image.high if counts and fractions else None


def warn_of_conversion(image: FittedRange, high: float, factor: float, what: str) -> None:
    """Warn that images were converted."""
    did = f"multiplied by {factor:g}" if factor > 1 else f"divided by {1 / factor:g}"
    warnings.warn(
        f"{what}: values from 0 to {high:g} came, and the fitted images have values from 0 to {image.high:g}; as the "
        f"same pictures in another unit they are {did}",
        ColumnWarning,
        stacklevel=4,
    )


def warn_of_clipping(
    image: FittedRange, n: int, first: int, what: str, place: str, *, low: float, high: float, stacklevel: int
) -> None:
    """Warn that pixel values of n images are clipped; raise `ImageError` if they are in another unit."""
    text = (
        f"{what}: pixels of {counted(n, 'image')} (the first: {{place}}) lie outside the fitted range {image.low:g} to "
        f"{image.high:g}: values from {low:g} to {high:g}"
    )
    if max(image.low - low, high - image.high) > MAX_BEYOND * (image.high - image.low):
        raise ImageError(f"{text}; scale the new images as the fitted ones were", first, place)
    told = text.replace("{place}", place or f"row {first:,}")
    warnings.warn(f"{told}; they are clipped to it", ColumnWarning, stacklevel=stacklevel + 1)


def in_range_of(table: ImageStream, image: FittedRange) -> ImageStream:
    """Return a stream of new images in the range of the fitted ones, with one conversion for all of them.

    The black and white of image files, 0 and 255 (65,535 of 16 bits), become the least and the greatest fitted value;
    files that hold no greater values than the fitted ones, such as masks of zeros and ones, stay as they are, as those
    were. Arrays, and files of 16 bits where such were fitted, are converted by `factor_of`, or clipped.

    Raises
    ------
    ImageError
        Values are in another unit; names the image.

    Warns
    -----
    ColumnWarning
        Arrays were converted, or clipped.
    """
    low, high = table.low, table.high
    if table.files is not None and (table.dtype == np.uint8 or np.dtype(image.dtype) != table.dtype):
        white = float(np.iinfo(table.dtype).max)
        if (image.low, image.high) == (0, white) or (image.low == 0 and high <= image.high <= BYTE):
            return table
        return table.changed(lambda images: _typed(image.low + images / white * (image.high - image.low), image))
    factor = factor_of(image, low, high, table.dtype, whole=table.whole_numbers)
    if factor is not None:
        warn_of_conversion(image, high, factor, table.source)
        return table.changed(lambda images: _typed(images * factor, image))
    if low >= image.low and high <= image.high:
        return table
    n, first = _outside(table, image)
    place = table.place_of(first)
    warn_of_clipping(image, n, first, table.source, place, low=low, high=high, stacklevel=3)
    return table.changed(lambda images: np.clip(images, image.low, image.high).astype(images.dtype))


def _typed(values: NDArray[np.floating[Any]], image: FittedRange) -> Images:
    """Return values in the dtype of the fitted images."""
    dtype = np.dtype(image.dtype)
    return (np.rint(values) if dtype.kind in "biu" else values).astype(dtype)


def _outside(table: ImageStream, image: FittedRange) -> tuple[int, int]:
    """Return how many images have values outside the fitted range, and the first of them."""
    n, first, at = 0, -1, 0
    for images in table.blocks():
        outside = ((images < image.low) | (images > image.high)).reshape(len(images), -1).any(1)
        if outside.any() and first < 0:
            first = at + int(np.argmax(outside))
        n, at = n + int(outside.sum()), at + len(images)
    return n, first


def aligned_range(images: Images, image: FittedRange, name: str | int) -> Images:
    """Return new images (n, ...) converted to the range of the fitted ones.

    Raises
    ------
    ImageError
        Values are in another unit; names the image.

    Warns
    -----
    ColumnWarning
        Images were converted by `factor_of`, or clipped.
    """
    low, high = float(images.min()), float(images.max())
    if image.low <= low and high <= image.high and not (high <= 1 < image.high and images.dtype.kind == "f"):
        return images
    whole = images.dtype.kind != "f" or bool((images == np.rint(images)).all())
    factor = factor_of(image, low, high, images.dtype, whole=whole)
    if factor is not None:
        warn_of_conversion(image, high, factor, f"column {name!r}")
        return images * factor
    if image.low <= low and high <= image.high:
        return images
    outside = ((images < image.low) | (images > image.high)).reshape(len(images), -1).any(1)
    first = int(np.argmax(outside))
    n = int(outside.sum())
    warn_of_clipping(image, n, first, f"column {name!r}", "", low=low, high=high, stacklevel=7)
    return np.asarray(np.clip(images, image.low, image.high))
