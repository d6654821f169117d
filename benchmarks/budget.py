"""Time against quality: what each budget of seconds or of passes takes, and how easily its sample is detected.

Every fit is a process of its own. With --against another checkout does the same in turn; budgets are better given as
--epochs then, as the seconds of a clock on a busy machine are not all the fit's own.

Example: python benchmarks/budget.py --data DIR --sets telco_churn --model vlae --seconds 5,10,20,40
         python benchmarks/budget.py --data DIR --sets adult --epochs 2,3,4,6,8 --against ../gensynth-before
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench_judge import detect, detector_name
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import DataSet, add_set_options, load_sets, split

_ROOT = Path(__file__).resolve().parents[1]


def measure(data: DataSet, options: argparse.Namespace) -> dict[str, Any]:
    """Fit within the one budget of the options, draw as many rows as were learned from, and judge them."""
    from gensynth import Synthesizer, Trainer
    from gensynth.metrics import fidelity

    budget: dict[str, Any] = {}
    if options.epochs:
        budget["max_epochs"] = int(options.epochs)
    else:
        budget["max_time"] = float(options.seconds)
    wall, cpu = time.perf_counter(), time.process_time()
    synthesizer = Synthesizer(options.model, trainer=Trainer(**budget, progress=False), random_state=options.seed)
    synthesizer.fit(data.train)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    history = synthesizer.history_
    sample = synthesizer.sample(len(data.train))
    found = fidelity(data.train, sample)
    return {
        **budget,
        "training s": float(history["seconds"].max()),
        "fit s": wall,
        "fit CPU s": cpu,
        "steps": int(history.groupby("stage", sort=False)["step"].max().sum()),
        "shape": found.shape_error,
        "trend": found.trend_error,
        "detection": detect(data.train, sample, options.threads),
    }


def in_process(data: DataSet, budget: list[str], checkout: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return what `measure` returns, of a checkout, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--cell", *budget, "--sets", data.name]
    for option in ("data", "target", "rows", "model", "seed", "threads"):
        if getattr(options, option) is not None:
            command += [f"--{option}", str(getattr(options, option))]
    paths = os.pathsep.join(map(str, (checkout, checkout / "plugins")))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths})
    if done.returncode != 0:
        raise SystemExit(f"{data.name} with {checkout} failed:\n{done.stderr[-2000:]}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult")
    parser.add_argument("--model", default="vlae", help="a name that `gensynth models` lists (default: %(default)s)")
    parser.add_argument(
        "--seconds", default="5,10,20,40,80", help="values of max_time, by commas (default: %(default)s)"
    )
    parser.add_argument("--epochs", default="", help="values of max_epochs, by commas, in place of seconds")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout, measured in turn: before -> now")
    parser.add_argument("--cell", action="store_true", help=argparse.SUPPRESS)  # a process that is started here
    add_common_options(parser)
    options = parser.parse_args()
    sets = load_sets(options)
    use_threads(options.threads)
    if options.cell:
        print(json.dumps(measure(sets[0], options)))
        return
    print_stamp(f"detection by {detector_name()}, 3-fold; training s against max_time; fit s holds the encoding too")
    checkouts = {"": _ROOT} if options.against is None else {"before": options.against.resolve(), "now": _ROOT}
    name = "--epochs" if options.epochs else "--seconds"
    rows: list[dict[str, Any]] = []
    for data in sets:
        for value in split(options.epochs or options.seconds):
            for label, checkout in checkouts.items():
                row = {"set": data.name, "model": options.model} | ({"code": label} if label else {})
                rows.append({**row, **in_process(data, [name, value], checkout, options)})
                write_csv(rows, options.csv)
                progress("; ".join(f"{key}: {cell}" for key, cell in rows[-1].items()))
    print()
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
