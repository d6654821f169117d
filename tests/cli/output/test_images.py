"""Where drawn images go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from image_files import squares
from PIL import Image

from gensynth.cli.output.images import PictureOutput, draw_pictures, image_column, picture_output
from gensynth.errors import OptionError
from gensynth.tables.arrayfiles import image_frame


class Drawing:
    """Stands for a synthesizer: draws images that are as bright as their label says, and notes what it was asked."""

    def __init__(self, first: tuple[str, ...] = ("label",)) -> None:
        column = SimpleNamespace(name="image", image=SimpleNamespace(low=0.0, high=255.0))
        self.schema_ = SimpleNamespace(image=column)
        labels = SimpleNamespace(index=pd.Index([0, 1, 2]))
        self.encoder_ = SimpleNamespace(first=first, columns={"label": SimpleNamespace(labels=labels)})
        self.asked: list[tuple[int, Any, Any]] = []

    def sample_batches(self, n: int, wanted: Any, seed: Any) -> Iterator[pd.DataFrame]:
        self.asked.append((n, wanted, seed))
        labels = np.full(n, wanted["label"]) if wanted else np.arange(n) % 2
        images = np.stack([np.full((8, 8), 100 * label, dtype=np.uint8) for label in labels])
        yield image_frame(images, labels)


def drawn(synthesizer: Any, out: PictureOutput, n: int, wanted: Any = None) -> int:
    return draw_pictures(synthesizer, out, n, wanted, 3)


def test_a_picture_alone_has_as_many_of_each_class(tmp_path: Path) -> None:
    synthesizer = Drawing()
    assert drawn(synthesizer, picture_output(None, tmp_path / "g.png"), 7) == 7
    assert synthesizer.asked == [(3, {"label": 0}, 3), (2, {"label": 1}, 3), (2, {"label": 2}, 3)]
    with Image.open(tmp_path / "g.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert [pixels[36 + 60 * i, 60] for i in range(3)] == [0, 100, 200]


def test_a_few_images_are_of_the_first_classes(tmp_path: Path) -> None:
    synthesizer = Drawing()
    assert drawn(synthesizer, picture_output(None, tmp_path / "g.png"), 2) == 2
    assert [n for n, _, _ in synthesizer.asked] == [1, 1]


def test_what_is_asked_for_is_what_is_drawn(tmp_path: Path) -> None:
    synthesizer = Drawing()
    drawn(synthesizer, picture_output(None, tmp_path / "g.png"), 4, {"label": 1})
    assert synthesizer.asked == [(4, {"label": 1}, 3)]
    free = Drawing(first=())
    drawn(free, picture_output(None, tmp_path / "free.png"), 4)
    assert free.asked == [(4, None, 3)]


def test_a_picture_beside_files_shows_those(tmp_path: Path) -> None:
    synthesizer = Drawing()
    drawn(synthesizer, picture_output(f"{tmp_path}/out/", tmp_path / "g.png"), 5)
    assert synthesizer.asked == [(5, None, 3)]
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png"))
    assert files == ["0/00001.png", "0/00003.png", "0/00005.png", "1/00002.png", "1/00004.png"]
    assert (tmp_path / "g.png").exists()


def test_an_archive(tmp_path: Path) -> None:
    drawn(Drawing(), picture_output(str(tmp_path / "out.npz"), None), 5)
    with np.load(tmp_path / "out.npz") as found:
        assert found["x"].shape == (5, 8, 8)
        assert found["y"].tolist() == [0, 1, 0, 1, 0]


def test_a_picture_of_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = image_frame(np.repeat(squares(1), 1_001, axis=0))
    PictureOutput(None, tmp_path / "g.png").write([frame[:600], frame[600:]], 1_001, "image", None, (0.0, 255.0))
    assert "shows 1,000 of the 1,001 images" in capsys.readouterr().err


def test_which_column_holds_images() -> None:
    synthesizer: Any = Drawing()
    assert image_column(synthesizer) == "image"
    synthesizer.schema_.image = None
    assert image_column(synthesizer) is None


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("here")
    for output, grid, words in (
        (None, None, "nothing to write"),
        (f"{tmp_path}/a.csv", None, "the model is of images"),
        ("-", None, "the model is of images"),
        (f"{tmp_path}/full/", None, "a folder that is not empty"),
        (f"{tmp_path}/full/x/", None, "is a file"),
        (f"{tmp_path}/absent/out/", None, "there is no folder"),
        (f"{tmp_path}/absent/out.npz", None, "there is no folder"),
        (None, tmp_path / "g.jpg", r"must end in \.png"),
    ):
        with pytest.raises(OptionError, match=words):
            picture_output(output, grid)
