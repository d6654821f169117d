"""``gensynth fit --engine ray``: workers of a local cluster train what ``torchrun`` trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import QUICK, people

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_cluster"), pytest.mark.filterwarnings("default")]

RAY = ["--engine", "ray", "--workers", "2"]


def test_workers_train_what_torchrun_trains(folder, run):
    quick = [*QUICK, "--set", "trainer.batch_size=32"]
    done = run("fit", "good.csv", "-o", "ray.gensynth", *quick, *RAY, "--checkpoint", "ray.ckpt", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["rows"] == len(people())
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "gensynth",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "GLOO_SOCKET_IFNAME": "lo"}
    command = [*torchrun, "fit", "good.csv", "-o", "torchrun.gensynth", *quick]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=200)
    assert Path("ray.gensynth").read_bytes() == Path("torchrun.gensynth").read_bytes()
    assert Path("ray.ckpt").exists()
    assert not list(Path().glob(".ray-*"))


def test_what_all_workers_meet_is_said_once(folder, run):
    done = run("fit", "onerow.csv", "-o", "x.gensynth", *QUICK, *RAY)
    assert done.code == 2
    assert done.err.count("error:") == 1
    assert "fitting needs at least 2" in done.err
    assert not Path("x.gensynth").exists()


def test_more_workers_than_there_is_room_for(folder, run):
    done = run("fit", "good.csv", "-o", "x.gensynth", "--engine", "ray", "--workers", "3")
    assert done.code == 2
    assert "room for 2 of the 3 workers" in done.err
