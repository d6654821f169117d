"""Images as a table in batches: what comes back, from where, and how much is in memory."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from image_files import squares, write_classes, write_png

from gensynth.errors import DataError
from gensynth.tables import stream
from gensynth.tables.images import frame_stream, open_images, read_images
from gensynth.tables.imagestore import ImageStore
from gensynth.tables.imagestream import ImageStream


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 5 images."""
    monkeypatch.setattr(stream, "BATCH_VALUES", 5 * 64)


def test_batches_are_the_images_that_are_read_in_one_piece(tmp_path: Path, small_batches: None) -> None:
    table = open_images(write_classes(tmp_path / "photos"))
    whole = read_images(tmp_path / "photos").frame
    assert (table.names, table.n_rows, table.batch_rows, table.channels) == (("image", "label"), 12, 5, 1)
    assert str(table) == "12 images, 8 wide and 8 high, grey"
    assert [len(batch) for batch in table.batches()] == [5, 5, 2]
    for rows, start in ((None, 0), (3, 0), (100, 0), (4, 7)):
        frame = pd.concat([batch.frame for batch in table.batches(rows, start)])
        assert frame.index.tolist() == list(range(start, 12))
        assert frame["label"].tolist() == whole["label"].tolist()[start:]
        assert np.array_equal(np.stack(frame["image"].tolist()), np.stack(whole["image"].tolist())[start:])
    some = table.sample(4, seed=0).frame
    assert np.array_equal(some["image"].iloc[2], whole["image"].iloc[some.index[2]])
    assert table.held == {"image", "label"}
    assert table.style is None


def test_an_image_is_named_by_its_file_or_its_number(tmp_path: Path) -> None:
    table = open_images(write_classes(tmp_path / "photos"))
    assert table.place_of(7) == f"{tmp_path}/photos/dark/1.png"
    np.save(tmp_path / "a.npy", squares(3))
    assert open_images(tmp_path / "a.npy").place_of(2) == f"image 3 of {tmp_path}/a.npy"


def test_columns_are_left_out_without_the_others(tmp_path: Path) -> None:
    table = open_images(write_classes(tmp_path))
    labels = table.without("image")
    assert (labels.names, labels.n_rows) == (("label",), 12)
    assert labels.whole().frame["label"].tolist() == ["bright"] * 6 + ["dark"] * 6
    images = table.without("label")
    assert images.names == ("image",)
    assert list(images.whole().frame) == ["image"]
    assert images.without("image").whole().frame.shape == (12, 0)


def test_colours_that_come_late_make_all_images_colours(tmp_path: Path, small_batches: None) -> None:
    grey = squares(12)
    for i, image in enumerate(grey):
        write_png(tmp_path / f"{i:02}.png", image)
    write_png(tmp_path / "12.png", np.full((8, 8, 3), (1, 2, 3), dtype=np.uint8))
    write_png(tmp_path / "13.png", grey[0])
    images = np.stack(open_images(tmp_path).whole().frame["image"].tolist())
    assert images.shape == (14, 8, 8, 3)
    assert np.array_equal(images[:12], np.repeat(grey[..., None], 3, -1))
    assert images[12, 0, 0].tolist() == [1, 2, 3]
    assert np.array_equal(images[13, ..., 1], grey[0])


def test_what_is_made_of_images_is_made_of_their_range(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", squares(6))
    table = open_images(tmp_path / "a.npy")
    assert (table.high, table.whole_numbers, table.dtype.name) == (220.0, True, "uint8")
    changed = table.changed(lambda images: (images / 440).astype(np.float32))
    assert (changed.high, changed.whole_numbers, changed.dtype.name) == (0.5, False, "float32")
    assert np.array_equal(changed.whole().frame["image"].iloc[3], (squares(6)[3] / 440).astype(np.float32))
    assert sum(len(block) for block in changed.blocks()) == 6


def test_values_of_all_blocks_count() -> None:
    store = ImageStore()
    for value in (3.0, -2.0, np.nan, 7.0):
        store.append(np.full((2, 4, 4), value))
    assert (len(store), store.low, store.high, store.whole_numbers) == (8, -2.0, 7.0, False)
    assert store.read(5, 8)[:, 0, 0].tolist()[1:] == [7.0, 7.0]
    doubled = store.mapped(lambda images: images * 2)
    assert (doubled.low, doubled.high) == (-4.0, 14.0)


def test_more_than_the_disk_has_room_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", squares(6))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 300}))
    words = r"6 images of 8 x 8 pixels take 0\.0 MiB in .*TMPDIR names another\); make them"
    with pytest.raises(DataError, match=words):
        open_images(tmp_path / "a.npy")
    assert len(read_images(tmp_path / "a.npy")) == 6


def test_a_frame_of_images_is_a_stream_too() -> None:
    frame = pd.DataFrame({"age": [1, 2, 3], "image": list(squares(3))})
    table = frame_stream(frame, "three")
    assert isinstance(table, ImageStream)
    assert table.names == ("image", "age")
    assert np.array_equal(np.stack(table.whole().frame["image"].tolist()), squares(3))


def test_memory_is_that_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BATCH_VALUES", 2**18)
    np.savez_compressed(tmp_path / "many.npz", x=np.random.default_rng(0).integers(0, 256, (4_000, 64, 64), np.uint8))
    open_images(tmp_path / "many.npz")  # what is imported and cached is not counted
    tracemalloc.start()
    table = open_images(tmp_path / "many.npz")  # 16 MB
    n = sum(len(batch) for batch in table.batches())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n == 4_000
    assert most < 4 * 2**20
