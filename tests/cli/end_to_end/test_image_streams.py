"""Sets of images that do not fit the memory, and images in another unit, through the command line by a toy model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Run
from image_files import write_png
from PIL import Image
from toy_image_recipe import bars, image_registry

from gensynth import load
from gensynth.engine import fitted_model
from gensynth.registry import default_registry
from gensynth.tables import stream
from gensynth.tables.images import read_images

TOY = ("-m", "toy-images", "--set", "trainer.max_epochs=12", "--set", "trainer.batch_size=32", "--seed", "0")
IMAGES, LABELS = bars()


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Register the toy model beside the installed ones; work in an empty folder, with batches of 9 images."""
    registry = default_registry()
    monkeypatch.setattr(registry, "_models", [*registry.models(), *image_registry().models()])
    monkeypatch.setattr(stream, "BATCH_VALUES", 9 * 48)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photos() -> str:
    """Return a folder of images in three classes."""
    for i, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        write_png(Path("photos") / "abc"[label] / f"{i:03}.png", image)
    np.savez("bytes.npz", x=IMAGES)
    np.savez("floats.npz", x=(IMAGES / 255).astype(np.float32))
    return "photos"


def done(run: Run, *arguments: str) -> str:
    outcome = run(*arguments)
    assert outcome.code == 0, outcome.err
    return outcome.err


def test_a_folder_larger_than_memory_rows_gives_the_same_model(photos: str, run: Run) -> None:
    done(run, "fit", photos, "-o", "whole.gensynth", *TOY, "--target", "label")
    said = done(run, "fit", photos, "-o", "parts.gensynth", *TOY, "--target", "label", "--memory-rows", "10")
    assert "120 images, 6 wide and 8 high, grey" in said
    assert "120 rows, 2 columns" in said
    for model in ("whole", "parts"):
        done(run, "score", f"{model}.gensynth", photos, "-o", f"{model}.csv")
    scores = [pd.read_csv(f"{model}.csv") for model in ("whole", "parts")]
    pd.testing.assert_frame_equal(scores[0], scores[1], check_exact=True)
    assert scores[0]["file"].tolist() == list(read_images(photos).files or ())


def test_arrays_in_files_too(photos: str, run: Run) -> None:
    for data in ("bytes.npz", "floats.npz"):
        done(run, "fit", data, "-o", "whole.gensynth", *TOY)
        done(run, "fit", data, "-o", "parts.gensynth", *TOY, "--memory-rows", "10")
        own = [load(f"{model}.gensynth").score_samples(np.load(data)["x"]) for model in ("whole", "parts")]
        assert np.array_equal(own[0], own[1])


def test_watched_and_resumed(photos: str, run: Run) -> None:
    few = ("--memory-rows", "10", "--checkpoint", "c", "--save-progress", "progress")
    done(run, "fit", photos, "-o", "a.gensynth", *TOY, *few)
    assert Path("progress/latest.png").exists()
    done(run, "fit", photos, "-o", "b.gensynth", *TOY, *few, "--resume")
    scores = [load(f"{model}.gensynth").score_samples(read_images(photos).frame) for model in ("a", "b")]
    assert np.array_equal(scores[0], scores[1])


def test_anomalies_of_a_large_set(photos: str, run: Run) -> None:
    strange = np.zeros_like(IMAGES[0])
    strange[:, 3:] = 255
    write_png(Path("photos/a/strange.png"), strange)
    done(run, "detect", photos, "-o", "found.csv", "--fit-rows", "60", "--html", "page.html", *TOY)
    table = pd.read_csv("found.csv")
    assert len(table) == 121
    assert table["file"].tolist()[int(table["score"].argmin())] == "a/strange.png"


def test_many_drawn_images_are_written_in_chunks(photos: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done(run, "fit", photos, "-o", "m.gensynth", *TOY, "--target", "label")
    monkeypatch.setattr(fitted_model, "CHUNK_ROWS", 32)
    done(run, "sample", "m.gensynth", "-n", "100", "-o", "out/", "--seed", "3")
    done(run, "sample", "m.gensynth", "-n", "100", "-o", "out.npz", "--seed", "3", "--grid", "g.png")
    names = sorted(path.name for path in Path("out").rglob("*.png"))
    assert names == [f"{i:05}.png" for i in range(1, 101)]
    with np.load("out.npz") as found:
        assert found["x"].shape == (100, 8, 6)
        for i, label in enumerate(found["y"].tolist()):
            with Image.open(f"out/{label}/{i + 1:05}.png") as image:
                assert np.array_equal(np.asarray(image), found["x"][i])


def test_a_table_of_paths(photos: str, run: Run) -> None:
    files = [f"photos/{name}" for name in read_images(photos).files or ()]
    pd.DataFrame({"photo": files, "kind": [name.split("/")[1] for name in files]}).to_csv("t.csv", index=False)
    few = ("--schema", "photo=image", "--memory-rows", "20")
    done(run, "fit", "t.csv", "-o", "m.gensynth", *TOY, *few, "--save-progress", "progress")
    assert Path("progress/latest.png").exists()
    done(run, "score", "m.gensynth", "t.csv", "-o", "scores.csv")
    assert len(pd.read_csv("scores.csv")) == 120
    Path(files[100]).write_text("no image")
    outcome = run("fit", "t.csv", "-o", "x.gensynth", *TOY, *few)
    assert (outcome.code, Path("x.gensynth").exists()) == (2, False)
    assert f"column 'photo', row 100: {files[100]} cannot be read: no PNG or JPEG image" in outcome.err


def test_images_in_the_other_unit_are_scored_alike(photos: str, run: Run) -> None:
    for model, other, words in (("bytes", "floats", "multiplied by 255"), ("floats", "bytes", "divided by 255")):
        done(run, "fit", f"{model}.npz", "-o", "m.gensynth", *TOY)
        done(run, "score", "m.gensynth", f"{model}.npz", "-o", "own.csv")
        assert words in done(run, "score", "m.gensynth", f"{other}.npz", "-o", "other.csv")
        assert Path("own.csv").read_text() == Path("other.csv").read_text()


def test_judged_images_get_the_unit_of_the_normal_ones(photos: str, run: Run) -> None:
    said = done(run, "detect", "floats.npz", "--train-on", "bytes.npz", "-o", "judged.csv", *TOY)
    assert "multiplied by 255" in said
    done(run, "detect", "bytes.npz", "--train-on", "bytes.npz", "-o", "same.csv", *TOY)
    assert Path("judged.csv").read_text() == Path("same.csv").read_text()


def test_compared_images_are_brought_to_one_unit(photos: str, run: Run) -> None:
    np.savez("new.npz", x=bars(seed=5)[0])
    np.savez("unit.npz", x=(bars(seed=5)[0] / 255).astype(np.float32))
    for image in bars(seed=5)[0]:
        write_png(Path("new") / f"{len(list(Path('new').glob('*.png'))):03}.png", image)
    asked = ("--metric", "frechet_distance")
    own = run("evaluate", "bytes.npz", "new.npz", *asked).out
    for real, synthetic in (("bytes.npz", "unit.npz"), ("bytes.npz", "new"), ("floats.npz", "new.npz")):
        outcome = run("evaluate", real, synthetic, *asked)
        assert outcome.code == 0, outcome.err
        assert float(outcome.out) == pytest.approx(float(own), rel=0.02)
    np.savez("far.npz", x=IMAGES * 4.0)
    outcome = run("evaluate", "bytes.npz", "far.npz", *asked)
    assert outcome.code == 2
    assert "(the first: image 1 of far.npz) lie outside the fitted range 0 to 255" in outcome.err


@pytest.mark.parametrize("more", [(), ("--memory-rows", "2")])
def test_what_cannot_be_learned(photos: str, run: Run, more: tuple[str, ...]) -> None:
    for i in range(5):
        write_png(Path(f"same/{i}.png"), IMAGES[0])
        write_png(Path(f"each/{'abcde'[i]}/0.png"), IMAGES[i])
    write_png(Path("one/0.png"), IMAGES[0])
    Path("none").mkdir()
    Path("none/notes.txt").write_text("no image")
    broken = (IMAGES / 255).astype(np.float32)
    broken[17, 2, 2] = np.nan
    np.savez("nan.npz", x=broken)
    for data, words in (
        ("same", "holds 5 images that are all the same: there is nothing to learn"),
        ("each", "each: each of the 5 labels has one image, such as a/0.png; put several into each folder"),
        ("one", "X is a single image; there is nothing to learn"),
        ("none", "none is a folder that holds neither images (.png, .jpg, .jpeg"),
        ("nan.npz", "nan.npz: array 'x': image 18 has missing or infinite pixels"),
    ):
        outcome = run("fit", data, "-o", "m.gensynth", *TOY, *more)
        assert (outcome.code, Path("m.gensynth").exists()) == (2, False)
        assert words in outcome.err
        assert "Traceback" not in outcome.err


def test_labels_that_a_model_knows_and_images_lack(photos: str, run: Run) -> None:
    done(run, "fit", photos, "-o", "m.gensynth", *TOY)
    outcome = run("score", "m.gensynth", "bytes.npz", "-o", "s.csv")
    assert outcome.code == 2
    assert "bytes.npz has no column 'label', which the model was fitted with: put" in outcome.err


def test_labels_that_only_judged_or_only_normal_images_have(photos: str, run: Run) -> None:
    said = done(run, "detect", photos, "--train-on", "bytes.npz", "-o", "found.csv", *TOY)
    assert "column 'label' not in the fitted table: ignored" in said
    assert list(pd.read_csv("found.csv"))[:3] == ["file", "label", "score"]
    outcome = run("detect", "bytes.npz", "--train-on", photos, "-o", "found.csv", *TOY)
    assert outcome.code == 2
    assert "bytes.npz has no column 'label', which the normal images of photos have: put the images" in outcome.err


def test_deep_images_are_learned_and_drawn(run: Run) -> None:
    Path("deep").mkdir()
    for i, image in enumerate(IMAGES):
        Image.fromarray(image.astype(np.uint16) * 16).save(f"deep/{i:03}.png")
    done(run, "fit", "deep", "-o", "m.gensynth", *TOY)
    done(run, "sample", "m.gensynth", "-n", "30", "-o", "drawn.npz")
    with np.load("drawn.npz") as found:
        assert found["x"].dtype == np.uint16
        assert 2_000 < found["x"].max() <= int(IMAGES.max()) * 16
    done(run, "sample", "m.gensynth", "-n", "30", "-o", "drawn/")
    done(run, "score", "m.gensynth", "drawn", "-o", "s.csv")
    done(run, "score", "m.gensynth", "deep", "-o", "own.csv")
    drawn, own = pd.read_csv("s.csv")["score"], pd.read_csv("own.csv")["score"]
    assert drawn.median() > own.quantile(0.05)


def test_judged_images_of_another_size_are_brought_to_that_of_the_normal_ones_if_asked(photos: str, run: Run) -> None:
    Path("large").mkdir()
    for i, image in enumerate(IMAGES[:12]):
        write_png(Path("large/a") / f"{i}.png", np.kron(image, np.ones((2, 2), dtype=np.uint8)))
    asked = ("detect", "large", "--train-on", photos, "-o", "found.csv", *TOY)
    outcome = run(*asked)
    assert outcome.code == 2
    assert "16 x 12 pixels, 1 channel; the fitted ones have 8 x 6" in outcome.err
    assert "--image-size does it" in outcome.err
    done(run, *asked, "--image-size", "8x6")
    assert len(pd.read_csv("found.csv")) == 12
