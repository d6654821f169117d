"""What DATA is images, and how they are read for the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import squares, write_classes, write_png

from gensynth.cli.input.images import ImageOptions, added_names, check_label, described, files_of, open_both, pictured
from gensynth.cli.input.tables import stream
from gensynth.cli.options.paths import find
from gensynth.errors import CapabilityError, DataError, OptionError
from gensynth.model import Recipe
from gensynth.schema.image import ImageSchema
from gensynth.tables import TableStream
from gensynth.tables.images import read_images
from gensynth.tables.imagestream import ImageStream


class Able(Recipe):
    capabilities = frozenset({"sample", "images"})

    def build(self, layout: Any) -> Any:
        raise NotImplementedError


class Unable(Able):
    capabilities = frozenset({"sample"})


def options(size: str | None = None, *, skip_bad: bool = False) -> ImageOptions:
    return ImageOptions.of(size, Able(), skip_bad=skip_bad)


def opened(source: Path | str, using: ImageOptions) -> TableStream:
    return stream(find(str(source), several=True), images=using)


@pytest.mark.parametrize(("text", "size"), [("32", (32, 32)), ("24x32", (24, 32)), ("8X6", (8, 6)), (None, None)])
def test_sizes(text: str | None, size: tuple[int, int] | None) -> None:
    assert options(text).size == size


@pytest.mark.parametrize("text", ["", "0", "00", "x", "32x", "3x0", "-3", "3.5", "large"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(OptionError, match="--image-size must be a number of pixels"):
        options(text)


def test_a_folder_of_images_is_a_table_of_them(tmp_path: Path) -> None:
    table = opened(write_classes(tmp_path / "photos"), options())
    assert isinstance(table, ImageStream)
    assert (table.names, table.n_rows) == (("image", "label"), 12)
    assert str(table) == "12 images, 8 wide and 8 high, grey"
    small = opened(tmp_path / "photos", options("4x6"))
    assert str(small) == "12 images, 6 wide and 4 high, grey"


def test_a_data_set_of_images_is_one_too() -> None:
    table = opened("digits", options("6"))
    assert isinstance(table, ImageStream)
    assert str(table) == "1,797 images, 6 wide and 6 high, grey"
    assert files_of(table) is None


def test_tables_stay_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    for source in (tmp_path / "a.csv", tmp_path, "wine"):
        assert not isinstance(opened(source, options()), ImageStream)
        assert files_of(opened(source, options())) is None
        if source != tmp_path:
            with pytest.raises(OptionError, match="--image-size is of images"):
                opened(source, options("32"))
            with pytest.raises(OptionError, match="--skip-bad is of images"):
                opened(source, options(skip_bad=True))


def test_a_folder_of_both_must_be_told_apart(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos")
    (tmp_path / "photos" / "rows.csv").write_text("a\n1\n2\n")
    with pytest.raises(OptionError, match=r"holds images and tables \(rows\.csv\).*'.*\*\.csv'.*--image-size"):
        opened(tmp_path / "photos", options())
    assert isinstance(opened(tmp_path / "photos", options("8")), ImageStream)


def test_a_family_that_cannot_is_told_before_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no image")
    with pytest.raises(CapabilityError, match="cannot learn images"):
        opened(tmp_path, ImageOptions.of(None, Unable(), skip_bad=False))


def test_missing_values_are_of_tables(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--missing is of tables"):
        stream(write_classes(tmp_path), ["-"], images=options())


def test_labels_that_there_are_not(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", squares(1)[0])
    table = opened(tmp_path, options())
    assert isinstance(table, ImageStream)
    check_label(table, None)
    with pytest.raises(DataError, match="has no labels, so that there is no column 'label'"):
        check_label(table, ["label"])
    with_labels = ImageOptions().open(write_classes(tmp_path / "photos"))
    assert with_labels is not None
    check_label(with_labels, ["label"])


def test_results_name_files_instead_of_pixels(tmp_path: Path) -> None:
    table = opened(write_classes(tmp_path), options())
    batch = next(table.batches(4, start=7))
    assert described(table, batch).frame.to_dict("list") == {
        "file": [f"dark/{i}.png" for i in (1, 2, 3, 4)],
        "label": ["dark"] * 4,
    }
    assert pictured(table, batch).columns.tolist() == ["file", "image", "label"]
    assert added_names(table) == ("file",)
    np.savez(tmp_path / "a.npz", x=squares(5))
    table = opened(tmp_path / "a.npz", options())
    assert described(table, next(table.batches(2, start=3))).frame.to_dict("list") == {"number": [4, 5]}


def test_tables_are_described_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n3,y\n")
    table = opened(tmp_path / "a.csv", options())
    batch = next(table.batches())
    assert described(table, batch) is batch
    assert pictured(table, batch)["a"].tolist() == ["1", "3"]
    assert added_names(table) == ()


def test_images_are_brought_to_what_a_model_has_seen(tmp_path: Path) -> None:
    write_classes(tmp_path)
    like = ImageOptions().like(ImageSchema(5, 4, 3, "hwc", "uint8", 17, 0.0, 16.0))
    table = like.open(tmp_path)
    assert table is not None
    first = table.whole().frame["image"].iloc[0]
    assert (first.shape, first.dtype) == ((5, 4, 3), np.uint8)
    files = read_images(tmp_path, image_size=(5, 4), channels=3).frame["image"].iloc[0]
    assert np.array_equal(first, (files / 255.0 * 16.0).round())  # black is the least value, white the greatest
    assert ImageOptions().like(None) == ImageOptions()
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert like.open(tmp_path / "a.csv") is None  # what it lacks is said by the model


def test_normal_images_are_of_the_kind_of_the_others(tmp_path: Path) -> None:
    grey, colour = write_classes(tmp_path / "grey"), tmp_path / "colour"
    write_png(colour / "a.png", np.zeros((8, 8, 3), dtype=np.uint8))
    write_png(colour / "b.png", np.full((8, 8, 3), 200, dtype=np.uint8))
    for one, other in ((grey, colour), (colour, grey)):
        table, normal = open_both(one, other, ImageOptions(), None, None, "csv")
        assert isinstance(table, ImageStream)
        assert isinstance(normal, ImageStream)
        assert table.channels == normal.channels
    table, normal = open_both(grey, None, ImageOptions(), None, None, "csv")
    assert table is normal
