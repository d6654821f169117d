"""Schema of an image column: shape, and the levels of pixel values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, SchemaError, counted, hint
from gensynth.schema.imagecells import check_alike, check_finite, stacked_images
from gensynth.schema.imagerange import aligned_range
from gensynth.schema.pixelvalues import PixelValues
from gensynth.tables.imagearrays import Axes, axes_of, objects_of
from gensynth.tables.stream import image_rows

MIN_SIDE, MAX_SIDE = 4, 128
"""Minimal and maximal height and width of images."""


@dataclass(frozen=True)
class ImageSchema:
    """Schema of the images of a column.

    The values of pixels are counted in levels: level v stands for ``low + v * (high - low) / (levels - 1)``.

    Parameters
    ----------
    height, width : int
        Sides in pixels, 4 to 128.
    channels : int
        1 to 4.
    axes : {"hw", "hwc", "chw"}
        Axes of the arrays in the cells.
    dtype : str
        Their dtype.
    levels : int
        Values of a pixel, 2 to 256.
    low, high : float
        Values of the first and of the last level.
    """

    height: int
    width: int
    channels: int
    axes: Axes
    dtype: str
    levels: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.axes not in get_args(Axes):
            raise SchemaError(f"axes {self.axes!r} of images are unknown; expected one of {', '.join(get_args(Axes))}")

    @classmethod
    def infer(cls, images: NDArray[Any], name: str | int) -> Self:
        """Infer the schema of images (n, ...) of one shape and dtype.

        Raises
        ------
        DataError
            They cannot be learned: sides or channels, missing pixels, or all are the same.
        """
        return cls.of_blocks([images], len(images), name)

    @classmethod
    def of_blocks(cls, blocks: Iterable[NDArray[Any]], n: int, name: str | int) -> Self:
        """Infer the schema of n images in blocks of at least one image, independent of the blocks.

        Raises
        ------
        DataError
            As `infer`; a block has images of another size or dtype than those before.
        """
        values, first = PixelValues(n), None
        for images in blocks:
            if first is None:
                first = images[:1]
                _check_sides(first.shape[1:], name)
            check_alike(first[0], images[0], (0, len(values)), name)
            check_finite(images, name)
            values.add(images)
            if values.settled:
                break
        assert first is not None
        if values.alike:
            what = "holds a single image" if n == 1 else f"holds {n:,} images that are all the same"
            raise DataError(f"column {name!r} {what}: there is nothing to learn; give several different images")
        axes = axes_of(first.shape[1:])
        return cls(*_sizes(first.shape[1:], axes), axes, first.dtype.str, *values.levels())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array in a cell."""
        by_axis = {"h": self.height, "w": self.width, "c": self.channels}
        return tuple(by_axis[axis] for axis in self.axes)

    @property
    def n_values(self) -> int:
        """Values of an image: of all its pixels and channels."""
        return self.height * self.width * self.channels

    @property
    def size(self) -> str:
        """Sides and channels in words."""
        return _in_words(self.height, self.width, self.channels)

    @property
    def values(self) -> NDArray[Any]:
        """Pixel value of each level (levels,), in the dtype of the images."""
        values = self.low + np.arange(self.levels) * (self.high - self.low) / (self.levels - 1)
        dtype = np.dtype(self.dtype)
        return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)

    def align(self, series: pd.Series[Any], name: str | int) -> pd.Series[Any]:
        """Return images of a new table as arrays with the fitted axes, within the fitted range.

        Raises
        ------
        DataError
            An image is missing, of another size, cannot be read, has pixels without a value, or values in another unit;
            names the row.

        Warns
        -----
        ColumnWarning
            Values were converted to the unit of the fitted ones, or lie outside their range and are clipped to it.
        """
        images = self._fitted_axes(stacked_images(series, name), name)
        check_finite(images, name)
        images = aligned_range(images, self, name)
        return pd.Series(objects_of(list(images)), index=series.index, name=series.name, dtype=object)

    def to_pixels(self, cells: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Return aligned images as (n, channels, height, width): a level v as (v + .5) / levels, in (0, 1)."""
        out = np.empty((len(cells), self.channels, self.height, self.width), np.float32)
        rows = image_rows(self.n_values)
        for start in range(0, len(cells), rows):  # numbers of twice the width would take the most memory of all
            images = np.stack(list(cells[start : start + rows]))
            images = np.moveaxis(images, -1, 1) if self.axes == "hwc" else images
            small = images.dtype.kind in "bu" and images.dtype.itemsize <= 2
            levels: NDArray[np.floating[Any]] = images.reshape(-1, *out.shape[1:]).astype(
                np.float32 if small else np.float64
            )
            levels -= self.low
            levels *= (self.levels - 1) / (self.high - self.low)
            np.clip(np.rint(levels, out=levels), 0, self.levels - 1, out=levels)
            levels += 0.5
            levels /= self.levels
            out[start : start + rows] = levels
        return out

    def to_cells(self, pixels: NDArray[np.floating[Any]]) -> NDArray[np.object_]:
        """Return pixels (n, channels, height, width) as arrays like those that were fitted, one object each."""
        rows = image_rows(self.n_values)
        cells = [image for i in range(0, len(pixels), rows) for image in self._values(pixels[i : i + rows])]
        return objects_of(cells)

    def _values(self, pixels: NDArray[np.floating[Any]]) -> NDArray[Any]:
        """Return pixels (n, channels, height, width) as values (n, ...) in the axes and the dtype that were fitted."""
        levels = np.clip(np.floor(pixels * self.levels), 0, self.levels - 1)
        values: NDArray[Any] = self.values[levels.astype(np.intp)]
        if self.axes == "hw":
            return values[:, 0]
        return np.ascontiguousarray(np.moveaxis(values, 1, -1)) if self.axes == "hwc" else values

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(**state)

    def _fitted_axes(self, images: NDArray[Any], name: str | int) -> NDArray[Any]:
        """Return images (n, ...) with the fitted axes."""
        axes = axes_of(images.shape[1:])
        sizes = _sizes(images.shape[1:], axes)
        if sizes != (self.height, self.width, self.channels):
            raise DataError(
                f"column {name!r} holds images of {_in_words(*sizes)}; the fitted ones have {self.size}: resize or "
                f"convert the new ones{hint('', ' (--image-size does it, of folders and arrays)')}"
            )
        if axes == self.axes:
            return images
        shape = (len(images), *sizes[2:], *sizes[:2])
        by_channel: NDArray[Any] = np.moveaxis(images, -1, 1) if axes == "hwc" else images.reshape(shape)
        if self.axes == "hw":
            return by_channel[:, 0]
        return np.moveaxis(by_channel, 1, -1) if self.axes == "hwc" else by_channel


def _sizes(shape: Sequence[int], axes: Axes) -> tuple[int, int, int]:
    """Return height, width and channels."""
    by_axis = dict(zip(axes, shape, strict=True))
    return by_axis["h"], by_axis["w"], by_axis.get("c", 1)


def _check_sides(shape: tuple[int, ...], name: str | int) -> None:
    """Raise `DataError` for images of a shape that cannot be learned."""
    height, width, _ = _sizes(shape, axes_of(shape))
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_SIDE:
        raise DataError(
            f"column {name!r} holds images of {height} x {width} pixels; sides of {MIN_SIDE} to {MAX_SIDE} can be "
            "learned: resize or cut the images"
        )


def _in_words(height: int, width: int, channels: int) -> str:
    return f"{height} x {width} pixels, {counted(channels, 'channel')}"
