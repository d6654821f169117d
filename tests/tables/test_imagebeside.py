"""The file rows.csv beside images: what was written is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_image_recipe import bars

from gensynth.errors import DataError
from gensynth.tables.arrayfiles import image_frame
from gensynth.tables.imagebeside import is_rows_file
from gensynth.tables.images import read_images
from gensynth.tables.imagewriter import write_image_archive, write_image_folder


def written(folder: Path) -> pd.DataFrame:
    images, labels = bars(12)
    frame = image_frame(images, labels).assign(_synthetic=[False] * 8 + [True] * 4, size=np.arange(12.0))
    write_image_folder(frame, folder, label="label", value_range=(0.0, 255.0))
    write_image_archive(frame, folder.with_suffix(".npz"), label="label")
    return frame


def test_columns_come_back(tmp_path: Path) -> None:
    frame = written(tmp_path / "out")
    found = read_images(tmp_path / "out")
    assert list(found.frame) == ["image", "label", "_synthetic", "size"]
    order = np.argsort([int(Path(name).stem) for name in found.files or ()])
    back = found.frame.iloc[order].reset_index(drop=True)
    assert back["_synthetic"].tolist() == frame["_synthetic"].tolist()
    assert back["label"].astype(int).tolist() == frame["label"].tolist()
    assert back["size"].tolist() == frame["size"].tolist()
    archive = read_images(tmp_path / "out.npz").frame
    assert archive["_synthetic"].tolist() == frame["_synthetic"].tolist()
    assert archive["size"].tolist() == frame["size"].tolist()


def test_other_tables_are_none_of_images(tmp_path: Path) -> None:
    written(tmp_path / "out")
    rows = tmp_path / "out" / "rows.csv"
    assert is_rows_file(rows)
    rows.write_text("name,price\na,3\n")
    assert not is_rows_file(rows)
    assert list(read_images(tmp_path / "out").frame) == ["image", "label"]


def test_a_file_that_is_told_of_twice_is_named(tmp_path: Path) -> None:
    written(tmp_path / "out")
    rows = tmp_path / "out" / "rows.csv"
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join([*lines, lines[-1]]) + "\n")
    with pytest.raises(DataError, match=r"tells of .*00012\.png twice"):
        read_images(tmp_path / "out")
