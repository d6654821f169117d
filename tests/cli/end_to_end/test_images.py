"""Images through the command line, by a toy model of them: folders and archives in, pictures and tables out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import QUICK, Run, people
from image_files import write_png
from PIL import Image
from toy_image_recipe import ToyImages, bars, image_registry

from gensynth.registry import default_registry
from gensynth.tables.images import read_images

TOY = ("-m", "toy-images", "--set", "trainer.max_epochs=12", "--set", "trainer.batch_size=32", "--seed", "0")


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Register the toy model beside the installed ones; work in an empty folder."""
    registry = default_registry()
    monkeypatch.setattr(registry, "_models", [*registry.models(), *image_registry().models()])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of images in three classes, one of them damaged."""
    images, labels = bars()
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        write_png(tmp_path / "photos" / "abc"[label] / f"{i:03}.png", image)
    return Path("photos")


def size_of(path: str | Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def fitted(run: Run, data: object, *more: str) -> None:
    outcome = run("fit", str(data), "-o", "m.gensynth", *TOY, *more)
    assert outcome.code == 0, outcome.err


def test_fit_and_sample(photos: Path, run: Run) -> None:
    outcome = run("fit", str(photos), "-o", "m.gensynth", *TOY, "--target", "label")
    assert outcome.code == 0, outcome.err
    assert "120 images, 6 wide and 8 high, grey" in outcome.err
    assert "image (uint8, 8 x 6 pixels, 1 channel, 256 levels)" in run("info", "m.gensynth").out
    assert run("sample", "m.gensynth", "-n", "9", "--grid", "g.png", "--seed", "1").code == 0
    assert size_of("g.png")[1] == 16 + 3 * (56 + 4) - 4  # a row for each class
    outcome = run("sample", "m.gensynth", "-n", "40", "-o", "out/", "--seed", "1")
    assert "40 synthetic images written to out" in outcome.err
    found = read_images("out")
    assert set(found.frame["label"]) == {"a", "b", "c"}
    for label, row in (("a", 1), ("b", 3), ("c", 5)):
        mean = np.stack(found.frame.loc[found.frame["label"] == label, "image"].tolist()).mean((0, 2))
        assert mean.argmax() == row
    assert run("sample", "m.gensynth", "-n", "7", "--where", "label=b", "-o", "b.npz", "--grid", "b.png").code == 0
    with np.load("b.npz") as drawn:
        assert (drawn["x"].shape, drawn["x"].dtype, set(drawn["y"])) == ((7, 8, 6), np.uint8, {"b"})
    fitted(run, "out")  # what was drawn is DATA again
    fitted(run, "b.npz")


def test_sampled_images_are_the_same_by_seed(photos: Path, run: Run) -> None:
    fitted(run, photos)
    for name in ("one.npz", "two.npz"):
        assert run("sample", "m.gensynth", "-n", "5", "--seed", "4", "-o", name).code == 0
    assert Path("one.npz").read_bytes() == Path("two.npz").read_bytes()


def test_a_training_that_is_watched(photos: Path, run: Run) -> None:
    fitted(run, photos, "--save-progress", "progress")
    names = {path.name for path in Path("progress").iterdir()}
    assert {"latest.png", "history.csv"} <= names
    assert len(pd.read_csv("progress/history.csv")) == sum(name.startswith("images-") for name in names)
    assert run("sample", "m.gensynth", "-n", "5", "--seed", "4", "-o", "watched.npz").code == 0
    fitted(run, photos)
    assert run("sample", "m.gensynth", "-n", "5", "--seed", "4", "-o", "alone.npz").code == 0
    assert Path("watched.npz").read_bytes() == Path("alone.npz").read_bytes()


def test_scores_are_by_file(photos: Path, run: Run) -> None:
    fitted(run, photos)
    odd = write_png(photos / "a" / "odd.png", np.full((16, 12), 255, dtype=np.uint8))  # twice the size
    outcome = run("score", "m.gensynth", str(photos), "-o", "s.csv")
    assert outcome.code == 0, outcome.err
    table = pd.read_csv("s.csv")
    assert table.columns.tolist() == ["file", "label", "score"]
    assert len(table) == 121
    assert table["file"].iloc[int(table["score"].argmin())] == f"a/{odd.name}"


def test_anomalies_are_shown_with_maps(photos: Path, run: Run) -> None:
    image, _ = bars(1)
    image[0, :4, :3] = 255
    write_png(photos / "c" / "odd.png", image[0])
    arguments = ["-o", "f.csv", "--html", "f.html", "--save", "d.gensynth", "--contamination", "0.02"]
    outcome = run("detect", str(photos), *arguments, *TOY)
    assert outcome.code == 0, outcome.err
    assert "c/odd.png" in outcome.err
    table = pd.read_csv("f.csv")
    assert table.columns.tolist() == ["file", "label", "score", "p_value", "anomaly", "reason"]
    lowest = int(table["score"].argmin())
    assert (table["file"].iloc[lowest], bool(table["anomaly"].iloc[lowest])) == ("c/odd.png", True)
    page = Path("f.html").read_text()
    assert page.count("data:image/png;base64,") == 50
    assert "Beside each image is a copy with the anomaly map" in page
    assert run("score", "d.gensynth", str(photos), "-o", "again.csv").code == 0
    assert np.allclose(pd.read_csv("again.csv")["score"], table["score"])


def test_damaged_images(photos: Path, run: Run) -> None:
    (photos / "b" / "bad.png").write_text("no image")
    outcome = run("fit", str(photos), "-o", "m.gensynth", *TOY)
    assert (outcome.code, "bad.png" in outcome.err, "--skip-bad" in outcome.err) == (2, True, True)
    fitted(run, photos, "--skip-bad")
    outcome = run("fit", str(photos), "-o", "m.gensynth", *TOY, "--skip-bad", "--target", "kind")
    assert (outcome.code, "columns: image, label" in outcome.err) == (2, True)


def test_a_family_of_tables_is_refused_before_files_are_read(
    photos: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "b" / "bad.png").write_text("no image")
    monkeypatch.setattr(ToyImages, "able", frozenset({"sample", "score"}))
    outcome = run("fit", str(photos), "-o", "m.gensynth", *TOY)
    assert outcome.code == 2
    assert "learn images" in outcome.err
    assert "bad.png" not in outcome.err


def test_outputs_that_do_not_fit_the_model(photos: Path, run: Run) -> None:
    fitted(run, photos)
    people().to_csv("people.csv", index=False)
    assert run("fit", "people.csv", "-o", "t.gensynth", *QUICK).code == 0
    for arguments, words in (
        (["m.gensynth", "-o", "x.csv"], "the model is of images"),
        (["m.gensynth", "-o", "x/", "--part-rows", "5"], "--part-rows, --resume, --format and --engine are of tables"),
        (["m.gensynth"], "nothing to write"),
        (["t.gensynth", "--grid", "x.png"], "is a model of a table"),
        (["t.gensynth", "-o", "x.npz"], "is a model of a table"),
    ):
        outcome = run("sample", *arguments)
        assert (outcome.code, words in outcome.err) == (2, True), outcome.err
    outcome = run("fit", "people.csv", "-o", "t.gensynth", *QUICK, "--save-progress", "progress")
    assert (outcome.code, "--save-progress draws images" in outcome.err) == (2, True)
    assert not Path("progress").exists()


def test_a_saved_detector_scores_images_of_another_size(photos: Path, run: Run) -> None:
    outcome = run("detect", str(photos), *TOY, "-o", "found.csv", "--save", "d.gensynth")
    assert outcome.code == 0, outcome.err
    for file in photos.rglob("*.png"):
        with Image.open(file) as image:
            larger = image.resize((12, 16))
        larger.save(file)
    outcome = run("score", "d.gensynth", str(photos), "-o", "scores.csv")
    assert outcome.code == 0, outcome.err
    assert len(pd.read_csv("scores.csv")) == len(pd.read_csv("found.csv"))


def test_augmented_images_are_marked_and_evaluated(photos: Path, run: Run) -> None:
    for path in sorted((photos / "a").iterdir())[20:]:
        path.unlink()
    arguments = ["--balance", "--target", "label", *TOY]
    outcome = run("augment", str(photos), "-o", "out/", "--report", "r.html", *arguments)
    assert outcome.code == 0, outcome.err
    assert "evaluated: " in outcome.err
    assert Path("r.html").read_text().count("data:image/png;base64,") == 4
    assert "a linear model on pixels" in outcome.err
    rows = pd.read_csv("out/rows.csv")
    assert len(set(rows.groupby("label").size())) == 1
    assert rows["_synthetic"].sum() == len(rows) - sum(len(list(f.iterdir())) for f in photos.iterdir())
    assert run("augment", str(photos), "-o", "out.npz", "--rows", "40", "--no-check", *TOY).code == 0
    with np.load("out.npz") as drawn:
        assert drawn["_synthetic"].sum() == 40
    for source in ("out/", "out.npz"):
        outcome = run("evaluate", str(photos), source, "--target", "label", "--html", "p.html", "--json", "e.json")
        assert outcome.code == 0, outcome.err
        assert "that its column '_synthetic' marks" in outcome.err
        assert "frechet_distance" in outcome.out
        assert Path("p.html").read_text().count("data:image/png;base64,") == 4


def test_evaluated_files_are_brought_to_the_range_of_the_real_images(run: Run) -> None:
    fitted(run, "digits", "--target", "label")
    assert run("sample", "m.gensynth", "-n", "60", "--seed", "1", "-o", "drawn/").code == 0
    assert run("sample", "m.gensynth", "-n", "60", "--seed", "1", "-o", "drawn.npz").code == 0
    found = [run("evaluate", "digits", one, "--metric", "frechet_distance").out for one in ("drawn/", "drawn.npz")]
    assert float(found[0]) == pytest.approx(float(found[1]), rel=0.2)  # other images are drawn for the measure


def test_images_of_tables_are_refused_where_they_are_none(run: Run, tmp_path: Path) -> None:
    people().to_csv("people.csv", index=False)
    outcome = run("evaluate", "people.csv", "people.csv", "--image-size", "8")
    assert (outcome.code, "--image-size is of images" in outcome.err) == (2, True)
    outcome = run("augment", "people.csv", "-o", "out/", "--rows", "10")
    assert (outcome.code, "is for images" in outcome.err) == (2, True)


def test_nothing_to_add_leaves_no_image_to_write(photos: Path, run: Run) -> None:
    for path in photos.iterdir():
        for file in sorted(path.iterdir())[10:]:
            file.unlink()
    for output in ("out/", "out.npz"):
        arguments = ["--balance", "--target", "label", "--only-synthetic", *TOY]
        outcome = run("augment", str(photos), "-o", output, *arguments)
        assert (outcome.code, "there was nothing to add" in outcome.err) == (2, True)
        assert not Path(output).exists()


def test_files_of_a_few_grey_values_are_compared_as_they_are_and_come_back_unchanged(run: Run, tmp_path: Path) -> None:
    """Masks of zeros and ones, whose files are nearly black."""
    images = (bars(120)[0] > 127).astype(np.uint8)
    for i, image in enumerate(images):
        write_png(tmp_path / ("one" if i % 2 else "other") / f"{i:03}.png", image)
    found = [float(run("evaluate", "one", name, "--metric", "frechet_distance").out) for name in ("other", "one")]
    assert found[0] < 0.5
    assert found[1] == pytest.approx(0, abs=1e-3)
    outcome = run("augment", "one", "-o", "out/", "--rows", "20", "--no-check", *TOY)
    assert outcome.code == 0, outcome.err
    drawn = np.stack(read_images("out").frame["image"].tolist())
    assert np.array_equal(drawn[:60], images[1::2])
    assert drawn.max() == 1


def test_held_out_files_are_brought_to_the_range_and_the_labels_of_the_real_images(run: Run, tmp_path: Path) -> None:
    images, labels = bars(200)
    np.savez("real.npz", x=(images[labels < 2] / 255).astype(np.float32)[15:], y=labels[labels < 2][15:])
    for i in np.flatnonzero(labels < 2):
        write_png(tmp_path / "held" / str(labels[i]) / f"{i:03}.png", images[i])
    with np.load("real.npz") as real:
        rarer = np.flatnonzero(real["y"] == 1)[:25]
        kept = np.concatenate([np.flatnonzero(real["y"] == 0), rarer])
        np.savez("real.npz", x=real["x"][kept], y=real["y"][kept])
    arguments = ["--balance", "--target", "label", "--no-check", "--report", "r.html", "--holdout", "held", *TOY]
    outcome = run("augment", "real.npz", "-o", "out.npz", *arguments)
    assert outcome.code == 0, outcome.err
    assert "of held, which the model did not see" in Path("r.html").read_text()


def test_compared_models_show_the_distance_of_their_images(photos: Path, run: Run) -> None:
    outcome = run("compare", str(photos), "-m", "toy-images", "--set", "trainer.max_epochs=2")
    assert outcome.code == 0, outcome.err
    assert "Frechet" in outcome.out


@pytest.mark.parametrize(
    "command",
    [
        ["augment", "photos", "-o", "out/", "--rows", "30"],
        ["augment", "photos", "-o", "out/", "--balance", "--report", "r.html"],
        ["evaluate", "photos", "photos"],
        ["compare", "photos", "-m", "toy-images"],
    ],
)
def test_images_are_no_target(photos: Path, run: Run, command: list[str]) -> None:
    outcome = run(*command, "--target", "image")
    assert (outcome.code, "target 'image' holds images, not classes or numbers" in outcome.err) == (2, True)
    assert not Path("out").exists()
