"""Arrays of images as one column of a table, one array per cell, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import CapabilityError, DataError, OptionError, counted

Axes = Literal["hw", "hwc", "chw"]
"""Axes of one image: height, width, and channels where there are any."""

MAX_CHANNELS = 4
IMAGE = "image"
"""Column name for an array of images."""
LABEL = "label"
"""Column name for unnamed labels."""
IMAGE_KEYS = ("x", "X", "images", "image", "x_train", "X_train", "train_images")
"""Names of image arrays in files; the first is written."""
LABEL_KEYS = ("y", "labels", "label", "target", "y_train", "train_labels")
"""Names of label arrays in files."""
LABEL_NAME = "y_name"
"""Array with the name of the label column, if that is not `LABEL`."""
ASIDE = "column "
"""Prefix of the array of a column with one of these names."""
FEW_LEVELS = 32
"""Integer pixels with at most this many distinct values have exactly these levels; others have 256."""


def axes_of(shape: Sequence[int]) -> Axes:
    """Return the axes of an image of this shape; if ambiguous, the last axis is the channels.

    Raises
    ------
    DataError
        It has neither two axes nor three with 1 to 4 channels.
    """
    if len(shape) == 2:
        return "hw"
    if len(shape) == 3 and 1 <= shape[2] <= MAX_CHANNELS:
        return "hwc"
    if len(shape) == 3 and 1 <= shape[0] <= MAX_CHANNELS:
        return "chw"
    raise DataError(
        f"images of shape {tuple(shape)} came; expected (height, width), (height, width, channels) or "
        f"(channels, height, width) with 1 to {MAX_CHANNELS} channels"
    )


def is_image(cell: Any) -> bool:
    """Whether a cell is an array of two axes or more, or an image of Pillow's."""
    return hasattr(cell, "__array_interface__") and getattr(cell, "ndim", 2) >= 2


def holds_images(series: pd.Series[Any]) -> bool:
    """Whether the cells of a column are images, by the first one that is not missing."""
    if series.dtype != object:
        return False
    there = (cell for cell in series.array if cell is not None and cell is not pd.NA and not isinstance(cell, float))
    return is_image(next(there, None))


def declared_images(frame: pd.DataFrame, schema: Any) -> list[str | int]:
    """Return the columns of a table that hold images, or are declared to; ``schema`` as for `TableSchema.infer`."""
    declared = {c.name: c for c in schema.columns} if hasattr(schema, "columns") else dict(schema or {})
    kinds = {name: str(getattr(kind, "kind", kind)) for name, kind in declared.items()}
    return [
        name for i, name in enumerate(frame.columns) if kinds.get(name) == "image" or holds_images(frame.iloc[:, i])
    ]


def refuse_images(frame: pd.DataFrame, what: str, schema: Any = None) -> None:
    """Raise `CapabilityError` if a table has images, which ``what`` does not support."""
    found = declared_images(frame, schema)
    if found:
        raise CapabilityError(f"column {found[0]!r} holds images, which {what} cannot take; leave the column out")


def check_target(frame: pd.DataFrame, target: Any) -> None:
    """Raise `OptionError` if the target of a table is an image column."""
    if target is not None and target in frame.columns and holds_images(frame[target]):
        raise OptionError(f"target {target!r} holds images, not classes or numbers; name another column")


def are_images(X: Any) -> bool:
    """Whether a table is an array of images, with three or four axes, or a list or an array of objects of them."""
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1):
        return len(X) > 0 and is_image(X[0])
    return getattr(X, "ndim", 0) in (3, 4) and hasattr(X, "__array__")


def objects_of(images: Sequence[NDArray[Any]]) -> NDArray[np.object_]:
    """Return an array of objects (n,), one image each."""
    out = np.empty(len(images), dtype=object)
    for i, image in enumerate(images):
        out[i] = image
    return out


def image_list(images: Any) -> list[NDArray[Any]]:
    """Return images in their order, whatever holds them: of a table those of its column of images.

    Parameters
    ----------
    images : DataFrame, Series, array (n, ...), or sequence of arrays
        Of one shape, (h, w), (h, w, c) or (c, h, w).

    Raises
    ------
    DataError
        The table has no column of images, or two; or they are no images, or of several shapes.
    """
    if isinstance(images, pd.DataFrame):
        found = [i for i in range(images.shape[1]) if holds_images(images.iloc[:, i])]
        if len(found) != 1:
            raise DataError(f"the table has {counted(len(found), 'column')} of images; expected one, or its images")
        images = images.iloc[:, found[0]]
    out = [np.asarray(image) for image in images]
    for shape in dict.fromkeys(image.shape for image in out):
        axes_of(shape)
        if shape != out[0].shape:
            raise DataError(f"images of shape {out[0].shape} and {shape} came; bring them to one")
    return out


@dataclass(frozen=True)
class ImageArray:
    """Conversion between an array of images and one image per cell.

    Parameters
    ----------
    dtype : str
        Of the array.
    axes : {"hw", "hwc", "chw"}
        Axes of an image.
    shape : tuple of int
        Shape of an image, in this order of its axes.
    flat : bool
        Whether the array is (n, pixels).
    """

    dtype: str
    axes: Axes
    shape: tuple[int, ...]
    flat: bool = False

    @classmethod
    def of(cls, array: NDArray[Any], image_shape: Sequence[int] | None = None) -> Self:
        """Return the conversion for an array (n, ...); ``image_shape`` is for flat ones (n, pixels).

        Raises
        ------
        DataError
            The array holds no numbers, or its shape is none that images have.
        """
        if array.dtype.kind not in "biuf":
            raise DataError(f"an array of images of the dtype {array.dtype} came; expected numbers")
        flat = image_shape is not None and array.ndim == 2
        shape = tuple(int(n) for n in image_shape) if flat and image_shape is not None else array.shape[1:]
        axes = axes_of(shape)
        if flat and int(np.prod(shape)) != array.shape[1]:
            raise DataError(
                f"image_shape={shape} is of images of {counted(int(np.prod(shape)), 'pixel')}; the array has "
                f"{counted(array.shape[1], 'column')}"
            )
        return cls(array.dtype.str, axes, shape, flat)

    def cells(self, array: NDArray[Any]) -> NDArray[np.object_]:
        """Return the images of an array, one object each, the channels last."""
        images = array.reshape(len(array), *self.shape) if self.flat else array
        return objects_of(list(np.moveaxis(images, 1, -1) if self.axes == "chw" else images))

    def restore(self, cells: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return an array from images as `cells` returns them."""
        if not len(cells):
            return np.empty((0, int(np.prod(self.shape))) if self.flat else (0, *self.shape), self.dtype)
        images = np.stack(list(cells))
        images = np.moveaxis(images, -1, 1) if self.axes == "chw" else images
        return np.ascontiguousarray(images.reshape(len(images), -1) if self.flat else images, dtype=self.dtype)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"dtype": self.dtype, "axes": self.axes, "shape": list(self.shape), "flat": self.flat}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        if state["axes"] not in get_args(Axes):
            raise DataError(f"axes {state['axes']!r} of images are unknown")
        return cls(state["dtype"], state["axes"], tuple(map(int, state["shape"])), bool(state["flat"]))
