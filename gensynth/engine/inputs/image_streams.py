"""Images of a table that is read in batches: shape and range without all of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.engine.inputs.streams import rows_counted_from
from gensynth.errors import DataError, listed
from gensynth.schema import Column, ImageSchema
from gensynth.schema.imagecells import check_finite, stacked_images
from gensynth.tables import TableStream
from gensynth.tables.imagearrays import declared_images
from gensynth.tables.stream import image_rows
from gensynth.training.weights import Weights

MEMORY_ROWS = 500_000
"""Default limit of rows in memory."""
MEMORY_VALUES = 2**28
"""Default limit of image values in memory, which lowers that of rows; they take a gigabyte in training."""
DETECTOR_VALUES = 2**27
"""The same for a detector, which keeps them in several forms of half a gigabyte each."""
MIN_MEMORY_ROWS = 1_000


def image_column(table: TableStream, schema: Any) -> str | int | None:
    """Return the inferred or declared image column of a table; None if there is none.

    Raises
    ------
    DataError
        There are several.
    """
    found = declared_images(next(table.batches(1)).frame, schema)
    if len(found) > 1:
        raise DataError(f"columns {listed(found)} hold images; a table can have one such column: leave out the others")
    return found[0] if found else None


def memory_rows_of(table: TableStream, schema: Any, values: int | None = None) -> int:
    """Return the default maximal number of rows in memory.

    ``values`` are those of images that are; None: `MEMORY_VALUES`.
    """
    name = image_column(table, schema)
    if name is None:
        return MEMORY_ROWS
    return min(MEMORY_ROWS, max(MIN_MEMORY_ROWS, (values or MEMORY_VALUES) // _first_image(table, name).size))


def learned_image(table: TableStream, schema: Any, weights: Weights | None) -> Column | None:
    """Return the schema of the image column over rows of positive weight; None if there is none.

    Raises
    ------
    DataError
        The images cannot be learned; names the row.
    """
    name = image_column(table, schema)
    if name is None:
        return None
    n = table.n_rows if weights is None else int(np.count_nonzero(weights))
    image = ImageSchema.of_blocks(_blocks(table, name, weights), n, name)
    return Column(name, "image", "object[array,None]", image=image)


def _first_image(table: TableStream, name: str | int) -> NDArray[Any]:
    image: NDArray[Any] = stacked_images(next(table.batches(1)).frame[name], name)[0]
    return image


def _blocks(table: TableStream, name: str | int, weights: Weights | None) -> Iterator[NDArray[Any]]:
    rows = min(table.batch_rows, image_rows(_first_image(table, name).size))
    for batch in table.batches(rows):
        first, cells = int(batch.frame.index[0]), batch.frame[name]
        if weights is not None:
            cells = cells[weights[first : first + len(batch)] > 0]
        if len(cells):
            with rows_counted_from(first, table, cells.index):
                images = stacked_images(cells, name)
                check_finite(images, name)
            yield images
