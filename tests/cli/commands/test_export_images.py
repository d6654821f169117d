"""``gensynth export`` of models of images, and ``gensynth score`` of folders and archives by what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from command_line import Run
from image_files import write_png
from PIL import Image
from toy_image_recipe import bars, image_registry

from gensynth.errors import ExportError
from gensynth.registry import default_registry

TOY = ("-m", "toy-images", "--set", "trainer.max_epochs=4", "--set", "trainer.batch_size=32", "--seed", "0")


@pytest.fixture(autouse=True)
def photos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Register the toy model; work beside a folder of images in three classes."""
    registry = default_registry()
    monkeypatch.setattr(registry, "_models", [*registry.models(), *image_registry().models()])
    monkeypatch.chdir(tmp_path)
    images, labels = bars(60)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        write_png(tmp_path / "photos" / "abc"[label] / f"{i:03}.png", image)
    return Path("photos")


def done(run: Run, *arguments: str) -> str:
    """Run a command that works; return what it said."""
    outcome = run(*arguments)
    assert outcome.code == 0, outcome.err
    return outcome.err


def test_a_folder_is_scored_by_a_graph(photos: Path, run: Run) -> None:
    done(run, "fit", "photos", "-o", "m.gensynth", "--target", "label", *TOY)
    said = done(run, "export", "m.gensynth", "--scorer", "m.onnx", "--sampler", "p.onnx", "--check", "50")
    assert "scorer written to m.onnx; the largest difference in 50 rows is" in said
    assert "sampler written to p.onnx; 0.0e+00 of the cells of 50 rows differ" in said
    assert [one.name for one in onnx.load("p.onnx").graph.output] == ["label_", "image"]
    for file in photos.rglob("*.png"):  # of another size than the model has seen
        with Image.open(file) as image:
            larger = image.resize((12, 16))
        larger.save(file)
    for model in ("m.onnx", "m.gensynth"):
        done(run, "score", model, "photos", "-o", f"{model}.csv")
    graph, python = pd.read_csv("m.onnx.csv"), pd.read_csv("m.gensynth.csv")
    assert list(graph) == list(python) == ["file", "label", "score"]
    assert graph["file"].equals(python["file"])
    np.testing.assert_allclose(graph["score"], python["score"], rtol=1e-4)


def test_an_archive_is_scored_by_the_graph_of_a_detector(run: Run) -> None:
    images = bars(80, 1)[0].astype(np.float32) / np.float32(255)
    np.savez("real.npz", x=images)
    done(run, "detect", "real.npz", "-o", "found.csv", "--save", "d.gensynth", *TOY)
    done(run, "export", "d.gensynth", "--scorer", "d.onnx", "--check", "50")
    done(run, "score", "d.onnx", "real.npz", "-o", "scores.csv")
    scores, found = pd.read_csv("scores.csv"), pd.read_csv("found.csv")
    assert list(scores) == ["number", "score", "p_value", "anomaly"]
    wanted = found.set_index("number").loc[scores["number"]]
    np.testing.assert_allclose(scores["score"], wanted["score"], rtol=1e-3, atol=1e-4)


def test_bad_input(run: Run, tmp_path: Path) -> None:
    done(run, "fit", "photos", "-o", "m.gensynth", "--target", "label", *TOY)
    done(run, "export", "m.gensynth", "--scorer", "m.onnx", "--check", "0")
    np.savez("unlabelled.npz", x=bars(5)[0])
    np.savez("empty.npz", x=np.full((5, 8, 6), np.nan), y=np.array(list("abcab")))
    np.savez("unit.npz", x=np.full((5, 8, 6), 9000.0), y=np.array(list("abcab")))
    (tmp_path / "damaged" / "a").mkdir(parents=True)
    (tmp_path / "damaged" / "a" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    pd.DataFrame({"label": ["a", "b"], "x": [1, 2]}).to_csv("table.csv", index=False)
    before = sorted(tmp_path.iterdir())
    for line, words in {
        "score m.onnx unlabelled.npz -o out.csv": "has no column 'label', which the model was fitted with",
        "score m.onnx empty.npz -o out.csv": "missing or infinite pixels",
        "score m.onnx unit.npz -o out.csv": "scale the new images as the fitted ones were",
        "score m.onnx damaged -o out.csv": "1.png",
        "score m.onnx table.csv -o out.csv": "lacks the column 'image'",
        "score m.onnx photos -o out.csv --explain": "holds one score and no reasons",
        "export m.gensynth --scorer s.onnx --method magic": "--method magic is unknown",
    }.items():
        outcome = run(*line.split())
        assert (outcome.code, words in outcome.err) == (2, True), outcome.err
        assert "Traceback" not in outcome.err
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_written_unless_all_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done(run, "fit", "photos", "-o", "m.gensynth", *TOY)

    def fails(*_: object) -> None:
        raise ExportError("the graph is wrong")

    monkeypatch.setattr("gensynth.export.write.check_sampler", fails)
    outcome = run("export", "m.gensynth", "--scorer", "m.onnx", "--sampler", "p.onnx", "--check", "20")
    assert (outcome.code, "the graph is wrong" in outcome.err) == (2, True)
    assert not list(Path().glob("*.onnx"))
