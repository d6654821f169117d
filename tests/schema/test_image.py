"""What images of a column look like: levels and range, shape, what cannot be learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import ColumnWarning, DataError, SchemaError
from gensynth.schema import Column, ImageSchema, TableSchema
from gensynth.tables.imagearrays import objects_of

RNG = np.random.default_rng(0)


def column(images, name="photo"):
    return pd.Series(objects_of(list(images)), name=name)


def inferred(images) -> ImageSchema:
    found = TableSchema.infer(pd.DataFrame({"photo": column(images)}))["photo"]
    assert found.kind == "image"
    assert found.image is not None
    assert Column.from_json(found.to_json()) == found
    return found.image


def there_and_back(images):
    schema = inferred(images)
    pixels = schema.to_pixels(schema.align(column(images), "photo").tolist())
    assert pixels.dtype == np.float32
    assert pixels.shape == (len(images), schema.channels, schema.height, schema.width)
    assert 0 < pixels.min() < pixels.max() < 1
    back = np.stack(list(schema.to_cells(pixels)))
    assert back.dtype == images.dtype
    assert back.shape == images.shape
    return schema, back


@pytest.mark.parametrize(
    ("images", "levels", "low", "high"),
    [
        (RNG.integers(0, 256, (40, 8, 6), dtype=np.uint8), 256, 0, 255),
        (RNG.integers(0, 100, (40, 8, 6), dtype=np.uint8), 256, 0, 255),
        (RNG.integers(0, 17, (40, 8, 6), dtype=np.uint8), 17, 0, 16),
        (RNG.integers(0, 17, (40, 8, 6)).astype(np.float64), 17, 0, 16),
        (RNG.integers(0, 17, (40, 8, 6)) / 16, 17, 0, 1),
        (RNG.integers(0, 2, (40, 8, 6)).astype(bool), 2, 0, 1),
        (RNG.integers(0, 256, (40, 8, 6, 3), dtype=np.uint8), 256, 0, 255),
        (RNG.integers(0, 256, (40, 3, 8, 6)).astype(np.float32) / np.float32(255), 256, 0, 1),
        (RNG.integers(-9, 9, (40, 8, 6)), 18, -9, 8),
    ],
)
def test_values_on_levels_come_back_exactly(images, levels, low, high):
    schema, back = there_and_back(images)
    assert (schema.levels, schema.low, schema.high) == (levels, low, high)
    assert np.array_equal(back, images)


@pytest.mark.parametrize("images", [RNG.random((40, 8, 6)), RNG.normal(size=(40, 4, 8, 6)).astype(np.float32)])
def test_other_floats_come_back_within_a_level_and_the_range(images):
    schema, back = there_and_back(images)
    assert np.abs(back - images).max() <= 0.51 * (schema.high - schema.low) / 255
    assert back.min() >= schema.low
    assert back.max() <= np.float32(schema.high)


def test_axes_are_told_by_the_channels_and_kept():
    assert inferred(RNG.random((5, 8, 6))).axes == "hw"
    assert inferred(RNG.random((5, 8, 6, 3))).axes == "hwc"
    assert inferred(RNG.random((5, 3, 8, 6))).axes == "chw"
    assert inferred(RNG.random((5, 4, 6, 3))).axes == "hwc"
    assert inferred(RNG.random((5, 1, 8, 6))).shape == (1, 8, 6)


def test_new_images_take_the_fitted_axes():
    grey = RNG.random((5, 8, 6))
    schema = inferred(grey)
    for other in (grey[..., None], grey[:, None]):
        assert np.array_equal(np.stack(schema.align(column(other), "photo").tolist()), grey)
    colour = RNG.random((5, 8, 6, 3))
    schema = inferred(colour)
    assert np.array_equal(np.stack(schema.align(column(np.moveaxis(colour, -1, 1)), "photo").tolist()), colour)


def images_with(value, row=3):
    images = RNG.random((10, 8, 6))
    images[row, 2, 2] = value
    return images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.ones((6, 8, 6)), "6 images that are all the same"),
        (RNG.random((1, 8, 6)), "a single image"),
        (images_with(np.nan), r"1 image \(the first: row 3\) with missing or infinite pixels"),
        (images_with(np.inf), r"the first: row 3"),
        (RNG.random((6, 8, 6, 5)), r"\(8, 6, 5\).*1 to 4 channels"),
        (RNG.random((6, 3, 6)), "3 x 6 pixels; sides of 4 to 128"),
        (RNG.random((6, 8, 129)), "8 x 129 pixels; sides of 4 to 128"),
        (RNG.random((6, 8, 6)).astype(complex), "dtype complex128; expected numbers"),
        ([RNG.random((8, 6))] * 2 + [RNG.random((8, 7))], "several sizes: 8 x 6 in row 0, 8 x 7 in row 2; bring them"),
        ([RNG.random((8, 6)), RNG.random((8, 6)).astype("f4")], "several dtypes: float64 in row 0, float32 in row 1"),
        ([RNG.random((8, 6)), None], "row 1: the image is missing"),
    ],
)
def test_images_that_cannot_be_learned_are_refused(images, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        TableSchema.infer(pd.DataFrame({"photo": column(images)}))


def test_a_table_has_one_column_of_images():
    images = column(RNG.random((6, 8, 6)))
    with pytest.raises(DataError, match="columns 'a', 'b' hold images; a table can have one"):
        TableSchema.infer(pd.DataFrame({"a": images, "b": images}))


def test_what_is_declared_an_image_and_is_none_is_named():
    with pytest.raises(DataError, match=r"row 0 holds the number 1\.5"):
        TableSchema.infer(pd.DataFrame({"photo": [1.5, 2.5]}), {"photo": "image"})
    with pytest.raises(DataError, match="row 0 holds 1; expected arrays or paths"):
        TableSchema.infer(pd.DataFrame({"photo": [1, 2]}), {"photo": "image"})


def test_images_are_not_declared_otherwise():
    with pytest.raises(SchemaError, match="column 'photo' holds images and is declared categorical; leave out"):
        TableSchema.infer(pd.DataFrame({"photo": column(RNG.random((6, 8, 6)))}), {"photo": "categorical"})


def test_cells_can_be_pillow_s_images():
    image = pytest.importorskip("PIL.Image")
    pixels = RNG.integers(0, 256, (6, 8, 6), dtype=np.uint8)
    table = pd.DataFrame({"photo": [image.fromarray(own) for own in pixels]})
    schema = TableSchema.infer(table)
    assert np.array_equal(np.stack(schema.align(table)["photo"].tolist()), pixels)


def test_new_values_outside_the_range_are_clipped_with_a_warning():
    schema = inferred(RNG.integers(0, 17, (40, 8, 6), dtype=np.uint8))
    new = RNG.integers(0, 17, (5, 8, 6), dtype=np.uint8)
    new[2, 0, 0] = 20
    with pytest.warns(ColumnWarning, match=r"1 image \(the first: row 2\).* range 0 to 16: .*clipped"):
        aligned = schema.align(column(new), "photo")
    assert aligned[2].max() == 16


def test_new_values_in_another_unit_are_refused():
    schema = inferred(RNG.random((40, 8, 6)))
    for new in (RNG.integers(256, 900, (5, 8, 6)), RNG.integers(0, 17, (5, 8, 6)), RNG.random((5, 8, 6)) - 2):
        with pytest.raises(DataError, match=r"the first: row 0\) lie outside .* scale the new images"):
            schema.align(column(new), "photo")


@pytest.mark.parametrize(
    ("fitted", "new", "words"),
    [
        (lambda x: x / 255, lambda x: x, "values from 0 to 255 came, .* from 0 to 1; .* divided by 255"),
        (lambda x: x / 255, lambda x: x.astype(float), "divided by 255"),
        (lambda x: x, lambda x: x / 255, "values from 0 to 1 came, .* from 0 to 255; .* multiplied by 255"),
        (lambda x: x.astype(float), lambda x: (x / 255).astype(np.float32), "multiplied by 255"),
        (lambda x: x // 15, lambda x: x // 15 / 17, "multiplied by 17"),
    ],
)
def test_the_same_pictures_in_the_other_unit_are_converted_with_a_warning(fitted, new, words):
    images = RNG.integers(0, 256, (40, 8, 6), dtype=np.uint8)
    images[0, 0, :2] = 0, 255
    schema = inferred(fitted(images))
    expected = schema.to_pixels(schema.align(column(fitted(images)), "photo").tolist())
    with pytest.warns(ColumnWarning, match=words):
        aligned = schema.align(column(new(images)), "photo")
    assert np.array_equal(schema.to_pixels(aligned.tolist()), expected)


def test_masks_and_dark_images_stay_what_they_are():
    schema = inferred(RNG.integers(0, 256, (40, 8, 6), dtype=np.uint8))
    for new in (np.zeros((3, 8, 6)), np.eye(8, 6, dtype=np.uint8)[None].repeat(3, 0)):
        assert np.array_equal(np.stack(schema.align(column(new), "photo").tolist()), new)


def test_new_images_of_another_size_are_refused():
    schema = inferred(RNG.random((40, 8, 6)))
    with pytest.raises(DataError, match="of 8 x 7 pixels, 1 channel; the fitted ones have 8 x 6 pixels, 1 channel"):
        schema.align(column(RNG.random((5, 8, 7))), "photo")


def test_paths_are_read(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = RNG.integers(0, 256, (6, 8, 6), dtype=np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    for path, own in zip(paths, pixels, strict=True):
        image.fromarray(own).save(path)
    table = pd.DataFrame({"photo": [str(path) for path in paths]})
    schema = TableSchema.infer(table, {"photo": "image"})
    assert np.array_equal(np.stack(schema.align(table)["photo"].tolist()), pixels)
    paths[4].write_bytes(b"no image")
    with pytest.raises(DataError, match=r"column 'photo', row 4: .*4\.png"):
        schema.align(table)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_new_images_of_an_unsigned_dtype_lie_in_a_range_that_begins_below_zero(dtype):
    fitted = inferred(RNG.uniform(-1000, 3000, (20, 8, 8)))
    new = RNG.integers(0, 200, (3, 8, 8)).astype(dtype)
    assert np.array_equal(np.stack(fitted.align(column(new), "photo").tolist()), new)


def test_palettes_and_transparency_of_pillow_are_brought_to_colours():
    from PIL import Image

    colours = Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    cells = [colours.convert("P"), colours.convert("RGBA"), colours.convert("CMYK")]
    schema = TableSchema.infer(pd.DataFrame({"photo": pd.Series(cells, dtype=object)}))["photo"].image
    assert schema is not None
    assert schema.channels == 3
