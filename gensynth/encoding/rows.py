"""Encoded rows in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gensynth.encoding.columns import Cells
from gensynth.layout import Layout, NumericSlot


@dataclass(frozen=True)
class Rows:
    """Encoded rows in numpy.

    Parameters
    ----------
    numeric : ndarray of shape (n, layout.n_numeric), float64
        Numbers beside the codes. float64 so that decoding restores integers and dates exactly.
    codes : ndarray of shape (n, len(layout.columns)), int32
        Code of every cell.
    log_jacobian : ndarray of shape (n, layout.n_numeric), float64, or None
        log |d numeric / d standardised value| of each cell (0 where the number has no meaning): what a
        likelihood over encoded rows must add to be a density over values. Only for scoring.
    pixels : ndarray of shape (n, channels, height, width), float32, or None
        The image of each row, where the layout has one: a level v stands as (v + .5) / levels.
    """

    numeric: NDArray[np.float64]
    codes: NDArray[np.int32]
    log_jacobian: NDArray[np.float64] | None = None
    pixels: NDArray[np.float32] | None = None

    @classmethod
    def zeros(cls, n: int, layout: Layout, *, jacobian: bool = False) -> Self:
        """Return n rows to be written to by `put`, with black images where there are any."""
        numeric = np.zeros((n, layout.n_numeric))
        codes = np.zeros((n, len(layout.columns)), dtype=np.int32)
        pixels = None if layout.image is None else np.zeros((n, *layout.image.shape), dtype=np.float32)
        return cls(numeric, codes, np.zeros_like(numeric) if jacobian else None, pixels)

    def put(self, column: int, slot: NumericSlot | None, cells: Cells) -> None:
        """Write the cells (n,) of one column of the layout; ``slot`` is the layout's for its numbers, if it has any."""
        self.codes[:, column] = cells.codes
        if slot is not None:
            self.numeric[:, slot.index] = cells.numbers
            if self.log_jacobian is not None:
                self.log_jacobian[:, slot.index] = cells.log_jacobian

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, some: slice | NDArray[np.int64]) -> Rows:
        """Rows by a slice or by their positions."""
        jacobian = None if self.log_jacobian is None else self.log_jacobian[some]
        pixels = None if self.pixels is None else self.pixels[some]
        return Rows(self.numeric[some], self.codes[some], jacobian, pixels)

    def copy(self) -> Rows:
        """Return rows whose numbers and codes can be changed; the images are shared."""
        return replace(self, numeric=self.numeric.copy(), codes=self.codes.copy())

    def overwrite(self, which: NDArray[np.bool_], other: Rows) -> None:
        """Take over some (n,) of as many other rows, without their ``log_jacobian``."""
        self.codes[which], self.numeric[which] = other.codes[which], other.numeric[which]
        if self.pixels is not None and other.pixels is not None:
            self.pixels[which] = other.pixels[which]

    @classmethod
    def cat(cls, parts: Sequence[Rows]) -> Self:
        """Return rows one after the other, without their ``log_jacobian``."""
        images = [part.pixels for part in parts if part.pixels is not None]
        return cls(
            np.concatenate([part.numeric for part in parts]),
            np.concatenate([part.codes for part in parts]),
            pixels=np.concatenate(images) if images else None,
        )

    def evenly(self, most: int) -> Rows:
        """Return at most so many of the rows, evenly spaced."""
        return self if len(self) <= most else self[np.linspace(0, len(self) - 1, most).astype(np.int64)]
