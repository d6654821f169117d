"""How time and memory grow with the rows and columns of a table: simulated mixed tables, a few steps each.

Every cell of the grid runs in a process of its own, whose peak memory is noted. Seconds an epoch are those of a step
times the steps of an epoch.

Example: python benchmarks/scaling.py --rows 1000,10000,100000,1000000 --columns 10,100,1000
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import simulate, split


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return one row of the table; runs in a process of its own."""
    n_rows, n_columns, levels = map(int, split(options.cell))
    from bench_steps import Steps, prepare

    from gensynth.model import Stage

    base = _peak()
    table = simulate(n_rows, n_columns, levels, options.seed)
    with_table = _peak()
    prepared = prepare(table, options.model, options.seed)
    stages = [stage for stage in prepared.model.stages() if isinstance(stage, Stage)]
    per_epoch = 0.0
    for stage in stages:
        steps = Steps(prepared, stage, options.seed)
        steps.take(2 * steps.cycle)
        turns = max(1, options.steps // steps.cycle)
        began = time.process_time()
        steps.take(turns * steps.cycle)
        step = (time.process_time() - began) / (turns * steps.cycle)
        per_epoch += step * math.ceil(n_rows / prepared.batch_size)
    return {
        "rows": n_rows,
        "columns": n_columns + (levels > 0),
        "levels": levels or None,
        "code slots": sum(prepared.model.layout.cardinalities),
        "weights": sum(p.numel() for p in prepared.model.parameters()),
        "batch": prepared.batch_size,
        "learn encoding s": prepared.seconds["learn encoding"],
        "encode s": prepared.seconds["encode"],
        "s an epoch": per_epoch,
        "us a cell": per_epoch / (n_rows * (n_columns + (levels > 0))) * 1e6,
        "table MB": round(with_table - base),
        "peak MB": round(_peak()),
    }


def _peak() -> float:
    """Return the most memory this process has held, in MB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000,10000,100000,1000000", help="(default: %(default)s)")
    parser.add_argument("--columns", default="10,100,1000", help="(default: %(default)s)")
    parser.add_argument(
        "--most-cells", type=float, default=2e7, help="larger tables are left out (default: %(default)g)"
    )
    parser.add_argument(
        "--levels", type=int, default=100_000, help="of the one large category; 0: none (default: %(default)s)"
    )
    parser.add_argument("--model", default="vlae", help="a name that `gensynth models` lists (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=10, help="training steps timed (default: %(default)s)")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # "rows,columns,levels": what the processes started here do
    add_common_options(parser)
    options = parser.parse_args()
    use_threads(options.threads)
    if options.cell is not None:
        print(json.dumps(measure(options)))
        return
    print_stamp(f"{options.model}, CPU time of {options.steps} steps; batch size as the trainer chooses it")
    grid = [(int(n), int(d), 0) for d in split(options.columns) for n in split(options.rows)]
    if options.levels:
        grid.append((2 * options.levels, 10, options.levels))
    rows = []
    for n, d, levels in grid:
        if n * d > options.most_cells:
            rows.append({"rows": n, "columns": d, "levels": "not measured: --most-cells"})
            continue
        command = [sys.executable, str(Path(__file__).resolve()), "--cell", f"{n},{d},{levels}"]
        command += ["--model", options.model, "--steps", str(options.steps), "--seed", str(options.seed)]
        command += ["--threads", str(options.threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{n} rows, {d} columns failed:\n{done.stderr[-2000:]}")
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        write_csv(rows, options.csv)
        progress(f"{n:,} rows, {d:,} columns: {rows[-1]['s an epoch']:.2f} s an epoch")
    print()
    print_table(rows, options.csv)


if __name__ == "__main__":
    main()
