from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from image_files import squares

from gensynth.errors import OutputError
from gensynth.tables.arrayfiles import image_frame
from gensynth.tables.images import read_images
from gensynth.tables.imagewriter import (
    label_column,
    to_bytes,
    to_picture,
    value_range_of,
    write_image_archive,
    write_image_folder,
)


def test_a_folder_comes_back_as_it_was_written(tmp_path: Path) -> None:
    frame = image_frame(squares(6), ["a", "b", "a", "b", "b", "a"])
    write_image_folder(frame, tmp_path / "out", label="label")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    found = read_images(tmp_path / "out")
    assert found.files == ("a/00001.png", "a/00003.png", "a/00006.png", "b/00002.png", "b/00004.png", "b/00005.png")
    assert found.frame["label"].tolist() == list("aaabbb")
    for name, image in zip(found.files, found.frame["image"], strict=True):
        assert np.array_equal(image, squares(6)[int(name[2:7]) - 1])


def test_labels_that_are_no_names_of_folders(tmp_path: Path) -> None:
    frame = image_frame(squares(4), pd.Series(["a/b", "a:b", pd.NA, ".."], dtype=object))
    write_image_folder(frame, tmp_path / "out", label="label")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["_", "a_b", "missing", "rows.csv"]
    assert pd.read_csv(tmp_path / "out" / "rows.csv")["label"].tolist()[:2] == ["a/b", "a:b"]


def test_other_columns_are_written_beside(tmp_path: Path) -> None:
    frame = image_frame(squares(3)).assign(age=[3, 4, 5], sex=["F", "M", "F"])
    write_image_folder(frame, tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "rows.csv")
    assert rows.columns.tolist() == ["file", "age", "sex"]
    assert (tmp_path / "out" / rows["file"][2]).exists()


def test_nothing_is_left_of_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("here")
    for place in (tmp_path / "full", tmp_path / "absent" / "out"):
        with pytest.raises(OutputError, match="cannot be written"):
            write_image_folder(image_frame(squares(2)), place)
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == ["full", "full/x"]


def test_an_archive_comes_back_as_it_was_written(tmp_path: Path) -> None:
    frame = image_frame(squares(4) / 255.0, [3, 1, 1, 3]).assign(name=np.array(["a", None, "c", "d"], dtype=object))
    write_image_archive(frame, tmp_path / "out.npz", label="label")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert {name: found[name].dtype.kind for name in found} == {"x": "f", "y": "i", "name": "U"}
        assert np.array_equal(found["x"], squares(4) / 255.0)
        assert found["name"].tolist() == ["a", "", "c", "d"]
    assert read_images(tmp_path / "out.npz").frame["label"].tolist() == [3, 1, 1, 3]
    write_image_archive(frame, tmp_path / "again.npz", label="label")
    assert (tmp_path / "out.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    with pytest.raises(OutputError, match="cannot be written"):
        write_image_archive(frame, tmp_path / "absent" / "out.npz")


@pytest.mark.parametrize("label", ["label", "digit", "when", None])
def test_columns_of_an_archive_come_back_under_their_names(tmp_path: Path, label: str | None) -> None:
    frame = image_frame(squares(4), [3, 1, 1, 3]).assign(
        digit=[3, 1, 1, 3], target=list("abca"), y=[0, 1, 2, 4], when=0.5
    )
    if label != "label":
        frame = frame.drop(columns="label")
    write_image_archive(frame, tmp_path / "out.npz", label="digit" if label == "label" else label)
    found = read_images(tmp_path / "out.npz").frame
    assert set(found) == set(frame)
    for name in frame.columns.drop("image"):
        assert found[name].tolist() == frame[name].tolist(), name
    with np.load(tmp_path / "out.npz") as archive:
        assert ("y" in archive) == (label is not None)
        assert label is None or archive["y"].tolist() == frame[label].tolist()


def test_what_is_black_and_white() -> None:
    digits = (squares(3) // 15).astype(np.uint8)
    assert value_range_of(squares(3)) == (0, 255)
    assert value_range_of(digits) == (0, digits.max())
    assert value_range_of(squares(3) / 255) == (0, 1)
    assert value_range_of([np.array([[-1.0, 3.0]])]) == (-1, 3)
    assert to_bytes(np.array([[-1.0, 0.0, 3.0, 9.0]]), (-1.0, 3.0)).tolist() == [[0, 64, 255, 255]]
    assert to_bytes(np.zeros((1, 1)), (0.0, 0.0)).tolist() == [[0]]


def test_channels_of_pictures() -> None:
    for channels, mode in ((1, "L"), (2, "L"), (3, "RGB"), (4, "RGB")):
        assert to_picture(np.zeros((4, 5, channels), dtype=np.uint8), (0.0, 255.0)).mode == mode


def test_which_column_is_the_label() -> None:
    frame = image_frame(squares(2), ["a", "b"])
    assert label_column(frame, "image") == "label"
    assert label_column(frame.assign(kind=["x", "y"]), "image", ["kind"]) == "kind"
    assert label_column(frame.rename(columns={"label": "kind"}), "image") == "kind"
    assert label_column(frame[["image"]].assign(weight=[0.5, 1.5]), "image") is None
    assert label_column(frame[["image"]].assign(a=[1, 2], b=[1, 2]), "image") is None
