from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from image_files import squares
from numpy.typing import NDArray

from gensynth.errors import DataError
from gensynth.tables.idxfiles import idx_files, open_idx


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def test_the_files_of_mnist(tmp_path: Path) -> None:
    images, labels = squares(5), np.arange(5, dtype=np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(images[:2]))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    train, test = idx_files(tmp_path)
    found = open_idx(train)
    assert np.array_equal(np.concatenate(list(found.blocks())), images)
    assert found.labels is not None
    assert found.labels.tolist() == labels.tolist()
    found = open_idx(test)
    assert (len(found), found.labels) == (2, None)


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
            open_idx(tmp_path / name)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(whole)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(4, dtype=np.uint8)))
    with pytest.raises(DataError, match="one label for each of 5 images"):
        open_idx(tmp_path / "train-images-idx3-ubyte")
