from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from image_files import squares
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.tables import stream
from gensynth.tables.arrayfiles import StoredImages, channels_last, image_frame, open_arrays


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two images."""
    monkeypatch.setattr(stream, "BATCH_VALUES", 2 * 64)


def read(found: StoredImages) -> NDArray[Any]:
    return np.concatenate(list(found.blocks()))


def test_images_of_one_shape_stay_cells() -> None:
    frame = image_frame(squares(4), ["a", "b", "a", "b"])
    assert frame.shape == (4, 2)
    assert np.array_equal(frame["image"].iloc[2], squares(4)[2])
    assert frame["label"].cat.categories.tolist() == ["a", "b"]
    assert image_frame(squares(2), np.array([3, 1]))["label"].cat.categories.tolist() == [1, 3]
    assert image_frame(squares(2), np.array([0.5, 1.25]))["label"].dtype == float


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5, 8, 9), (5, 8, 9)), ((5, 8, 9, 3), (5, 8, 9, 3)), ((5, 3, 8, 9), (5, 8, 9, 3)), ((5, 1, 8, 9), (5, 8, 9)),
     ((5, 8, 9, 1), (5, 8, 9)), ((5, 3, 9, 3), (5, 3, 9, 3))],
)  # fmt: skip
def test_channels_come_last(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert channels_last(np.zeros(shape, dtype=np.uint8), "x").shape == expected


@pytest.mark.parametrize(
    ("dtype", "low", "high", "kept"),
    [("i8", 0, 255, "uint8"), ("u2", 0, 255, "uint8"), ("u2", 0, 4095, "uint16"), ("i2", -1000, 200, "int16"),
     ("i1", -5, 5, "int8"), ("i1", 0, 5, "uint8"), ("?", 0, 1, "uint8"), ("f4", 0, 1, "float32"),
     ("f8", 0, 9, "float64")],
)  # fmt: skip
def test_kinds_of_numbers(tmp_path: Path, dtype: str, low: int, high: int, kept: str) -> None:
    images = np.full((5, 8, 8), low).astype(dtype)
    images[4, 3, 3] = high
    np.save(tmp_path / "a.npy", images)
    found = read(open_arrays(tmp_path / "a.npy"))
    assert found.dtype.name == kept
    assert np.array_equal(found, images)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 64)), r"shape \(4, 64\)"),
        (np.zeros((0, 8, 8)), "no images"),
        (np.zeros((2, 9, 8, 7)), "neither its second nor its last axis"),
        (np.full((2, 3, 3), "a"), "dtype <U1"),
    ],
)
def test_no_images(array: NDArray[Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        channels_last(array, "x")


def test_archives(tmp_path: Path) -> None:
    images, labels = squares(5), np.arange(5)
    np.savez(tmp_path / "a.npz", x=images, y=labels)
    np.savez(tmp_path / "keras.npz", x_train=images, y_train=labels, x_test=images[:2], y_test=labels[:2])
    np.savez(tmp_path / "other.npz", pictures=images, weights=np.ones(5))
    np.save(tmp_path / "a.npy", images)
    for name, known in (("a.npz", True), ("keras.npz", True), ("other.npz", False), ("a.npy", False)):
        found = open_arrays(tmp_path / name)
        assert len(found) == 5
        assert [len(block) for block in found.blocks()] == [2, 2, 1]
        assert np.array_equal(read(found), images)
        assert (found.labels is not None and found.labels.tolist() == [0, 1, 2, 3, 4]) == known


def test_arrays_however_they_are_stored(tmp_path: Path) -> None:
    images = squares(5)
    np.savez_compressed(tmp_path / "packed.npz", x=images, age=np.arange(5.0), more=np.arange(4))
    found = open_arrays(tmp_path / "packed.npz")
    assert np.array_equal(read(found), images)
    assert {name: array.tolist() for name, array in found.columns.items()} == {"age": [0, 1, 2, 3, 4]}
    for name, array in (("columns", np.asfortranarray(images)), ("big", images.astype(">f4")), ("whole", images + 0)):
        np.save(tmp_path / f"{name}.npy", array)
        assert np.array_equal(read(open_arrays(tmp_path / f"{name}.npy")), images)
    np.save(tmp_path / "first.npy", np.repeat(images[:, None], 3, axis=1))
    assert read(open_arrays(tmp_path / "first.npy")).shape == (5, 8, 8, 3)
    whole = (tmp_path / "packed.npz").read_bytes()
    (tmp_path / "cut.npy").write_bytes((tmp_path / "big.npy").read_bytes()[:-9])
    with pytest.raises(DataError, match=r"cut\.npy cannot be read: it is cut off"):
        read(open_arrays(tmp_path / "cut.npy"))
    damaged = bytearray(whole)
    damaged[100:130] = bytes(30)
    (tmp_path / "damaged.npz").write_bytes(bytes(damaged))
    with pytest.raises(DataError, match=r"damaged\.npz cannot be read"):
        read(open_arrays(tmp_path / "damaged.npz"))


def test_archives_that_do_not_fit(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=squares(5), b=squares(5))
    with pytest.raises(DataError, match=r"holds the arrays 'a', 'b'.*named 'x'"):
        open_arrays(tmp_path / "two.npz")
    np.savez(tmp_path / "short.npz", x=squares(5), y=np.arange(4))
    with pytest.raises(DataError, match=r"'y' has the shape \(4,\); expected one label for each of 5 images"):
        open_arrays(tmp_path / "short.npz")
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object))
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\x00v")
    for name in ("text.npz", "objects.npy", "cut.npy"):
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            open_arrays(tmp_path / name)


def test_labels_stay_beside_their_images() -> None:
    labels = pd.Series(["b", "a"], index=[7, 3])
    assert image_frame(squares(2), labels)["label"].tolist() == ["b", "a"]
