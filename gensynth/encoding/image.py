"""Encoding of images as the pixels that a model sees, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.layout import ImageLayout
from gensynth.schema import Column, ImageSchema, TableSchema


class ImageEncoder:
    """Encoder of the image column, defined by its schema.

    Parameters
    ----------
    column : Column
        Of kind "image".
    """

    def __init__(self, column: Column) -> None:
        assert column.image is not None
        self.name = column.name
        self.image: ImageSchema = column.image

    @classmethod
    def of(cls, schema: TableSchema) -> ImageEncoder | None:
        """Return that of the column of images, if there is one."""
        return None if schema.image is None else cls(schema.image)

    @property
    def layout(self) -> ImageLayout:
        """Layout of the pixels."""
        image = self.image
        return ImageLayout(image.channels, image.height, image.width, image.levels)

    def encode(self, series: pd.Series[Any]) -> NDArray[np.float32]:
        """Return pixels (n, channels, height, width) of aligned cells."""
        return self.image.to_pixels(series.tolist())

    def decode(self, pixels: NDArray[np.float32]) -> pd.Series[Any]:
        """Return arrays like those that were fitted, one per cell."""
        return pd.Series(self.image.to_cells(pixels), dtype=object)
