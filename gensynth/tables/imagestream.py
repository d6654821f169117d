"""Images as a table in batches: pixels in a temporary file, other columns in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import counted
from gensynth.tables.imagearrays import IMAGE, objects_of
from gensynth.tables.imagestore import ImageStore, check_memory
from gensynth.tables.stream import MemoryStream, TableStream, numbered
from gensynth.tables.style import FileStyle
from gensynth.tables.table import Table

Images = NDArray[Any]


class ImageStream(TableStream):
    """Images as a table that is read in batches: the column ``image``, and those beside it.

    Parameters
    ----------
    store : ImageStore
        The images, one at least.
    beside : DataFrame of shape (n_images, n_columns)
        What else is known of each, such as the column ``label``.
    source : str
        What messages call the images.
    files : sequence of str or None
        The file of each image, relative to the folder that is the source; None for images that came in one file.
    change : callable or None
        What is made of a block of images (m, ...) when it is read: a function of each value that never falls. It may
        change the dtype.

    Attributes
    ----------
    shape : tuple of int
        Of an image: height, width and, of several, channels.
    dtype : numpy.dtype
        Of the images.
    low, high : float
        Least and greatest value.
    whole_numbers : bool
        Whether all values are whole numbers.
    """

    def __init__(
        self,
        store: ImageStore,
        beside: pd.DataFrame,
        source: str,
        files: Sequence[str] | None = None,
        change: Callable[[Images], Images] | None = None,
    ) -> None:
        self._store, self._change = store, change
        self._beside = numbered(beside, 0)
        self.source = source
        self.files = None if files is None else tuple(files)
        self.names = (IMAGE, *beside.columns)
        self.n_rows, self.batch_rows = len(store), store.block_rows
        self.shape, self.dtype = store.shape, store.dtype
        self.low, self.high, self.whole_numbers = store.low, store.high, store.whole_numbers
        if change is not None:
            ends = change(np.array([store.low, store.high]).astype(store.dtype))
            self.dtype = ends.dtype
            self.low, self.high = (float(end) for end in ends)
            self.whole_numbers = self.whole_numbers and bool((ends == np.rint(ends)).all())

    @property
    def channels(self) -> int:
        """Of every image."""
        return 1 if len(self.shape) == 2 else self.shape[-1]

    def __str__(self) -> str:
        kind = {1: "grey", 3: "colour"}.get(self.channels, f"{self.channels} channels")
        return f"{counted(self.n_rows, 'image')}, {self.shape[1]} wide and {self.shape[0]} high, {kind}"

    @property
    def held(self) -> frozenset[str | int]:
        """Columns with at least one value."""
        return frozenset(n for n in self.names if n == IMAGE or not self._beside[n].isna().all())

    def find_style(self) -> FileStyle | None:
        """Return None: the images are no cells of a file."""
        return None

    def place_of(self, row: int) -> str:
        """Return the file of an image, or its number, counted from 1, in the one that holds all."""
        return f"image {row + 1:,} of {self.source}" if self.files is None else f"{self.source}/{self.files[row]}"

    def changed(self, change: Callable[[Images], Images]) -> ImageStream:
        """Return the stream of the results of a function of blocks of images."""
        return ImageStream(self._store, self._beside, self.source, self.files, change)

    def blocks(self) -> Iterator[Images]:
        """Yield all images (m, ...), `batch_rows` at a time."""
        for first in range(0, self.n_rows, self.batch_rows):
            yield self._images(first, first + self.batch_rows)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Images:
        """Return some of the images (m, ...), m >= 1."""
        return np.stack([self._images(row, row + 1)[0] for row in map(int, rows)])

    def without(self, name: str | int) -> TableStream:
        """Return the table without one of its columns; without the images none of them is read."""
        if name == IMAGE:
            return MemoryStream(Table(self._beside), self.source)
        return ImageStream(self._store, self._beside.drop(columns=name), self.source, self.files, self._change)

    def whole(self) -> Table:
        """Return the table in memory.

        Raises
        ------
        DataError
            It would hardly fit.
        """
        check_memory(self.shape, self.dtype.itemsize, self.n_rows, self.source)
        return self._table(0, self.n_rows)

    def batches(self, rows: int | None = None, start: int = 0) -> Iterator[Table]:
        """Yield the rows from ``start`` on, ``rows`` at a time."""
        rows = rows or self.batch_rows
        for first in range(start, self.n_rows, rows):
            yield self._table(first, min(first + rows, self.n_rows))

    def _table(self, start: int, stop: int) -> Table:
        index = pd.RangeIndex(start, stop)
        cells = pd.Series(objects_of(list(self._images(start, stop))), index=index, dtype=object)
        return Table(pd.concat([cells.rename(IMAGE).to_frame(), self._beside.iloc[start:stop]], axis=1))

    def _images(self, start: int, stop: int) -> Images:
        images = self._store.read(start, stop)
        return images if self._change is None else self._change(images)
