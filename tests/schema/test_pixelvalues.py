"""Levels of pixels do not depend on the blocks that images come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gensynth.schema import pixelvalues
from gensynth.schema.pixelvalues import PixelValues

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (50, 5, 4), dtype=np.uint8)


def found(images: NDArray[Any], rows: int) -> PixelValues:
    values = PixelValues(len(images))
    for first in range(0, len(images), rows):
        values.add(images[first : first + rows])
    return values


@pytest.mark.parametrize(
    ("images", "levels"),
    [
        (BYTES, (256, 0.0, 255.0)),
        (BYTES // 16, (16, 0.0, 15.0)),
        (BYTES.astype(float), (256, 0.0, 255.0)),
        (BYTES // 16 / 15, (16, 0.0, 1.0)),
        (BYTES > 9, (2, 0.0, 1.0)),
        (BYTES.astype(np.int16) - 300, (256, float(BYTES.min()) - 300, float(BYTES.max()) - 300)),
        (np.where(BYTES.max() == BYTES, 0.123, 1.0), (2, 0.0, 1.0)),
    ],
)
def test_levels_are_those_of_one_piece(monkeypatch, images, levels):
    monkeypatch.setattr(pixelvalues, "_LOOKED_AT", 7)
    own = [found(images, rows) for rows in (50, 1, 7, 23)]
    assert len({values.levels() for values in own}) == 1
    assert len({values.alike for values in own}) == 1
    if levels[1:] != (0.0, 1.0):
        assert own[0].levels() == levels
    assert [len(values) for values in own] == [50] * 4


def test_a_value_that_comes_late_counts():
    images = BYTES / 255 * 0.5
    images[49, 4, 3] = 3.25
    assert found(images, 6).levels() == (256, 0.0, 3.25)
    whole = BYTES.astype(np.float32)
    whole[48, 0, 0] = 1.5
    assert found(whole, 6).levels() == (256, 0.0, float(whole.max()))


def test_bytes_are_settled_when_two_images_differ_and_one_is_bright():
    same = np.repeat(BYTES[:1], 4, 0)
    assert not found(same, 2).settled
    assert found(BYTES[:4], 2).settled
    assert not found(BYTES[:4] // 16, 2).settled
    assert not found(BYTES[:4].astype(float), 2).settled
    assert found(same, 2).alike
    assert not found(np.concatenate([same, BYTES[1:2]]), 2).alike
