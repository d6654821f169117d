"""Other generators, run in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from bench_sets import DataSet

PEERS = {"ctgan": "ctgan", "tvae": "ctgan", "argn": "mostlyai.engine"}
"""Names of the peers, and the module each lives in."""
FLOOR = "bootstrap"
"""Rows of the set drawn with replacement: no generator, the floor of what can be measured."""


def reason_to_skip(peer: str, python: Path | None) -> str | None:
    """Return why a peer cannot be run, or None."""
    if peer not in (*PEERS, FLOOR):
        return f"unknown; there are {', '.join((*PEERS, FLOOR))}"
    if peer == FLOOR:
        return None
    if python is None:
        return "no --peer-python"
    if not python.exists():
        return f"there is no {python}"
    found = subprocess.run([str(python), "-c", f"import {PEERS[peer]}"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        last = found.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"{python} cannot import {PEERS[peer]}: {last[0]}"
    return None


def run_peer(
    peer: str, data: DataSet, n: int, python: Path | None, *, epochs: int, threads: int, seed: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a sample of n rows and fit_wall, fit_cpu, sample_wall in seconds."""
    if peer == FLOOR:
        sample = data.train.sample(n, replace=True, random_state=seed, ignore_index=True)
        return sample, {"fit_wall": 0.0, "fit_cpu": 0.0, "sample_wall": None}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data.train.to_parquet(folder / "train.parquet")
        runner = Path(__file__).with_name("peer_runner.py")
        command = [str(python), str(runner), peer, str(folder / "train.parquet"), name, "--target", data.target]
        command += ["--epochs", str(epochs), "--samples", str(n), "--threads", str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=name)
        if done.returncode != 0:
            raise SystemExit(f"{peer} on {data.name} failed:\n{done.stderr[-2000:]}")
        return pd.read_parquet(folder / "sample.parquet"), json.loads((folder / "times.json").read_text())
