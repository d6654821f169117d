from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from image_files import squares
from PIL import Image

from gensynth.errors import DataError, OptionError
from gensynth.report.grids import MAX_TILES, class_grid, data_uri, image_grid, map_pair, png_bytes


def test_small_images_are_enlarged_without_smoothing() -> None:
    checks = np.indices((8, 8)).sum(0).astype(np.uint8) % 2 * 255
    picture = np.asarray(image_grid([checks] * 4))
    assert set(np.unique(picture)) == {0, 255}
    assert picture[8:64, 8:64].shape == (56, 56, 3)
    assert np.array_equal(picture[8:64:7, 8:64:7, 0], checks)


def test_large_images_stay_as_they_are() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 60, 70, 3), dtype=np.uint8)
    picture = np.asarray(image_grid(images, columns=3))
    assert np.array_equal(picture[8:68, 8:78], images[0])
    assert np.array_equal(picture[8:68, 82:152], images[1])


def test_captions_take_place_below() -> None:
    images = squares(6)
    plain, labelled = image_grid(images, columns=3), image_grid(images, range(6), columns=3)
    assert plain.width == labelled.width
    assert plain.height < labelled.height
    below = np.asarray(labelled)[64:80, 8:64]
    assert below.min() < 128  # there is ink
    image_grid(images, ["a label that is much too long for its place"] * 6)


def test_a_row_for_each_class_in_order() -> None:
    images = np.stack([np.full((56, 56), 25 * c, dtype=np.uint8) for c in (10, 2, 10, 3, 2)])
    picture = np.asarray(class_grid(images, [10, 2, 10, 3, 2]).convert("L"))
    middles = picture[36::60, -40]
    assert middles[[0, 2]].tolist() == [50, 250]  # 2, 10: two of each
    assert middles[1] == 255  # 3 has but one
    wide = class_grid(images, [10, 2, 10, 3, 2], columns=1)
    assert wide.width < picture.shape[1]
    assert class_grid(images, list("ababa")).height < picture.shape[0]


def test_a_map_is_red_where_it_is_high_and_nowhere_else() -> None:
    unusual = np.zeros((8, 8))
    unusual[2, 5] = 2.0
    unusual[6, 6] = -5.0
    picture = np.asarray(map_pair(squares(1)[0], unusual, 2.0, (0.0, 255.0))).astype(int)
    right = picture[:, 60:][3::7, 3::7]
    red = right[..., 0] - right[..., 1]
    assert np.argwhere(red > 100).tolist() == [[2, 5]]
    assert np.abs(np.delete(red.ravel(), 2 * 8 + 5)).max() == 0
    assert np.asarray(map_pair(squares(1)[0], unusual * 0, 0.0, (0.0, 255.0))).shape == picture.shape


def test_files_and_addresses() -> None:
    picture = image_grid(squares(2))
    assert Image.open(io.BytesIO(png_bytes(picture))).size == picture.size
    head, _, data = data_uri(picture).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == png_bytes(picture)


def test_too_few_and_too_many() -> None:
    with pytest.raises(DataError, match="no images"):
        image_grid([])
    with pytest.raises(DataError, match="1,001 images came; a grid shows 1,000 at most"):
        image_grid(np.zeros((MAX_TILES + 1, 2, 2), dtype=np.uint8))
    many = np.zeros((MAX_TILES + 1, 2, 2), dtype=np.uint8)
    with pytest.raises(DataError, match="1,001 classes"):
        class_grid(many, range(MAX_TILES + 1))
    assert class_grid(many, [i % 2 for i in range(MAX_TILES + 1)]).height == 132


def test_channels_may_stand_first() -> None:
    first = np.random.default_rng(0).integers(0, 256, (3, 60, 70), dtype=np.uint8)
    picture = np.asarray(image_grid([first]))
    assert np.array_equal(picture[8:68, 8:78], np.moveaxis(first, 0, -1))


def test_images_of_a_series_and_of_a_table_are_taken_by_their_place() -> None:
    images = np.stack([np.full((56, 56), 25 * c, dtype=np.uint8) for c in (10, 2, 3, 2)])
    frame = pd.DataFrame({"label": [10, 2, 3, 2], "image": list(images)}, index=[3, 0, 1, 2])
    whole = class_grid(images, [10, 2, 3, 2]).tobytes()
    assert class_grid(frame["image"], frame["label"]).tobytes() == whole
    assert class_grid(frame, frame["label"]).tobytes() == whole
    part = frame[:1]  # has no row 0
    assert image_grid(part["image"], part["label"]).tobytes() == image_grid(images[:1], [10]).tobytes()
    assert image_grid(part).tobytes() == image_grid(images[:1]).tobytes()


def test_what_is_no_set_of_images_is_refused() -> None:
    images = squares(3)
    with pytest.raises(DataError, match="3 images and 2 labels"):
        image_grid(images, [1, 2])
    for classes in ([1, 2], [1, 2, 3, 4]):
        with pytest.raises(DataError, match=f"3 images and {len(classes)} classes"):
            class_grid(images, classes)
    with pytest.raises(DataError, match=r"shape \(8, 8\) and \(4, 8\)"):
        image_grid([images[0], images[1][:4]])
    with pytest.raises(DataError, match=r"images of shape \(64,\)"):
        image_grid(images.reshape(3, 64))
    with pytest.raises(DataError, match="0 columns of images"):
        image_grid(pd.DataFrame({"x": [1.0]}))
    with pytest.raises(OptionError, match="columns must be at least 1"):
        image_grid(images, columns=0)
    with pytest.raises(OptionError, match="columns must be at least 1"):
        class_grid(images, [1, 2, 3], columns=-1)
