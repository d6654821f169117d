"""Images in an evaluation: pixel levels, features, and independently shuffled pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.schema.image import ImageSchema
from gensynth.tables.imagearrays import objects_of

if TYPE_CHECKING:
    from gensynth.nn.image.features import RandomFeatures

_MAX_FITTED = 5_000  # images whose features say in which directions they vary
_PER_DIRECTION = 4  # images: those of fewer vary more in their own directions than others of their source do
_BLOCK = 2_048  # images that are convolved at a time


@dataclass(frozen=True)
class ImageColumn:
    """The image column of the compared tables.

    Parameters
    ----------
    name : column label
        Its name.
    image : ImageSchema
        What the real images look like.
    network : RandomFeatures or None
        What makes features of images; None: images are compared by their pixels.
    """

    name: Any
    image: ImageSchema
    network: RandomFeatures | None = None

    def levels(self, cells: pd.Series[Any]) -> pd.Series[Any]:
        """Return aligned images as arrays of whole numbers, (h, w) or (h, w, c): the levels of their pixels.

        So images that came through files, whose black is 0 and white 255, equal those that they are copies of.
        """
        out: list[NDArray[np.uint8]] = []
        for part in _parts(cells):
            pixels = self.image.to_pixels(part)  # (n, c, h, w)
            levels = np.floor(pixels * self.image.levels).clip(0, self.image.levels - 1).astype(np.uint8)
            out += list(levels[:, 0] if self.image.channels == 1 else np.moveaxis(levels, 1, -1))
        return pd.Series(objects_of(out), index=cells.index, name=cells.name, dtype=object)

    def with_features_of(self, levels: pd.Series[Any]) -> ImageColumn:
        """Return the column with features in which real images, as `levels` returns them, vary most."""
        from gensynth.layout import ImageLayout
        from gensynth.nn.image.features import RandomFeatures

        image = self.image
        network = RandomFeatures(ImageLayout(image.channels, image.height, image.width, image.levels))
        some = np.linspace(0, len(levels) - 1, min(len(levels), _MAX_FITTED)).round().astype(int)
        network.fit(self._pixels(levels.iloc[some].tolist()), max(len(some) // _PER_DIRECTION, 1))
        return replace(self, network=network)

    @property
    def in_pixels(self) -> ImageColumn:
        """The column, of which pixels are compared."""
        return replace(self, network=None)

    def represented(self, levels: pd.Series[Any]) -> pd.Series[Any]:
        """Return the representation of images to compare: float32 features (64,), or pixel levels."""
        if self.network is None:
            return levels
        found = [self.network(self._pixels(part)).numpy() for part in _parts(levels)]
        return pd.Series(objects_of([row for part in found for row in part]), index=levels.index, dtype=object)

    def independent(self, levels: pd.Series[Any], seed: int) -> pd.Series[Any]:
        """Return images with independent pixels: every pixel and channel is shuffled between images.

        What independent columns are to a table: each pixel by itself is right.
        """
        shape = levels.iloc[0].shape
        flat = np.stack(levels.tolist()).reshape(len(levels), -1)
        shuffled = np.random.default_rng(seed).permuted(flat, axis=0)
        return pd.Series(objects_of(list(shuffled.reshape(-1, *shape))), dtype=object)

    def _pixels(self, levels: list[NDArray[np.uint8]]) -> Any:
        """Return a tensor (n, c, h, w) in (0, 1)."""
        import torch

        images = np.stack(levels)
        channels_first = images[:, None] if images.ndim == 3 else np.moveaxis(images, -1, 1)
        return (torch.from_numpy(np.ascontiguousarray(channels_first)).float() + 0.5) / self.image.levels


def replaced(frame: pd.DataFrame, name: Any, cells: pd.Series[Any]) -> pd.DataFrame:
    """Return a table with other cells in a column."""
    out = frame.copy(deep=False)
    out[name] = cells
    return out


def _parts(cells: pd.Series[Any]) -> list[list[Any]]:
    every = cells.tolist()
    return [every[i : i + _BLOCK] for i in range(0, len(every), _BLOCK)]
