"""Arrays of images as a column and back: the same axes, dtype and shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import CapabilityError, DataError
from gensynth.tables import Container, to_frame
from gensynth.tables.container import from_images
from gensynth.tables.imagearrays import holds_images, objects_of, refuse_images

RNG = np.random.default_rng(0)
SHAPES = [(5, 8, 6), (5, 8, 6, 1), (5, 8, 6, 3), (5, 3, 8, 6), (5, 4, 6, 4)]


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_array_comes_back_as_it_was(shape, dtype):
    array = RNG.integers(0, 256, shape).astype(dtype)
    frame, container = to_frame(array)
    assert list(frame.columns) == ["image"]
    assert frame["image"][0].shape in {(8, 6), (8, 6, 1), (8, 6, 3), (4, 6, 4)}  # channels last
    for held in (container, Container.from_json(container.to_json())):
        back = held.restore(frame)
        assert back.dtype == array.dtype
        assert np.array_equal(back, array)
        assert held.restore(frame.iloc[:0]).shape == (0, *shape[1:])


def test_flat_arrays_need_the_shape():
    array = RNG.integers(0, 17, (5, 48))
    frame, container = from_images(array, (8, 6))
    assert frame["image"][1].shape == (8, 6)
    assert np.array_equal(container.restore(frame), array)
    with pytest.raises(DataError, match=r"image_shape=\(8, 8\) is of images of 64 pixels; the array has 48 columns"):
        from_images(array, (8, 8))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 8, 6, 5)), "1 to 4 channels"),
        (np.full((5, 8, 6), "a"), "dtype <U1 came; expected numbers"),
        (np.zeros((2, 2, 2, 2, 2)), "expected a 2D array"),
    ],
)
def test_other_arrays_are_refused(array, message):
    with pytest.raises(DataError, match=message):
        to_frame(array)


def test_a_list_of_images_is_a_column():
    images = [RNG.random((8, 6)), RNG.random((9, 6))]
    for held in (images, objects_of(images)):
        frame, container = to_frame(held)
        assert [cell.shape for cell in frame["image"]] == [(8, 6), (9, 6)]
        assert container == Container()


def test_columns_of_images_are_found_and_refused():
    images = pd.Series(objects_of([RNG.random((8, 6))] * 3))
    assert holds_images(images)
    assert not holds_images(pd.Series(["a", "b"]))
    assert not holds_images(pd.Series([None, np.nan], dtype=object))
    assert not holds_images(pd.Series(objects_of([np.zeros(3)] * 2)))
    with pytest.raises(CapabilityError, match="column 'photo' holds images, which an evaluation cannot take"):
        refuse_images(pd.DataFrame({"a": [1, 2, 3], "photo": images}), "an evaluation")
    with pytest.raises(CapabilityError, match="column 'b' holds images"):
        refuse_images(pd.DataFrame({"b": ["x.png"]}), "augmentation", {"b": "image"})
    refuse_images(pd.DataFrame({"b": ["x.png"]}), "augmentation", {"b": "categorical"})
