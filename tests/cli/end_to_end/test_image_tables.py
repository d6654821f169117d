"""Tables with a column of paths of images, through the command line by a toy model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Run
from image_files import write_png
from toy_image_recipe import bars, image_registry

from gensynth.errors import CapabilityError
from gensynth.registry import default_registry
from gensynth.tables.files import write_table
from gensynth.tables.imagearrays import objects_of
from gensynth.tables.images import read_images

TOY = ("-m", "toy-images", "--set", "trainer.max_epochs=4", "--seed", "0")
PHOTO = ("--schema", "photo=image")


@pytest.fixture(autouse=True)
def paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pd.DataFrame:
    """Work in a folder with a table of images, their classes and an age; the toy model stands beside the others."""
    registry = default_registry()
    monkeypatch.setattr(registry, "_models", [*registry.models(), *image_registry().models()])
    monkeypatch.chdir(tmp_path)
    images, labels = bars(60)
    files = [str(write_png(Path("photos") / f"{i}.png", image)) for i, image in enumerate(images)]
    frame = pd.DataFrame({"photo": files, "kind": ["abc"[label] for label in labels], "age": np.arange(60) % 7})
    frame.to_csv("rows.csv", index=False)
    return frame


@pytest.mark.parametrize("out", ["more/", "more.npz"])
def test_added_images_are_written_as_images(paths: pd.DataFrame, run: Run, out: str) -> None:
    asked = ("--target", "kind", "--rows", "22", "--no-check", "--report", "page.html")
    outcome = run("augment", "rows.csv", *PHOTO, *asked, "-o", out, *TOY)
    assert outcome.code == 0, outcome.err
    found = read_images(out.rstrip("/")).frame
    assert sorted(found["_synthetic"]) == [False] * 60 + [True] * 22
    real = found[~found["_synthetic"].astype(bool)]
    wanted = sorted(bars(60)[0].astype(np.uint8).tolist())
    assert sorted(image.tolist() for image in real["image"]) == wanted
    assert real["kind"].value_counts().to_dict() == paths["kind"].value_counts().to_dict()
    assert set(found["age"]) <= set(range(7))


@pytest.mark.parametrize("out", ["more.csv", "more.parquet"])
def test_added_images_are_no_cells_of_a_table(run: Run, out: str) -> None:
    outcome = run("augment", "rows.csv", *PHOTO, "--rows", "5", "-o", out, *TOY)
    assert outcome.code == 2
    assert "images, which are written to a .npz file, or as PNG files to a folder" in outcome.err
    assert not Path(out).exists()
    table = pd.DataFrame({"x": [1, 2], "image": objects_of(list(bars(2)[0]))})
    with pytest.raises(CapabilityError, match="column 'image' holds images, which more"):
        write_table(table, out)
    assert not Path(out).exists()


def test_images_in_files_are_scored_by_a_model_of_a_table(run: Run) -> None:
    assert run("fit", "rows.csv", *PHOTO, "-o", "m.gensynth", *TOY).code == 0
    assert run("export", "m.gensynth", "--scorer", "m.onnx", "-q").code == 0
    assert run("sample", "m.gensynth", "-n", "15", "-o", "new.npz", "--seed", "1").code == 0
    assert run("sample", "m.gensynth", "-n", "15", "-o", "new/", "--seed", "1").code == 0
    scores = []
    for model in ("m.gensynth", "m.onnx"):
        for data in ("new.npz", "new/"):
            outcome = run("score", model, data, "-o", "scores.csv")
            assert outcome.code == 0, outcome.err
            scores.append(np.sort(pd.read_csv("scores.csv")["score"]))
            np.testing.assert_allclose(scores[-1], scores[0], rtol=1e-4)
