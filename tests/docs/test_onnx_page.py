"""The consumers of docs/onnx.md are those in the tree, and give the scores that gensynth gives."""

from __future__ import annotations

import decimal
import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import onnx
import pandas as pd
import pytest
from environments import ROOT
from toy_image_recipe import QUICK, ToyImages, bars
from toy_image_recipe import synthesizer as synthesizer_of_images
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.export.columns import ports_of

EXAMPLES = ROOT / "docs" / "examples" / "onnx"
SPARK = ROOT / "docs" / "examples" / "spark" / "score_rows.py"


def test_the_page_shows_the_examples():
    page = (ROOT / "docs" / "onnx.md").read_text("utf-8")
    names = ("score_csv.py", "score.cjs", "score_images.py", "draw_images.py")
    for path in (*(EXAMPLES / name for name in names), SPARK):
        assert path.read_text("utf-8") in page


@pytest.fixture
def exported(tmp_path):
    """Return a folder with a scorer, rows and their scores."""
    rng = np.random.default_rng(0)
    n = 40
    rows = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n).round(3)),
            "visits": rng.integers(0, 9, n),
            "sex": pd.Series(rng.choice(["F", "M"], n)).mask(rng.random(n) < 0.2),
            "member": rng.random(n) < 0.5,
            "some": pd.Series(rng.random(n) < 0.5, dtype=object).mask(rng.random(n) < 0.2),
            "price": pd.Series(rng.integers(1, 90, n).astype(str)).mask(rng.random(n) < 0.3, "unknown"),
            "paid": [decimal.Decimal(int(v)).scaleb(-2) for v in rng.integers(10**16, 10**17, n)],
            "exact": pd.Series(pd.to_datetime(rng.integers(10**18, 10**18 + 10**12, n), unit="ns")),
            "since": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="h")),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(Toy(), trainer=Trainer(max_epochs=1, progress=False), random_state=0).fit(rows)
    assert {"special", "ticks", "moment", "truth", "text", "number"} == {
        port.holds for port in ports_of(fitted.encoder_, tuple(fitted.encoder_.columns), "-")
    }
    fitted.to_onnx(tmp_path / "scorer.onnx", check=0)
    rows.loc[3, "sex"] = "X"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    written = rows.assign(
        paid=rows["paid"].astype(str), since=rows["since"].astype(str), exact=rows["exact"].astype(str)
    )
    written.to_json(tmp_path / "rows.json", orient="records")
    properties = {p.key: json.loads(p.value) for p in onnx.load(tmp_path / "scorer.onnx").metadata_props}
    (tmp_path / "properties.json").write_text(json.dumps(properties))
    return tmp_path, fitted.score_samples(rows)


def by_python(folder):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    command = [sys.executable, str(EXAMPLES / "score_csv.py"), "scorer.onnx", "rows.csv"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def by_node(folder):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, str(EXAMPLES / "score.cjs"), "scorer.onnx", "rows.json", "properties.json"]
    zone = {**os.environ, "TZ": "America/New_York"}  # dates do not hang on where the example runs
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False, env=zone)
    if "Cannot find module 'onnxruntime-node'" in done.stderr:
        pytest.skip("onnxruntime-node is not installed where node looks for it (NODE_PATH)")
    return done


def test_onnxruntime_and_numpy(exported):
    folder, wanted = exported
    done = by_python(folder)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose([float(line) for line in done.stdout.split()], wanted, rtol=1e-8)


def test_node(exported):
    folder, wanted = exported
    done = by_node(folder)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), wanted, rtol=1e-8)


UNREADABLE = {
    "member": ["", "maybe"],
    "size": ["1,5", "much"],
    "visits": ["2.5"],
    "since": ["31/01/2020", "2020", "20200131", "2020-01-31 12:00:00+01:00"],
    "price": ["none at all"],
    "sex": ["<missing>"],
}


@pytest.mark.parametrize(("column", "text"), [(name, text) for name, texts in UNREADABLE.items() for text in texts])
def test_what_an_example_cannot_read_it_refuses(exported, column, text):
    folder, _ = exported
    rows = pd.read_csv(folder / "rows.csv", dtype=str, keep_default_na=False).head(2)
    rows.loc[1, column] = text
    rows.to_csv(folder / "rows.csv", index=False)
    lines = json.loads((folder / "rows.json").read_text())[:2]
    lines[1][column] = text or None
    (folder / "rows.json").write_text(json.dumps(lines))
    for run in (by_python, by_node):
        done = run(folder)
        assert done.returncode != 0
        assert not done.stdout
        assert column in done.stderr
        assert "row 1" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_spark(tmp_path):
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "size": np.where(rng.random(40) < 0.2, np.nan, rng.normal(size=40).round(3)),
            "sex": pd.Series(rng.choice(["F", "M"], 40)).mask(rng.random(40) < 0.2),
            "member": rng.random(40) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 40), unit="h"),
        }
    ).astype({"since": "datetime64[us]"})
    fitted = Synthesizer(Toy(), trainer=Trainer(max_epochs=1, progress=False), random_state=0).fit(rows)
    fitted.to_onnx(tmp_path / "scorer.onnx", check=0)
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": "--master local[1] --conf spark.ui.enabled=false pyspark-shell",
    }
    command = [sys.executable, str(SPARK), "scorer.onnx", "rows.parquet", "scored.parquet"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    assert list(scored.columns) == [*rows.columns, "score"]
    np.testing.assert_allclose(scored["score"], fitted.score_samples(rows), rtol=1e-8)


def by_example(name, folder, *arguments):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("flat", [False, True])
def test_images_are_scored_with_onnxruntime_and_numpy(tmp_path, flat):
    images = bars()[0].reshape(120, -1) if flat else bars()[0]
    fitted = synthesizer_of_images(image_shape=(8, 6) if flat else None).fit(images)
    fitted.to_onnx(tmp_path / "scorer.onnx", check=0)
    np.save(tmp_path / "images.npy", images[:70])
    done = by_example("score_images.py", tmp_path, "scorer.onnx", "images.npy", "maps.npy")
    assert (done.returncode, done.stderr) == (0, "")
    scores = [float(line) for line in done.stdout.split()]
    np.testing.assert_allclose(scores, fitted.score_samples(images[:70]), rtol=1e-5)
    np.testing.assert_allclose(np.load(tmp_path / "maps.npy"), fitted.score_maps(images[:70]), rtol=1e-4, atol=1e-5)
    for bad, words in (
        (images[:2, 1:], "expected (n, "),
        (images[:2].astype(np.float32), "the images have dtype float32 or missing pixels"),
        (images[:0], "the array has shape (0, "),
    ):
        np.save(tmp_path / "images.npy", bad)
        done = by_example("score_images.py", tmp_path, "scorer.onnx", "images.npy")
        assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_images_are_drawn_with_onnxruntime_and_numpy(tmp_path):
    class GivenFirst(ToyImages):
        capabilities = frozenset({"sample", "conditional-on-fitted", "score", "images"})

    images, labels = bars()
    names = np.array(["low", "middle", "high"])[labels]
    fitted = Synthesizer(GivenFirst(), trainer=QUICK, condition_on="label", random_state=0).fit(images, names)
    fitted.to_onnx(sampler=tmp_path / "sampler.onnx", check=0)
    done = by_example("draw_images.py", tmp_path, "sampler.onnx", "9", "images.npy", "label=high")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["label", *["high"] * 9]
    drawn = np.load(tmp_path / "images.npy")
    assert (drawn.shape, drawn.dtype) == ((9, 8, 6), np.uint8)
    assert (drawn.mean(2).argmax(1) == 5).all()
    done = by_example("draw_images.py", tmp_path, "sampler.onnx", "9", "images.npy")
    assert (done.returncode, "add label=VALUE" in done.stderr) == (1, True)
    for bad, words in (("label=7", "label=7 is not fitted; categories: "), ("size=1", "add label=VALUE")):
        done = by_example("draw_images.py", tmp_path, "sampler.onnx", "9", "images.npy", bad)
        assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (1, True, False)
