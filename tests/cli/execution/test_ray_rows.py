"""``--engine ray`` on a local cluster of two processors writes what this process alone writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from command_line import QUICK_DETECTOR, people

from gensynth.cli.row_sources.scores import ScoredRows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_cluster"), pytest.mark.filterwarnings("default")]

RAY = ["--engine", "ray", "--workers", "2"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 50 rows: a table of 120 has three."""
    monkeypatch.setattr(ScoredRows, "block_rows", 50)


@pytest.fixture
def both(run):
    """Run a command here and by workers; return what each of them said, their names for the output taken out."""

    def call(output, *arguments):
        names = {"alone": Path(f"alone{output}"), "workers": Path(f"workers{output}")}
        said = []
        for engine, path in names.items():
            options = RAY if engine == "workers" else []
            done = run(*arguments, "-o", f"{path}{'' if path.suffix else '/'}", *options)
            assert done.code == 0, done.err
            said.append("\n".join(line for line in done.err.splitlines() if not line.startswith("[")))
        here, workers = (text.replace(str(path), "OUT") for text, path in zip(said, names.values(), strict=True))
        return here, workers

    return call


def same(output: str) -> int:
    """Check that both wrote the same, and left nothing else; return in how many files."""
    if output == ".parquet":  # of blocks of other sizes
        here, workers = pq.read_table("alone.parquet"), pq.read_table("workers.parquet")
        assert here.schema.equals(workers.schema, check_metadata=True)
        assert here.equals(workers)
        return 1
    parts = [
        [part.read_bytes() for part in (sorted(path.glob("part-*")) if path.is_dir() else [path])]
        for path in (Path(f"alone{output}"), Path(f"workers{output}"))
    ]
    assert parts[0] == parts[1]
    assert not list(Path().rglob(".*.tmp"))
    return len(parts[0])


@pytest.mark.parametrize(
    ("table", "output", "options"),
    [
        ("good.csv", ".csv", ["--explain"]),
        ("good.parquet", ".parquet", []),
        ("good.csv", ".parquet", []),
        ("good.parquet", "", ["--part-rows", "50"]),
    ],
)
def test_scores(folder, both, table, output, options):
    here, workers = both(output, "score", "m.gensynth", table, *options)
    assert workers == here
    assert same(output) == (3 if not output else 1)


def test_scores_of_a_table_in_several_files_by_a_graph(folder, both, run):
    Path("tables").mkdir()
    for number in range(3):
        people(30, seed=number).to_csv(f"tables/{number}.csv", index=False)
    people(40, seed=9).to_csv("tables/9.csv", index=False)
    assert run("export", "d.gensynth", "--scorer", "d.onnx").code == 0
    here, workers = both(".csv", "score", "d.onnx", "tables")
    assert workers == here
    assert same(".csv") == 1


def test_what_is_wrong_with_rows_is_said_as_ever(folder, run):
    table = people()
    table["since"] = table["since"].astype(str)
    table.loc[70, "since"] = "long ago"
    table.to_parquet("bad.parquet")
    here = run("score", "m.gensynth", "bad.parquet", "-o", "alone.csv")
    workers = run("score", "m.gensynth", "bad.parquet", "-o", "workers.csv", *RAY)
    assert (here.code, workers.code) == (2, 2)
    assert "'since'" in workers.err
    assert "long ago" in workers.err
    assert not Path("workers.csv").exists()


def test_a_part_that_is_missing_is_written_by_resume(folder, both, run):
    both("", "score", "m.gensynth", "good.parquet", "--part-rows", "50")
    notes = json.loads(Path("workers/_gensynth.json").read_text())
    Path("workers/_gensynth.json").write_text(json.dumps({**notes, "finished": False}))
    Path("workers/part-00001.parquet").unlink()
    kept = Path("workers/part-00002.parquet")
    before = kept.stat().st_mtime_ns
    Path("workers/.part-00001.parquet.0.tmp").touch()
    again = ["score", "m.gensynth", "good.parquet", "-o", "workers/", "--part-rows", "50", "--resume"]
    done = run(*again, *RAY)
    assert done.code == 0
    assert "50 rows with scores" in done.err
    assert kept.stat().st_mtime_ns == before
    assert same("") == 3
    assert json.loads(Path("workers/_gensynth.json").read_text())["finished"]


@pytest.mark.parametrize(("output", "options"), [(".parquet", []), ("", ["--part-rows", "60000"])])
def test_samples_of_several_chunks_with_identifiers(folder, both, run, output, options):
    keyed = people(60)[["age", "sex"]].assign(key=[f"K-{7919 * i % 10_000:04}" for i in range(60)])
    keyed.to_csv("keyed.csv", index=False)
    quick = ["-m", "vae", "--set", "trainer.max_epochs=1", "--set", "model.hidden=8", "--seed", "0"]
    assert run("fit", "keyed.csv", "-o", "k.gensynth", "--schema", "key=identifier", *quick).code == 0
    here, workers = both(output, "sample", "k.gensynth", "-n", "140000", "--seed", "4", *options)
    assert workers == here
    assert same(output) == (1 if output else 3)


def test_samples_with_conditions_in_a_csv_file(folder, both):
    here, workers = both(".csv", "sample", "m.gensynth", "-n", "300", "--where", "sex=F", "--where", "age>=30")
    assert workers == here
    assert same(".csv") == 1


@pytest.mark.parametrize(("output", "options"), [(".csv", ["--html", "page.html"]), ("", ["--part-rows", "50"])])
def test_detection(folder, both, monkeypatch, output, options):
    monkeypatch.setattr("gensynth.cli.execution.ray_rows.BATCH_ROWS", 50)
    here, workers = both(output, "detect", "good.csv", *QUICK_DETECTOR, *options)
    assert workers.partition("written in")[0] == here.partition("written in")[0]
    assert same(output) == (1 if output else 3)


def test_a_detection_that_goes_on_tells_of_all_rows(folder, both, run):
    options = ["--part-rows", "50", *QUICK_DETECTOR]
    here, _ = both("", "detect", "good.parquet", *options)
    notes = json.loads(Path("workers/_gensynth.json").read_text())
    Path("workers/_gensynth.json").write_text(json.dumps({**notes, "finished": False}))
    Path("workers/part-00000.parquet").unlink()
    done = run("detect", "good.parquet", "-o", "workers/", *options, "--resume", *RAY)
    assert done.code == 0
    assert done.err.replace("workers", "OUT").partition("written in")[0].endswith(here.partition("written in")[0])
    assert same("") == 3


def test_new_rows_of_augment(folder, run):
    people(60)[["age", "sex"]].to_csv("two.csv", index=False)
    command = ["augment", "two.csv", "--rows", "140000", "--no-check", "--only-synthetic", "-m", "vae", "--seed", "0"]
    command += ["--set", "trainer.max_epochs=1", "--set", "model.hidden=8"]
    for name, engine in (("alone", []), ("workers", RAY)):
        assert run(*command, "-o", f"{name}.parquet", *engine).code == 0
    pd.testing.assert_frame_equal(pd.read_parquet("alone.parquet"), pd.read_parquet("workers.parquet"))


def test_images_are_not_sampled_by_workers(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 255, (20, 8, 8), dtype=np.uint8)
    np.savez("images.npz", x=images)
    quick = ["-m", "vae", "--set", "trainer.max_epochs=1", "--set", "model.hidden=8"]
    assert run("fit", "images.npz", "-o", "i.gensynth", *quick).code == 0
    done = run("sample", "i.gensynth", "-o", "new/", *RAY)
    assert done.code == 2
    assert "--engine are of tables, and the model is of images" in done.err


@pytest.mark.parametrize("command", [["score", "i.gensynth", "images.npz"], ["detect", "images.npz"]])
def test_images_are_not_read_by_workers(tmp_path, monkeypatch, run, command):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 255, (20, 8, 8), dtype=np.uint8)
    np.savez("images.npz", x=images)
    quick = ["-m", "vae", "--set", "trainer.max_epochs=1", "--set", "model.hidden=8"]
    assert run("fit", "images.npz", "-o", "i.gensynth", *quick).code == 0
    done = run(*command, "-o", "out.csv", *RAY)
    assert done.code == 2
    assert re.search(r"--engine ray is for tables, and \S*images.npz holds images; leave out --engine", done.err)
    assert not (tmp_path / "out.csv").exists()
