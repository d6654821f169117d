"""Other generators: simple ones here, the others in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from bench_cart import sample_cart
from bench_sets import DataSet
from bench_smote import sample_smote

PEERS = {"ctgan": "ctgan", "tvae": "ctgan", "argn": "mostlyai.engine", "arf": "arfpy"}
"""Names of the peers, and the module each lives in."""
SIMPLE: dict[str, Callable[[DataSet, int, int], pd.DataFrame]] = {
    "bootstrap": lambda data, n, seed: data.train.sample(n, replace=True, random_state=seed, ignore_index=True),
    "cart": lambda data, n, seed: sample_cart(data.train, n, seed=seed),
    "smote": lambda data, n, seed: sample_smote(data.train, data.target, n, seed=seed),
}
"""What needs no other environment, as functions of a set, a number of rows and a seed. ``bootstrap``, rows of the set
drawn with replacement, is no generator but the floor of what can be measured."""


def reason_to_skip(peer: str, python: Path | None) -> str | None:
    """Return why a peer cannot be run, or None."""
    if peer not in (*PEERS, *SIMPLE):
        return f"unknown; there are {', '.join((*SIMPLE, *PEERS))}"
    if peer == "smote" and not find_spec("imblearn"):
        return "imbalanced-learn is not installed"
    if peer in SIMPLE:
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


def runnable(peers: list[str], python: Path | None) -> list[str]:
    """Return the peers that can be run, and say why the others cannot."""
    reasons = {peer: reason_to_skip(peer, python) for peer in peers}
    for peer, reason in reasons.items():
        if reason is not None:
            print(f"skipped {peer}: {reason}")
    return [peer for peer, reason in reasons.items() if reason is None]


def run_peer(
    peer: str, data: DataSet, n: int, python: Path | None, *, epochs: int, threads: int, seed: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a sample of n rows and fit_wall, fit_cpu, sample_wall in seconds (the last None: it is in the first)."""
    if peer in SIMPLE:
        wall, cpu = time.perf_counter(), time.process_time()
        sample = SIMPLE[peer](data, n, seed)
        took = {"fit_wall": time.perf_counter() - wall, "fit_cpu": time.process_time() - cpu}
        return sample, {**took, "sample_wall": None}
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
