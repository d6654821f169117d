from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from image_files import squares
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.tables.arrayfiles import channels_last, idx_files, image_frame, read_arrays, read_idx


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


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


def test_kinds_of_numbers() -> None:
    whole = np.arange(8).reshape(2, 2, 2)
    assert channels_last(whole, "x").dtype == np.uint8
    assert channels_last(whole > 3, "x").max() == 1
    assert channels_last(whole / 8, "x").dtype == float


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 64)), r"shape \(4, 64\)"),
        (np.zeros((0, 8, 8)), "no images"),
        (np.zeros((2, 9, 8, 7)), "neither its second nor its last axis"),
        (np.full((2, 3, 3), 256), "from 256 to 256"),
        (np.full((2, 3, 3), -1), "from -1 to -1"),
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
        found, of = read_arrays(tmp_path / name)
        assert np.array_equal(found, images)
        assert (of is not None and of.tolist() == [0, 1, 2, 3, 4]) == known


def test_archives_that_do_not_fit(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=squares(5), b=squares(5))
    with pytest.raises(DataError, match=r"holds the arrays 'a', 'b'.*named 'x'"):
        read_arrays(tmp_path / "two.npz")
    np.savez(tmp_path / "short.npz", x=squares(5), y=np.arange(4))
    with pytest.raises(DataError, match=r"'y' has the shape \(4,\); expected one label for each of 5 images"):
        read_arrays(tmp_path / "short.npz")
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object))
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\x00v")
    for name in ("text.npz", "objects.npy", "cut.npy"):
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            read_arrays(tmp_path / name)


def test_the_files_of_mnist(tmp_path: Path) -> None:
    images, labels = squares(5), np.arange(5, dtype=np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(images[:2]))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    train, test = idx_files(tmp_path)
    found, of = read_idx(train)
    assert np.array_equal(found, images)
    assert of is not None
    assert of.tolist() == labels.tolist()
    found, of = read_idx(test)
    assert (len(found), of) == (2, None)


def test_damaged_files_of_mnist(tmp_path: Path) -> None:
    whole = idx(squares(5))
    for name, data, words in (
        ("cut-images-idx3-ubyte", whole[:-3], "should hold 320 values and has 317"),
        ("labels-images-idx3-ubyte", idx(np.arange(5, dtype=np.uint8)), "no idx file of bytes with 3 axes"),
        ("packed-images-idx3-ubyte.gz", gzip.compress(whole)[:40], "cannot be read"),
        ("nothing-images-idx3-ubyte", b"", "no idx file"),
        ("none-images-idx3-ubyte", idx(squares(5)[:0]), "holds no images"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=words):
            read_idx(tmp_path / name)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(whole)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(4, dtype=np.uint8)))
    with pytest.raises(DataError, match="one label for each of 5 images"):
        read_idx(tmp_path / "train-images-idx3-ubyte")


def test_labels_stay_beside_their_images() -> None:
    labels = pd.Series(["b", "a"], index=[7, 3])
    assert image_frame(squares(2), labels)["label"].tolist() == ["b", "a"]
