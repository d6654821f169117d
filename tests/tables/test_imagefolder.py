"""Folders of image files: of how many bits and colours all of their images are."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from image_files import squares, write_png
from numpy.typing import NDArray
from PIL import Image

from gensynth.errors import FileWarning
from gensynth.tables import stream
from gensynth.tables.images import open_images


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two images."""
    monkeypatch.setattr(stream, "BATCH_VALUES", 2 * 64)


def deep(n: int) -> NDArray[np.uint16]:
    return np.random.default_rng(0).integers(0, 4096, (n, 8, 8)).astype(np.uint16)


def images_of(folder: Path) -> NDArray[np.generic]:
    return np.concatenate(list(open_images(folder).blocks()))


def test_sixteen_bits_stay_where_all_files_have_them(tmp_path: Path) -> None:
    values = deep(5)
    for i, image in enumerate(values):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = images_of(tmp_path)
    assert found.dtype == np.uint16
    assert np.array_equal(found, values)


@pytest.mark.parametrize("name", ["0a", "3a", "9"])
def test_beside_eight_bits_sixteen_are_brought_to_eight_with_a_warning(tmp_path: Path, name: str) -> None:
    values = deep(5) * 16
    for i, image in enumerate(values):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    write_png(tmp_path / f"{name}.png", squares(1)[0])
    with pytest.warns(FileWarning, match="5 images with 16 bits, brought to 8"):
        found = images_of(tmp_path)
    place = sorted([f"{i}.png" for i in range(5)] + [f"{name}.png"]).index(f"{name}.png")
    assert found.dtype == np.uint8
    assert np.array_equal(found[place], squares(1)[0])
    rest = np.delete(found, place, 0).astype(int)
    assert np.abs(rest * 257 - values.astype(int)).max() <= 129


def test_colours_of_print_and_of_sixteen_bits_are_told_of(tmp_path: Path) -> None:
    for i, image in enumerate(squares(3)):
        Image.fromarray(np.stack([image] * 4, -1), mode="CMYK").save(tmp_path / f"{i}.jpg")
    with pytest.warns(FileWarning, match=r"3 images with the colours of print \(CMYK\), converted to red, green"):
        assert images_of(tmp_path).shape == (3, 8, 8, 3)
