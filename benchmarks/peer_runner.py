"""Fit one peer on one table and write its sample: run by quality.py with the Python of the peers' own environment.

Needs pandas, pyarrow and the peer (``pip install ctgan``, ``mostlyai-engine`` or ``arfpy``), not
gensynth.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import resource
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

MISSING = "(missing)"
MODULES = {"ctgan": "ctgan", "tvae": "ctgan", "argn": "mostlyai.engine", "arf": "arfpy"}


def fit_ctgan(name: str, train: pd.DataFrame, text: list[str], epochs: int) -> Any:
    import ctgan

    model = {"ctgan": ctgan.CTGAN, "tvae": ctgan.TVAE}[name](epochs=epochs)
    model.fit(train, text)
    return model.sample


def fit_argn(train: pd.DataFrame, minutes: float) -> Any:
    from mostlyai.engine import TabularARGN

    model = TabularARGN(verbose=0, max_training_time=minutes)
    model.fit(train)
    return lambda n: model.sample(n_samples=n)


def fit_arf(train: pd.DataFrame) -> Any:
    from arfpy import arf

    model = arf.arf(x=train, verbose=False)
    model.forde()
    return model.forge


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it started: the workers of a library count too."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + ended.ru_utime + ended.ru_stime
    if find_spec("psutil"):
        import psutil

        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile
                times = child.cpu_times()
                total += times.user + times.system
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=list(MODULES))
    parser.add_argument("train", type=Path, help="rows to learn, a parquet file")
    parser.add_argument("out", type=Path, help="folder for sample.parquet and times.json")
    parser.add_argument("--target", help="a numeric target of at most 20 values is learned as a category")
    parser.add_argument("--epochs", type=int, default=300, help="of ctgan and tvae (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=30.0, help="most training time of argn (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=None, help="rows to draw (default: as many as were learned)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if find_spec("torch"):
        import torch

        torch.set_num_threads(options.threads)
    table = pd.read_parquet(options.train)
    train = table.copy()
    labels: dict[str, dict[str, Any]] = {}
    for column in train.columns:
        few = column == options.target and train[column].nunique() <= 20
        if few or pd.api.types.is_bool_dtype(train[column]) or not pd.api.types.is_numeric_dtype(train[column]):
            values = train[column].astype(object).where(train[column].notna(), None)
            train[column] = values.map(lambda v: MISSING if v is None else str(v)).astype(object)
            labels[column] = {MISSING: None, **{str(v): v for v in values if v is not None}}
        elif options.peer != "argn":  # the others refuse missing numbers
            train[column] = train[column].fillna(train[column].median())
    # what is imported at the first use of a library is no part of its fit
    importlib.import_module(MODULES[options.peer])
    wall, cpu = time.perf_counter(), cpu_seconds()
    if options.peer == "argn":
        draw = fit_argn(train, options.minutes)
    elif options.peer == "arf":
        draw = fit_arf(train)
    else:
        draw = fit_ctgan(options.peer, train, list(labels), options.epochs)
    times = {"fit_wall": time.perf_counter() - wall, "fit_cpu": cpu_seconds() - cpu}
    wall = time.perf_counter()
    n = options.samples or len(train)
    sample = pd.DataFrame(draw(n))[list(train.columns)].reset_index(drop=True)
    times["sample_wall"] = time.perf_counter() - wall
    for column in table.columns:
        if column not in labels and pd.api.types.is_integer_dtype(table[column].dtype):  # a peer may draw fractions
            sample[column] = sample[column].astype(float).round().astype(table[column].dtype)
    for column, known in labels.items():
        back = sample[column].astype(str).map(known)
        sample[column] = pd.Series(back.to_numpy(dtype=object), dtype=object).astype(table[column].dtype)
    options.out.mkdir(parents=True, exist_ok=True)
    sample.to_parquet(options.out / "sample.parquet")
    (options.out / "times.json").write_text(json.dumps({**times, "rows": n}))


if __name__ == "__main__":
    main()
