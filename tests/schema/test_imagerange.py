"""New images in the range of fitted ones: which are converted, which are clipped, which are refused, and where."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import squares, write_png
from numpy.typing import NDArray
from PIL import Image

from gensynth.errors import ColumnWarning, ImageError
from gensynth.schema.image import ImageSchema
from gensynth.schema.imagerange import in_range_of
from gensynth.tables import stream
from gensynth.tables.images import open_images
from gensynth.tables.imagestream import ImageStream

RNG = np.random.default_rng(0)
BYTES = ImageSchema(8, 8, 1, "hw", "|u1", 256, 0.0, 255.0)
FLOATS = ImageSchema(8, 8, 1, "hw", "<f4", 256, 0.0, 1.0)
DEEP = ImageSchema(8, 8, 1, "hw", "<u2", 256, 0.0, 4095.0)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 2 images: what is decided, is decided for all of them."""
    monkeypatch.setattr(stream, "BATCH_VALUES", 2 * 64)


def array_file(folder: Path, images: NDArray[Any]) -> ImageStream:
    np.save(folder / "new.npy", images)
    return open_images(folder / "new.npy")


def files(folder: Path, images: NDArray[Any]) -> ImageStream:
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i}.png")
    return open_images(folder)


def values(table: ImageStream) -> NDArray[Any]:
    return np.concatenate(list(table.blocks()))


def test_arrays_in_the_other_unit_are_converted_once_for_all(tmp_path: Path) -> None:
    images = squares(5)
    images[0] //= 200  # an image whose values tell nothing
    with pytest.warns(ColumnWarning, match=r"new\.npy: values from 0 to 220 came, .* divided by 255") as told:
        found = in_range_of(array_file(tmp_path, images), FLOATS)
    assert len(told) == 1
    assert values(found).dtype == np.float32
    assert np.array_equal(values(found), (images / 255).astype(np.float32))
    with pytest.warns(ColumnWarning, match="multiplied by 255"):
        found = in_range_of(array_file(tmp_path, (images / 255).astype(np.float32)), BYTES)
    assert np.array_equal(values(found), images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = in_range_of(found, BYTES)
    assert np.array_equal(values(again), images)


def test_arrays_in_the_range_are_as_they_came(tmp_path: Path) -> None:
    for images, image in ((squares(5), BYTES), (RNG.random((5, 8, 8)), FLOATS), (squares(5) // 200, FLOATS)):
        table = array_file(tmp_path, images)
        assert in_range_of(table, image) is table


def test_values_a_little_outside_are_clipped_with_a_warning_that_names_the_image(tmp_path: Path) -> None:
    images = RNG.random((5, 8, 8))
    images[3, 2, 2], images[4, 0, 0] = 1.25, -0.1
    words = (
        r"pixels of 2 images \(the first: image 4 of .*new\.npy\) .* range 0 to 1: values from -0\.1 to 1\.25; .*clip"
    )
    with pytest.warns(ColumnWarning, match=words):
        found = in_range_of(array_file(tmp_path, images), FLOATS)
    assert np.array_equal(values(found), images.clip(0, 1))


@pytest.mark.parametrize(("high", "image"), [(17.0, FLOATS), (1.75, FLOATS), (900.0, FLOATS), (500.0, BYTES)])
def test_values_in_an_unknown_unit_are_refused_by_image(tmp_path: Path, high: float, image: ImageSchema) -> None:
    images = np.zeros((5, 8, 8))
    images[3, 2, 2] = high
    with pytest.raises(ImageError, match=r"1 image \(the first: image 4 of .*new\.npy\) lie outside .*; scale the new"):
        in_range_of(array_file(tmp_path, images), image)


def test_black_and_white_of_files_are_the_ends_of_the_range(tmp_path: Path) -> None:
    images = squares(4)
    images[0, 0, 0] = 255
    table = files(tmp_path, images)
    assert in_range_of(table, BYTES) is table
    assert np.array_equal(values(in_range_of(table, FLOATS)), (images / 255).astype(np.float32))
    assert values(in_range_of(table, DEEP)).max() == 4095
    few = ImageSchema(8, 8, 1, "hw", "|u1", 17, 0.0, 16.0)
    assert values(in_range_of(table, few)).max() == 16
    for image in (FLOATS, DEEP, few):  # what is in the range already stays
        found = in_range_of(table, image)
        assert in_range_of(found, image) is found
    with pytest.warns(ColumnWarning, match="divided by 255"):
        in_range_of(array_file(tmp_path, images), FLOATS)


def test_files_of_sixteen_bits(tmp_path: Path) -> None:
    images = RNG.integers(0, 4096, (4, 8, 8)).astype(np.uint16)
    table = files(tmp_path, images)
    assert in_range_of(table, DEEP) is table
    assert np.array_equal(values(in_range_of(table, BYTES)), np.rint(images / 65535 * 255).astype(np.uint8))
    images[2, 0, 0] = 9_000
    with pytest.raises(ImageError, match=r"the first: .*2\.png\) lie outside the fitted range 0 to 4095"):
        in_range_of(files(tmp_path, images), DEEP)


def test_masks_stay_masks(tmp_path: Path) -> None:
    masks = (squares(4) > 100).astype(np.uint8)
    write_png(tmp_path / "a" / "0.png", masks[0])
    table = open_images(tmp_path / "a")
    assert in_range_of(table, ImageSchema(8, 8, 1, "hw", "|u1", 2, 0.0, 1.0)) is table
