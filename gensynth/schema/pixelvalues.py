"""Pixel values of many images, read block by block: their range, and the number of levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.tables.imagearrays import FEW_LEVELS

MAX_LEVELS = 256
_LOOKED_AT = 1_000
"""Maximal number of images whose values are inspected."""

Images = NDArray[Any]


class PixelValues:
    """Statistics of pixel values over any number of blocks of images.

    Parameters
    ----------
    n : int
        Images that there are in all blocks together: which of them are looked at closely does not depend on the blocks.
    """

    def __init__(self, n: int) -> None:
        self._step = max(1, n // _LOOKED_AT)
        self._n = 0
        self._first: Images | None = None
        self._whole = True
        self._some: NDArray[np.float64] = np.zeros(0)  # distinct values of some images, MAX_LEVELS + 1 at most
        self.low, self.high = np.inf, -np.inf
        self.alike = True

    def __len__(self) -> int:
        return self._n

    def add(self, images: Images) -> None:
        """Add images (m, ...), m >= 1, of the shape and dtype of those before."""
        if self._first is None:
            self._first = images[0].copy()
        if self.alike and (images[-1] != self._first).any():
            self.alike = False
        self.alike = self.alike and bool((images == self._first).all())
        self.low, self.high = min(self.low, float(images.min())), max(self.high, float(images.max()))
        if images.dtype.kind == "f":
            own = np.unique(images[-self._n % self._step :: self._step]).astype(np.float64)
            self._whole = self._whole and bool((own == np.rint(own)).all() and (images == np.rint(images)).all())
            if len(self._some) <= MAX_LEVELS:
                self._some = np.union1d(self._some, own)[: MAX_LEVELS + 1]
        self._n += len(images)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the images."""
        assert self._first is not None
        return self._first.dtype

    @property
    def settled(self) -> bool:
        """Whether `levels` is final: for bytes with enough large values."""
        return self.dtype == np.uint8 and self.high >= FEW_LEVELS and not self.alike

    def levels(self) -> tuple[int, float, float]:
        """Return in how many levels values are counted, and the values of the first and the last one."""
        low, high = self.low, self.high
        if self.dtype.kind == "b":
            return 2, 0.0, 1.0
        if low >= 0 and high <= MAX_LEVELS - 1 and high >= 1 and self._whole:
            levels = int(high) + 1 if high < FEW_LEVELS else MAX_LEVELS
            return levels, 0.0, float(levels - 1)
        if self.dtype.kind != "f":
            return min(MAX_LEVELS, int(high - low) + 1), low, high
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        return _grid(self._some, low, high) or MAX_LEVELS, low, high


def _grid(values: NDArray[np.float64], low: float, high: float) -> int | None:
    """Return how many evenly spaced values there are from low to high, if ascending values are among so few."""
    if not 2 <= len(values) <= MAX_LEVELS:
        return None
    steps = (high - low) / float(np.diff(values).min())
    if not steps < MAX_LEVELS:  # infinite beside the least floats
        return None
    places = (values - low) / (high - low) * round(steps)
    even = round(steps) < MAX_LEVELS and np.abs(places - np.rint(places)).max() < 1e-3
    return round(steps) + 1 if even else None
