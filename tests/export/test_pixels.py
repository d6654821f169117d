"""Images on a graph: the pixels that `ImageSchema` makes of arrays, and the arrays that it makes of pixels."""

from __future__ import annotations

import numpy as np
import onnx
import pandas as pd
import pytest
import torch

from gensynth.encoding.image import ImageEncoder
from gensynth.errors import CapabilityError
from gensynth.export.emit import emit
from gensynth.export.graph import GraphBuilder
from gensynth.export.pixels import ImagePort, image_cells, levels_of, pixels_of, read_image, write_image
from gensynth.export.recording import record
from gensynth.export.runtime import Session
from gensynth.schema import Column
from gensynth.schema.image import ImageSchema
from gensynth.tables.imagearrays import objects_of

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (40, 8, 6), dtype=np.uint8)
IMAGES = {
    "grey": GREY,
    "few levels": GREY // 16,
    "colour": RNG.integers(0, 256, (40, 8, 6, 3), dtype=np.uint8),
    "channels first": RNG.integers(0, 256, (40, 2, 8, 6), dtype=np.uint8),
    "float32": GREY.astype(np.float32) / np.float32(255),
    "float64": RNG.normal(size=(40, 8, 6, 1)),
    "float16": (GREY / 255).astype(np.float16),
    "int64": GREY.astype(np.int64) * 7 - 300,
    "uint16": GREY.astype(np.uint16) * 200,
    "int8": (GREY // 2).astype(np.int8),
    "bool": GREY > 99,
    "other byte order": (GREY / 255).astype(">f4"),
}


def encoder_of(images, name="photo"):
    return ImageEncoder(Column(name, "image", str(images.dtype), image=ImageSchema.infer(images, name)))


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_there_and_back(kind, runtime):
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    images = IMAGES[kind]
    encoder = encoder_of(images)
    port = ImagePort.of(encoder, "photo")

    def function(cells):
        pixels = pixels_of(encoder.image, port, cells)
        return pixels, levels_of(encoder.image, pixels)

    program = record(function, lambda n: [torch.zeros(n, *port.shape, dtype=port.read_as)])
    builder = GraphBuilder(program.rows, ["photo", "pixels", "back"])
    pixels, levels = emit(program, builder, [read_image(builder, port)])
    shape = ("N", *encoder.layout.shape)
    builder.output("pixels", onnx.TensorProto.FLOAT, pixels, shape)
    write_image(builder, encoder.image, ImagePort.of(encoder, "back"), levels)
    model = builder.finish("images", {})
    onnx.checker.check_model(model, full_check=True)
    feed = image_cells(pd.Series(objects_of(list(images))), encoder.image, port)
    assert feed.dtype == np.dtype(port.dtype)
    found = Session(model, runtime).run({"photo": feed})
    wanted = encoder.encode(pd.Series(objects_of(list(images))))
    np.testing.assert_array_equal(found["pixels"], wanted)
    back = np.stack(encoder.decode(wanted).tolist())
    assert found["back"].dtype == back.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found["back"], back)


def test_images_of_another_dtype_keep_their_levels():
    encoder = encoder_of(GREY)
    port = ImagePort.of(encoder, "photo")
    floats = GREY.astype(np.float64) + 0.4
    cells = image_cells(pd.Series(objects_of(list(floats))), encoder.image, port)
    assert cells.dtype == np.uint8
    np.testing.assert_array_equal(cells, GREY)


def test_values_outside_the_fitted_range_count_as_its_ends():
    encoder = encoder_of(GREY.astype(np.float32) / np.float32(255))
    far = torch.tensor([-0.5, 0.0, 1.0, 3.0], dtype=torch.float64).view(4, 1, 1).expand(4, 8, 6)
    pixels = pixels_of(encoder.image, ImagePort.of(encoder, "photo"), far)
    assert pixels[0].equal(pixels[1])
    assert pixels[3].equal(pixels[2])


def test_a_port_is_json():
    port = ImagePort.of(encoder_of(IMAGES["colour"]), "photo_")
    assert ImagePort.from_json(port.to_json()) == port
    assert port.to_json() == {
        "name": "photo_",
        "column": "photo",
        "dtype": "uint8",
        "shape": [8, 6, 3],
        "axes": "hwc",
        "low": 0.0,
        "high": 255.0,
        "levels": 256,
        "flat": False,
        "holds": "pixels",
    }


def test_a_dtype_that_no_graph_has_is_refused():
    with pytest.raises(CapabilityError, match=r"column 'photo' holds images of the dtype \w+, which no graph has"):
        ImagePort.of(encoder_of(GREY.astype(np.longdouble)), "photo")
