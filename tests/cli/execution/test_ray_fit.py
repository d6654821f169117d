"""``gensynth fit --engine ray``: workers of a local cluster train what ``torchrun`` trains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import QUICK, as_process, people, posix

from gensynth.cli.commands.fit import fit
from gensynth.cli.execution.ray_fit import _Fit

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


def test_a_worker_of_more_threads_than_its_machine_has_processors_says_so():
    said = _Fit(fit, {"quiet": False, "threads": 10_000})()
    assert said.code == 2
    assert said.err.startswith("error: --threads 10000 is more than")


@posix
def test_ctrl_c_ends_workers_and_leaves_nothing_but_the_checkpoint(folder):
    import ray

    settings = ["-m", "vae", "--set", "trainer.max_epochs=100000", "--set", "trainer.patience=100000"]
    command = as_process("fit", "good.csv", "-o", "x.gensynth", *settings, *RAY, "--checkpoint", "x.ckpt")
    address = ray.get_runtime_context().gcs_address
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "RAY_ADDRESS": address}
    before = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command[2] = before + command[2]  # where the tests run in the background it is ignored
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(1500):
            if Path("x.ckpt").exists() or process.poll() is not None:
                break
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=200)[1]
    assert Path("x.ckpt").exists(), said
    assert process.returncode == 130
    assert "error: interrupted; no file was left half written" in said
    assert not Path("x.gensynth").exists()
    assert not list(Path().glob(".ray-*"))
