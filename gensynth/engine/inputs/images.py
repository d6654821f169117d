"""Images as estimator inputs: arrays, flat arrays with a shape, and labels beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from gensynth.constraints import whole
from gensynth.errors import DataError, OptionError
from gensynth.schema import TableSchema
from gensynth.tables import Container, Table
from gensynth.tables.cellarrays import plain_array
from gensynth.tables.container import from_images
from gensynth.tables.imagearrays import IMAGE, LABEL, are_images, declared_images, holds_images

_SIDE = whole(1)


def check_image_shape(image_shape: Any) -> tuple[int, ...] | None:
    """Validate and return the shape of the images in flat arrays.

    Raises
    ------
    OptionError
        It is neither None nor two or three whole numbers.
    """
    if image_shape is None:
        return None
    parts = tuple(image_shape) if isinstance(image_shape, Sequence) and not isinstance(image_shape, str) else ()
    if len(parts) not in (2, 3) or not all(_SIDE.allows(part) for part in parts):
        raise OptionError(
            f"image_shape={image_shape!r}: expected (height, width) or (height, width, channels), as in (28, 28)"
        )
    return tuple(int(part) for part in parts)


def brings_images(X: Any, schema: Any, image_shape: Any) -> bool:
    """Return whether a table has images, without further inspection; parameters as for the estimators."""
    if image_shape is not None or are_images(X):
        return True
    frame = X.frame if isinstance(X, Table) else X
    return isinstance(frame, pd.DataFrame) and bool(declared_images(frame, schema))


def image_table(X: Any, y: Any = None, image_shape: Sequence[int] | None = None) -> tuple[pd.DataFrame, Container]:
    """Return images as a table, and their container.

    Parameters
    ----------
    X : array or list of arrays
        As `gensynth.tables.container.from_images` takes them.
    y : array-like of shape (n,) or None
        Labels, which become the second column; with them samples are DataFrames.
    image_shape : sequence of int or None
        Shape of the images of an array (n, pixels).

    Raises
    ------
    DataError
        There are not as many labels as images, or several for each.
    """
    frame, container = from_images(X, image_shape)
    if y is None:
        return frame, container
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    if not isinstance(y, pd.Series):
        y = plain_array(y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        raise DataError(f"y has the shape {y.shape}; expected one label for each image")
    labels = pd.Series(y)
    if len(labels) != len(frame):
        raise DataError(f"there are {len(frame):,} images and {len(labels):,} labels; expected one for each")
    name = labels.name if isinstance(labels.name, str) and labels.name != IMAGE else LABEL
    return frame.assign(**{name: labels.array}), Container()


def named_as(frame: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return new images with the name of the fitted image column.

    Raises
    ------
    DataError
        No images were fitted, or columns beside them, which an array of images lacks.
    """
    if schema.image is None:
        raise DataError("X has images, and the fitted table has none; give a table like the fitted one")
    others = [repr(column.name) for column in schema.columns if column.kind != "image"]
    if others:
        raise DataError(
            f"the images were fitted together with {', '.join(others)}: give a DataFrame with the columns "
            f"{', '.join(repr(name) for name in schema.names)}, a cell of {schema.image.name!r} holding one array"
        )
    return frame.set_axis([schema.image.name], axis=1)


def under_fitted_name(frame: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return new rows with their images under the name of the fitted column.

    Folders and arrays call theirs `IMAGE`; a model may have been fitted with those of a table, which has other names.
    """
    fitted = schema.image
    if fitted is None or fitted.name in frame.columns or IMAGE in schema.names or IMAGE not in frame.columns:
        return frame
    return frame.rename(columns={IMAGE: fitted.name}) if holds_images(frame[IMAGE]) else frame


def no_images(schema: TableSchema, shape: tuple[int, ...]) -> DataError:
    """Return the error for an array of this shape, which does not have the fitted images' shape."""
    assert schema.image is not None
    assert schema.image.image is not None
    return DataError(
        f"an array of shape {shape} came; expected images of {schema.image.image.size}, as they were fitted"
    )
