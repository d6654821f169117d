"""Tables in many files, folders of parts, pipes: the same rows as in one piece, and what a stopped run leaves."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import QUICK, Run, as_process, people

from gensynth.tables import open_table, read_table


def parts(folder: str) -> pd.DataFrame:
    assert [p.name for p in sorted(Path(folder).iterdir()) if p.name.startswith(".")] == []
    return pd.read_parquet(folder)


def split_people(folder: Path, n: int = 3) -> Path:
    """The rows of people in several files of a folder."""
    (folder / "shards").mkdir()
    for i, rows in enumerate(np.array_split(np.arange(len(people())), n)):
        people().iloc[rows].to_parquet(folder / "shards" / f"{i}.parquet", row_group_size=7, index=False)
    return folder / "shards"


def test_scores_of_a_folder_are_those_of_the_table(folder: Path, run: Run) -> None:
    people().to_parquet("whole.parquet", index=False)
    shards = split_people(folder)
    assert run("score", "m.gensynth", "whole.parquet", "-o", "whole_out.parquet").code == 0
    wanted = pd.read_parquet("whole_out.parquet")
    for data in (str(shards), str(shards / "*.parquet")):
        assert run("score", "m.gensynth", data, "-o", "out/", "--part-rows", "11").code == 0
        assert len(list(Path("out").glob("part-*.parquet"))) == -(-len(wanted) // 11)
        pd.testing.assert_frame_equal(parts("out"), wanted, check_exact=True)
        for path in Path("out").iterdir():
            path.unlink()
        Path("out").rmdir()


@pytest.mark.parametrize("command", ["sample m.gensynth -n 60 --seed 3", "score m.gensynth good.csv --explain",
                                     "impute m.gensynth gaps.csv --seed 1"])  # fmt: skip
def test_parts_go_on_where_they_stopped(folder: Path, run: Run, command: str) -> None:
    people().mask(np.random.default_rng(0).random(people().shape) < 0.2).to_csv("gaps.csv", index=False)
    arguments = [*command.split(), "-o", "out/", "--part-rows", "7"]
    assert run(*arguments).code == 0
    wanted = parts("out")
    names = sorted(Path("out").glob("part-*.parquet"))
    assert len(names) > 4
    for path in names[3:]:
        path.unlink()
    notes = json.loads(Path("out/_gensynth.json").read_text())
    Path("out/_gensynth.json").write_text(json.dumps({**notes, "finished": False}))
    Path("out/.part-00003.parquet.abc.tmp").write_bytes(b"half")
    assert "add --resume" in run(*arguments).err
    stamps = [path.stat().st_mtime_ns for path in names[:3]]
    assert run(*arguments, "--resume").code == 0
    pd.testing.assert_frame_equal(parts("out"), wanted, check_exact=True)
    assert [path.stat().st_mtime_ns for path in names[:3]] == stamps
    assert "not empty" in run(*arguments).err
    other = run(*arguments[:-1], "8", "--resume")
    assert other.code == 2
    assert "part rows was 7 and is 8" in other.err


def test_a_killed_stream_goes_on(folder: Path, run: Run) -> None:
    command = ["sample", "m.gensynth", "-n", "3000", "--seed", "5", "-o", "out/", "--part-rows", "20"]
    process = subprocess.Popen(as_process(*command), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while not Path("out/part-00003.parquet").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n = len(list(Path("out").glob("part-*.parquet")))
    if process.returncode == 0:
        pytest.skip("the command was faster than the signal")
    assert 3 < n < 150
    assert run(*command, "--resume").code == 0
    assert run("sample", "m.gensynth", "-n", "3000", "--seed", "5", "-o", "whole.parquet").code == 0
    pd.testing.assert_frame_equal(parts("out"), pd.read_parquet("whole.parquet"), check_exact=True)


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put bytes on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


def test_csv_on_standard_streams(folder: Path, run: Run, standard_input: Callable[[bytes], None]) -> None:
    assert run("score", "m.gensynth", "good.csv", "-o", "out.csv").code == 0
    standard_input(Path("good.csv").read_bytes())
    done = run("score", "m.gensynth", "-", "-o", "-")
    assert done.code == 0
    assert done.out == Path("out.csv").read_text()


def test_commands_stand_in_a_pipe(folder: Path, run: Run) -> None:
    sample = as_process("sample", "m.gensynth", "-n", "40", "--seed", "2", "-o", "-", "--format", "arrow")
    score = as_process("score", "m.gensynth", "-", "-o", "-", "--format", "arrow")
    with subprocess.Popen(sample, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as drawn:
        scored = subprocess.run(score, stdin=drawn.stdout, capture_output=True, check=True)
    with pa.ipc.open_stream(io.BytesIO(scored.stdout)) as reader:
        table = reader.read_all()
    assert run("sample", "m.gensynth", "-n", "40", "--seed", "2", "-o", "s.parquet").code == 0
    assert run("score", "m.gensynth", "s.parquet", "-o", "scored.parquet").code == 0
    assert table.column("score").to_pylist() == pq.read_table("scored.parquet").column("score").to_pylist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("score m.gensynth - -o out.csv", "standard input is empty"),
        ("score m.gensynth - -o out.csv --format arrow", "standard input is empty"),
        ("sample m.gensynth -o out/ --resume", "no parts in out"),
        ("sample m.gensynth -o out.csv --resume", "--resume needs a folder of parts"),
        ("sample m.gensynth -o good.csv/", "good.csv is a file"),
        ("sample m.gensynth -o - --format parquet", "csv or arrow"),
        ("sample m.gensynth -o a/b/", "there is no folder"),
        ("score m.gensynth *.nothing -o out.csv", "no file has a name like"),
        ("score m.gensynth empty -o out.csv", "empty is a folder that holds neither images"),
        ("score m.gensynth empty -o empty/out.csv", "lies in the table that is read"),
        ("score m.gensynth - -o out/ --resume", "which standard input cannot"),
    ],
)
def test_what_cannot_be_read_or_written_is_said(
    folder: Path, run: Run, standard_input: Callable[[bytes], None], arguments: str, message: str
) -> None:
    Path("empty").mkdir(exist_ok=True)
    standard_input(b"")
    done = run(*arguments.split())
    assert done.code == 2
    assert message in done.err
    assert not Path("out").exists()


def test_detect_on_a_folder_is_detect_on_the_table(folder: Path, run: Run) -> None:
    people().to_parquet("whole.parquet", index=False)
    shards = split_people(folder)
    common = ["--seed", "1", "--set", "trainer.max_epochs=2"]
    assert run("detect", "whole.parquet", "-o", "whole_out.parquet", *common).code == 0
    assert run("detect", str(shards), "-o", "out/", "--part-rows", "25", *common).code == 0
    pd.testing.assert_frame_equal(parts("out"), pd.read_parquet("whole_out.parquet"), check_exact=True)
    Path("out/part-00001.parquet").unlink()
    assert "not empty" in run("detect", str(shards), "-o", "out/", "--part-rows", "25", *common).err


def test_a_full_disk_leaves_the_finished_parts(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from gensynth.tables import writer

    true = writer.file_writer

    def fails(path, n_rows):
        if path.name == "part-00002.parquet":
            raise OSError(28, "No space left on device", str(path))
        return true(path, n_rows)

    arguments = ["sample", "m.gensynth", "-n", "40", "--seed", "2", "-o", "out/", "--part-rows", "10"]
    with monkeypatch.context() as full:
        full.setattr(writer, "file_writer", fails)
        outcome = run(*arguments)
    assert outcome.code == 2
    assert "No space left on device; 2 finished parts of out are kept" in outcome.err
    assert "--resume" in outcome.err
    assert run(*arguments, "--resume").code == 0
    assert run("sample", "m.gensynth", "-n", "40", "--seed", "2", "-o", "whole.parquet").code == 0
    pd.testing.assert_frame_equal(parts("out"), pd.read_parquet("whole.parquet"), check_exact=True)


def test_csv_of_many_batches_is_scored_as_in_one(folder: Path) -> None:
    """A file that is too large to be read in one piece; the smallest batches."""
    from gensynth import load

    model = load("m.gensynth")
    table = read_table("good.csv").frame
    wanted = model.score_samples(table)
    stream = open_table("good.csv", in_memory=0)
    for rows in (1, 7, 1000):
        found = [analysis.scores for _, analysis in model.analyse_batches(stream, rows=rows)]
        np.testing.assert_array_equal(np.concatenate(found), wanted)
    np.testing.assert_array_equal(model.score_samples(stream), wanted)


def test_fit_on_a_folder_is_fit_on_the_table(folder: Path, run: Run) -> None:
    people().to_parquet("whole.parquet", index=False)
    shards = split_people(folder)
    for data, name in (("whole.parquet", "a"), (str(shards), "b")):
        assert run("fit", data, "-o", f"{name}.gensynth", *QUICK).code == 0
        assert run("sample", f"{name}.gensynth", "-n", "30", "-o", f"{name}.csv", "--seed", "0").code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    outcome = run("fit", str(shards), "-o", "c.gensynth", "--memory-rows", "50", *QUICK)
    assert outcome.code == 0
    assert "120 rows, 6 columns" in outcome.err
    assert run("sample", "c.gensynth", "-n", "30", "-o", "c.csv").code == 0


@pytest.mark.parametrize("data", ["shards", "shards/*.parquet"])
def test_a_file_that_is_read_is_not_written(folder: Path, run: Run, data: str) -> None:
    shards = split_people(folder)
    before = {path: path.read_bytes() for path in shards.iterdir()}
    for command in (("score", "m.gensynth", data), ("augment", data), ("fit", data, "--checkpoint")):
        out = "shards/0.parquet"
        end = ("-o", out) if command[0] != "fit" else (out, "-o", "new.gensynth")
        done = run(*command, *end, *([] if command[0] == "score" else QUICK))
        assert done.code == 2
        assert "0.parquet" in done.err
    assert {path: path.read_bytes() for path in shards.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("sample m.gensynth -n 5 -o s.csv --format arrow", "--format"),
        ("sample m.gensynth -n 5 -o s.csv --part-rows 2", "--part-rows"),
        ("fit good.csv -o f.gensynth --format csv", "--format"),
        ("detect good.csv -o - --json", "--json"),
    ],
)
def test_options_that_would_do_nothing_are_refused(folder: Path, run: Run, options: str, named: str) -> None:
    done = run(*options.split())
    assert done.code == 2
    assert named in done.err
    assert not Path("s.csv").exists()


@pytest.mark.parametrize("command", ["sample m.gensynth -n 60", "score m.gensynth good.csv", "detect good.csv"])
def test_more_parts_than_names_put_in_order_are_refused(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("gensynth.cli.output.tables._MAX_PARTS", 3)
    n = 60 if "60" in command else len(people())
    done = run(*command.split(), "-o", "out/", "--part-rows", "7")
    assert done.code == 2
    assert f"--part-rows 7: {n} rows would be more than 3 parts; give at least {-(-n // 3)}" in done.err
    assert not Path("out").exists()


def test_detect_that_cannot_go_on_says_so_before_it_trains(folder: Path, run: Run) -> None:
    split_people(folder)
    first = ("detect", "shards", "-o", "out/", "--part-rows", "9", *QUICK)
    assert run(*first).code == 0
    for path in sorted(Path("out").glob("part-*.parquet"))[2:]:
        path.unlink()
    notes = json.loads(Path("out/_gensynth.json").read_text())
    Path("out/_gensynth.json").write_text(json.dumps({**notes, "finished": False}))
    for options, named in ((("--part-rows", "8"), "part rows"), (("--max-time", "3"), "time")):
        done = run("detect", "shards", "-o", "out/", "--resume", *QUICK, *options)
        assert done.code == 2
        assert named in done.err
    Path("out/_gensynth.json").write_text('{"a": 1}')
    done = run("detect", "shards", "-o", "out/", "--resume", *QUICK)
    assert done.code == 2
    assert "_gensynth.json" in done.err


def test_words_read_as_missing_are_told_of_a_folder_too(folder: Path, run: Run) -> None:
    Path("words").mkdir()
    rows = pd.DataFrame({"x": range(30), "kind": ["NA", "yes", "no"] * 10})
    for i in range(2):
        rows.to_csv(f"words/{i}.csv", index=False)
    done = run("fit", "words", "-o", "words.gensynth", *QUICK)
    assert done.code == 0
    assert "read as missing values in the column 'kind' (NA)" in done.err


def test_drift_takes_declared_categories_for_categories(folder: Path, run: Run) -> None:
    rows = pd.DataFrame({"zip": np.arange(200) % 7, "x": np.arange(200.0)})
    rows.to_csv("zips.csv", index=False)
    done = run("drift", "zips.csv", "zips.csv", "--schema", "zip=categorical", "--json", "-q")
    assert done.code == 0
    assert {c["column"]: c["test"] for c in json.loads(done.out)["columns"]}["zip"] == "chi-squared"
