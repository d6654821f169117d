"""Images as inputs and outputs of a graph: from the fitted array to the pixels of the model, and back."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import Tensor

from gensynth.encoding.image import ImageEncoder
from gensynth.engine.fitted_model import FittedModel
from gensynth.errors import CapabilityError
from gensynth.export.graph import GraphBuilder
from gensynth.schema.image import ImageSchema
from gensynth.tables.imagearrays import Axes, ImageArray

PIXELS = "pixels"


@dataclass(frozen=True)
class ImagePort:
    """One input of images, or one output of a sampler, (rows, *shape), or (rows, pixels) where arrays are flat.

    Parameters
    ----------
    name : str
        Its name in the graph.
    column : str or int
        Label of the column of images.
    dtype : str
        Name of its dtype in numpy, which is that of the fitted images.
    shape : tuple of int
        Of one image.
    axes : {"hw", "hwc", "chw"}
        What its axes are: those of the array that was fitted, or of the cells of a table.
    low, high : float
        Values of the first and of the last level; what lies outside counts as these.
    levels : int
        Values that a pixel has: those of a sample, and the nearest of which each pixel counts as in a score.
    flat : bool
        Whether the array that was fitted is (n, pixels).
    holds : str
        "pixels".
    """

    name: str
    column: str | int
    dtype: str
    shape: tuple[int, ...]
    axes: Axes
    low: float
    high: float
    levels: int
    flat: bool = False
    holds: Literal["pixels"] = "pixels"

    @classmethod
    def of(cls, encoder: ImageEncoder, name: str, array: ImageArray | None = None) -> Self:
        """Return that of a column of images, or of the array that was fitted, which became one.

        Raises
        ------
        CapabilityError
            Graphs have no such type.
        """
        image, dtype = encoder.image, np.dtype(encoder.image.dtype).newbyteorder("=")
        try:
            helper.np_dtype_to_tensor_dtype(dtype)
        except (KeyError, ValueError) as error:
            raise CapabilityError(
                f"column {encoder.name!r} holds images of the dtype {dtype.name}, which no graph has; convert them to "
                "float64 before they are fitted"
            ) from error
        held = image if array is None else array
        flat = array is not None and array.flat
        return cls(name, encoder.name, dtype.name, held.shape, held.axes, image.low, image.high, image.levels, flat)

    @property
    def widths(self) -> tuple[int, ...]:
        """Shape of one image in the graph."""
        return (math.prod(self.shape),) if self.flat else self.shape

    @property
    def onnx_type(self) -> int:
        """Type of the tensor in a graph."""
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype)))

    @property
    def read_as(self) -> torch.dtype:
        """Type in which `ImageSchema.to_pixels` counts levels."""
        dtype = np.dtype(self.dtype)
        return torch.float32 if dtype.kind in "bu" and dtype.itemsize <= 2 else torch.float64

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return vars(self) | {"shape": list(self.shape)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(**{**state, "shape": tuple(state["shape"])})


def image_ports(fitted: FittedModel, taken: Collection[str]) -> list[ImagePort]:
    """Return the port of the images, with underscores behind a name that is taken; none where there are no images."""
    encoder = fitted.encoder.image
    if encoder is None:
        return []
    name = str(encoder.name)
    while name in taken or not name:
        name += "_"
    return [ImagePort.of(encoder, name, fitted.container.images)]


def image_cells(series: pd.Series[Any], image: ImageSchema, port: ImagePort) -> NDArray[Any]:
    """Return aligned images as a graph reads them; those of another dtype by the levels that they have."""
    cells = list(series)
    if cells[0].dtype != np.dtype(image.dtype):
        cells = list(image.to_cells(image.to_pixels(cells)))
    images = np.stack(cells).astype(port.dtype)
    by_port = np.moveaxis(images, -1, 1) if (image.axes, port.axes) == ("hwc", "chw") else images
    return by_port.reshape(len(images), *port.widths)


def read_image(builder: GraphBuilder, port: ImagePort) -> str:
    """Add an input; return the images (rows, *widths) in the type of `ImagePort.read_as`."""
    return builder.cast(builder.input(port.name, port.onnx_type, port.widths), port.read_as)


def pixels_of(image: ImageSchema, port: ImagePort, cells: Tensor) -> Tensor:
    """Return images (n, *widths), of the type `ImagePort.read_as`, as `ImageSchema.to_pixels` does, float32."""
    images = cells.reshape(len(cells), *port.shape)
    by_channel = images.movedim(-1, 1) if port.axes == "hwc" else images
    counted = by_channel.reshape(len(cells), image.channels, image.height, image.width) - image.low
    levels = (counted * ((image.levels - 1) / (image.high - image.low))).round().clamp(0, image.levels - 1)
    return ((levels + 0.5) / image.levels).float()  # (n, channels, height, width)


def levels_of(image: ImageSchema, pixels: Tensor) -> Tensor:
    """Return the levels (n, channels, height, width), int64, of pixels as models draw them."""
    return (pixels * image.levels).floor().clamp(0, image.levels - 1).long()


def write_image(builder: GraphBuilder, image: ImageSchema, port: ImagePort, levels: str) -> None:
    """Add an output (rows, *widths) from levels (rows, channels, height, width): their values, in the port's axes."""
    values = image.values.astype(port.dtype)
    made = builder.node("Gather", builder.constant(values), levels, axis=0)
    if port.axes == "hwc":
        made = builder.node("Transpose", made, perm=[0, 2, 3, 1])
    made = builder.reshape(made, [builder.rows, *port.widths])
    builder.output(port.name, port.onnx_type, made, ("N", *port.widths))
