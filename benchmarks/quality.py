"""Quality and time of models on tables, beside other generators, in one run.

Example: python benchmarks/quality.py --data DIR --sets adult,telco_churn --models vlae,vae --peers bootstrap,argn \
--peer-python peers/bin/python
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd
from bench_judge import LEVEL_ROWS, ceiling_of, detector_name, judge
from bench_peers import run_peer, runnable
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import DataSet, add_set_options, load_sets, model_names, split

MEANS = ("fit CPU s", "fit s", "rows/s", "shape", "trend", "TSTR", "gap", "detection", "DCR share", "copies")


def fit_and_sample(model: str, data: DataSet, options: argparse.Namespace) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a sample, and what fitting and sampling took."""
    from gensynth import Synthesizer, Trainer

    trainer = Trainer(max_epochs=options.max_epochs or "auto", max_time=options.max_time, progress=False)
    wall, cpu = time.perf_counter(), time.process_time()
    synthesizer = Synthesizer(model, trainer=trainer, random_state=options.seed)
    if model == "cgan":
        synthesizer.set_params(condition_on=data.target)
    synthesizer.fit(data.train)
    times = {"fit_wall": time.perf_counter() - wall, "fit_cpu": time.process_time() - cpu}
    wall = time.perf_counter()
    sample = synthesizer.sample(max(LEVEL_ROWS, len(data.train)))
    times["sample_wall"] = time.perf_counter() - wall
    return sample, times


def measure(name: str, data: DataSet, ceiling: float, options: argparse.Namespace, *, peer: bool) -> dict[str, Any]:
    """Return one row of the table."""
    if peer:
        python, n = options.peer_python, max(LEVEL_ROWS, len(data.train))
        sample, times = run_peer(
            name, data, n, python, epochs=options.peer_epochs, threads=options.threads, seed=options.seed
        )
    else:
        sample, times = fit_and_sample(name, data, options)
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        sample.iloc[: len(data.train)].to_parquet(options.keep / f"{data.name}-{name}.parquet")
    seconds = times["sample_wall"]
    return {
        "set": data.name,
        "model": name,
        "fit CPU s": times["fit_cpu"],
        "fit s": times["fit_wall"],
        "rows/s": None if seconds is None else round(len(sample) / seconds),
        **judge(data, sample, ceiling, options.threads),
    }


def mean_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row of means for every model that was measured on more than one set."""
    out = []
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model]
        if len(own) > 1:
            means: dict[str, Any] = {"set": f"mean of {len(own)}", "model": model}
            for name in MEANS:
                values = [float(row[name]) for row in own if row[name] is not None]
                means[name] = sum(values) / len(values) if values else None
            off, of = zip(*(map(int, row["levels off"].split("/")) for row in own), strict=True)
            out.append({**means, "levels off": f"{sum(off)}/{sum(of)}"})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult,magic_gamma,telco_churn")
    parser.add_argument(
        "--models", default="vlae", help="names that `gensynth models` lists, or all (default: %(default)s)"
    )
    parser.add_argument(
        "--peers", default="bootstrap", help="of bootstrap, cart, smote, ctgan, tvae, argn, arf (default: %(default)s)"
    )
    parser.add_argument("--peer-python", type=Path, metavar="PATH", help="Python that has the peers installed")
    parser.add_argument("--peer-epochs", type=int, default=300, help="of ctgan and tvae (default: %(default)s)")
    parser.add_argument("--max-time", type=float, help="seconds of training for our models (default: no limit)")
    parser.add_argument("--max-epochs", type=int, help="for our models (default: chosen from the table)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the samples here, for another judge")
    add_common_options(parser)
    options = parser.parse_args()
    sets = load_sets(options)
    use_threads(options.threads)
    print_stamp(f"detection by {detector_name()}, 3-fold; utility (TSTR) by HistGradientBoosting")
    peers = runnable(split(options.peers), options.peer_python)
    rows = []
    for data in sets:
        ceiling = ceiling_of(data)
        progress(f"{data.name}: {len(data.train):,} rows, {data.train.shape[1]} columns, real utility {ceiling:.4f}")
        models = model_names(options.models)
        for name in [*models, *peers]:
            rows.append(measure(name, data, ceiling, options, peer=name not in models))
            write_csv(rows, options.csv)
            progress(f"{name}: {rows[-1]['fit CPU s']:.1f} s CPU, detection {rows[-1]['detection']:.3f}")
    print()
    print_table([*rows, *mean_rows(rows)], options.csv)


if __name__ == "__main__":
    main()
