"""A run that is killed at any moment goes on to the very result of a run that is not."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from command_line import as_process, people, posix
from toy_models import toy_batch
from toy_runs import QUICK, build, same

from gensynth import Trainer

KILLS = 10


def run(path: Path, *, resume: bool, end: Path | None = None) -> None:
    model = build(two_stages=True)
    options = QUICK | {"max_epochs": 300, "patience": 1000}
    Trainer(**options, checkpoint=path).run(model, toy_batch(200), 0, resume=resume)
    if end is not None:
        torch.save(model.state_dict(), end)


@posix
def test_ten_kills_change_nothing(tmp_path):
    began = time.monotonic()
    run(tmp_path / "whole.pt", resume=False, end=tmp_path / "whole.weights")
    seconds = time.monotonic() - began
    path, end = tmp_path / "c.pt", tmp_path / "killed.weights"
    draw, context, kills = random.Random(0), multiprocessing.get_context("fork"), 0
    while not end.exists():
        options = {"resume": path.exists(), "end": end}
        process = context.Process(target=run, args=(path,), kwargs=options)
        process.start()
        if kills < KILLS:
            process.join(draw.uniform(0.01, seconds / 5))
            if process.is_alive():
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
        process.join()
    assert kills == KILLS
    one, other = build(two_stages=True), build(two_stages=True)
    one.load_state_dict(torch.load(tmp_path / "whole.weights"))
    other.load_state_dict(torch.load(end))
    assert same(one, other)


def stamp(path: Path) -> int:
    """When a file was written; 0: never."""
    return path.stat().st_mtime_ns if path.exists() else 0


@posix
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_kills_of_the_command_change_nothing(tmp_path):
    """With a table that does not fit the memory, so that every start encodes it anew."""
    people(3000).to_parquet(tmp_path / "t.parquet", row_group_size=500)
    common = ["fit", str(tmp_path / "t.parquet"), "-m", "vae", "--memory-rows", "500", "--seed", "3"]
    common += ["--set", "trainer.max_epochs=50", "--set", "trainer.patience=999", "--set", "model.hidden=16,16"]

    def words(name: str, *more: str) -> list[str]:
        return as_process(
            *common, "-o", str(tmp_path / f"{name}.gensynth"), "--checkpoint", str(tmp_path / name), *more
        )

    subprocess.run(words("whole"), check=True, capture_output=True)
    draw, kills, path = random.Random(1), 0, tmp_path / "killed"
    while not (tmp_path / "killed.gensynth").exists():
        before = stamp(path)
        process = subprocess.Popen(words("killed", *(["--resume"] if path.exists() else [])), stderr=subprocess.DEVNULL)
        if kills < KILLS:
            if kills % 3:  # once it has got a step further, at any moment after that
                while stamp(path) == before and process.poll() is None:
                    time.sleep(0.01)
            time.sleep(draw.uniform(0, 1))
            kills += process.poll() is None
            process.kill()
        process.wait()
    assert kills == KILLS
    sample = [sys.executable, "-c", "import gensynth, sys; print(gensynth.load(sys.argv[1]).sample(200).to_csv())"]
    drawn = [subprocess.check_output([*sample, str(tmp_path / f"{n}.gensynth")]) for n in ("whole", "killed")]
    assert drawn[0] == drawn[1]
