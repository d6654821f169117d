from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from image_files import squares, write_classes, write_png

from gensynth.errors import DataError, FileWarning
from gensynth.tables import imagestore
from gensynth.tables.images import frame_stream, is_image_source, open_images, read_images


def test_folders_are_labels(tmp_path: Path) -> None:
    found = read_images(write_classes(tmp_path / "photos"))
    assert found.frame["label"].tolist() == ["bright"] * 6 + ["dark"] * 6
    assert found.files is not None
    assert found.files[:2] == ("bright/0.png", "bright/1.png")
    assert np.array_equal(found.frame["image"].iloc[7], squares(6)[1] // 2)


def test_images_in_one_folder_have_no_labels(tmp_path: Path) -> None:
    write_png(tmp_path / "b.PNG", squares(2)[0])
    write_png(tmp_path / "a.jpg", squares(2)[1])
    write_png(tmp_path / ".hidden.png", squares(2, 16)[1])
    (tmp_path / "notes.txt").write_text("not an image")
    found = read_images(tmp_path)
    assert (list(found.frame), found.files, len(found)) == (["image"], ("a.jpg", "b.PNG"), 2)


def test_grey_images_become_colours_only_beside_colours(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", squares(1)[0])
    assert read_images(tmp_path).frame["image"].iloc[0].shape == (8, 8)
    assert read_images(tmp_path, channels=3).frame["image"].iloc[0].shape == (8, 8, 3)
    write_png(tmp_path / "b.png", np.full((8, 8, 3), (1, 2, 3), dtype=np.uint8))
    assert [image.shape for image in read_images(tmp_path).frame["image"]] == [(8, 8, 3)] * 2
    assert [image.shape for image in read_images(tmp_path, channels=1).frame["image"]] == [(8, 8)] * 2


def test_several_sizes_are_refused_with_both(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.zeros((8, 9), dtype=np.uint8))
    write_png(tmp_path / "b.png", np.zeros((8, 10), dtype=np.uint8))
    words = r"a\.png is 9 wide and 8 high, .*b\.png is 10 wide and 8 high.*image_size=32"
    with pytest.raises(DataError, match=words):
        read_images(tmp_path)
    assert [image.shape for image in read_images(tmp_path, image_size=(4, 6)).frame["image"]] == [(4, 6)] * 2


def test_damaged_files_are_all_named_or_skipped(tmp_path: Path) -> None:
    write_classes(tmp_path)
    for i in range(7):
        (tmp_path / "dark" / f"bad{i}.png").write_text("no image")
    with pytest.raises(DataError, match=r"7 files .*bad0\.png \(no PNG.*bad4\.png .*and 2 more.*skip_bad=True"):
        read_images(tmp_path)
    with pytest.warns(FileWarning, match=r"7 files .*left out"):
        found = read_images(tmp_path, skip_bad=True)
    assert len(found) == 12
    assert found.files is not None
    assert not any("bad" in name for name in found.files)
    assert found.frame["label"].tolist() == [name.partition("/")[0] for name in found.files]


def test_nothing_but_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(DataError, match="no image that can be read"):
        read_images(tmp_path, skip_bad=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", squares(1)[0]).chmod(0)
    with pytest.raises(DataError, match="permission denied"):
        read_images(tmp_path)


def test_folders_that_are_not_of_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no images; expected \.png"):
        read_images(tmp_path)
    write_classes(tmp_path / "deep" / "train")
    with pytest.raises(DataError, match=r"holds no images; .* its folder .*train holds folders of images"):
        read_images(tmp_path / "deep")
    write_png(tmp_path / "deep" / "train" / "stray.png", squares(1)[0])
    with pytest.raises(DataError, match=r"both directly \(stray\.png\) and in folders \(bright\)"):
        read_images(tmp_path / "deep" / "train")
    with pytest.raises(DataError, match="there is no file or folder"):
        read_images(tmp_path / "absent")
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="unknown kind of file"):
        read_images(tmp_path / "a.csv")


def test_what_was_lost_is_said(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.full((8, 8, 4), 100, dtype=np.uint8))
    with pytest.warns(FileWarning, match="1 image with transparent parts, which were laid on white"):
        read_images(tmp_path)


def test_more_than_fits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_classes(tmp_path)
    monkeypatch.setattr(imagestore, "MAX_BYTES", 500)
    with pytest.raises(DataError, match=r"12 images of 8 x 8 pixels take .* image_size=32"):
        read_images(tmp_path)
    assert len(read_images(tmp_path, image_size=4)) == 12
    table = open_images(tmp_path)
    assert len(next(table.batches(3))) == 3
    with pytest.raises(DataError, match="of memory"):
        table.whole()


def test_arrays_in_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=squares(5), y=np.array([3, 1, 3, 1, 1]))
    found = read_images(tmp_path / "a.npz")
    assert (found.files, found.frame["label"].tolist()) == (None, [3, 1, 3, 1, 1])
    small = read_images(tmp_path / "a.npz", image_size=4, channels=3)
    assert [image.shape for image in small.frame["image"]] == [(4, 4, 3)] * 5
    again = frame_stream(found.frame, "digits", image_size=6).whole().frame
    assert [image.shape for image in again["image"]] == [(6, 6)] * 5
    assert list(again) == ["image", "label"]


def test_what_is_a_source_of_images(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("a\n1\n")
    yes = ["photos", "photos/dark", "photos/dark/0.png", "a.npz", "a.npy", "train-images-idx3-ubyte.gz"]
    no = ["tables", "tables/a.csv", "m.gensynth", "train-labels-idx1-ubyte.gz"]
    assert [is_image_source(tmp_path / name) for name in yes + no] == [True] * len(yes) + [False] * len(no)
    assert len(read_images(tmp_path / "photos" / "dark" / "0.png")) == 1
