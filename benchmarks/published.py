"""The protocol that papers on synthetic tables share, side by side: models, peers of the same run, published numbers.

Example: python benchmarks/published.py --data DIR --sets adult,magic_gamma,online_shoppers --peers cart,smote
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_judge import detector_name
from bench_peers import run_peer, runnable
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_protocol import efficiency, protocol
from bench_published import SETS, lines
from bench_sets import DataSet, add_set_options, load_sets, model_names, split
from quality import fit_and_sample

from gensynth.metrics.learned import is_regression

REAL = "real rows (held out)"
RESULTS = Path(__file__).parent / "results" / "published.csv"


def real_row(data: DataSet, threads: int) -> dict[str, Any]:
    """Return the line of real rows: half of the held-out ones as a sample, the others held out.

    Its MLE is that of the rows to learn from: what a sample can reach.
    """
    order = np.random.default_rng(0).permutation(len(data.test))
    half = len(order) // 2
    sample, held = (data.test.iloc[part].reset_index(drop=True) for part in (order[:half], order[half:]))
    found = protocol(DataSet(data.name, data.train, held, data.target), sample, threads)
    return {"set": data.name, "model": REAL, "fit CPU s": None, **found, "MLE": efficiency(data, data.train)}


def row(name: str, data: DataSet, options: argparse.Namespace, *, peer: bool) -> dict[str, Any]:
    """Fit, sample and judge one model; return its line."""
    sample: pd.DataFrame
    if peer:
        sample, times = run_peer(
            name, data, len(data.train), options.peer_python, epochs=options.peer_epochs, threads=options.threads,
            seed=options.seed,
        )  # fmt: skip
    else:
        sample, times = fit_and_sample(name, data, options)
    sample = sample.iloc[: len(data.train)]
    return {
        "set": data.name,
        "model": name,
        "fit CPU s": times["fit_cpu"],
        **protocol(data, sample, options.threads),
    }


def means(rows: list[dict[str, Any]], regressions: set[str]) -> list[dict[str, Any]]:
    """Return the means of each model over the sets, the MLE of classifications only."""
    out = []
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model]
        mean: dict[str, Any] = {"set": f"mean of {len(own)}", "model": model}
        for name in list(own[0])[2:]:
            values = [row[name] for row in own if not (name == "MLE" and row["set"] in regressions)]
            there = [float(value) for value in values if value is not None]
            mean[name] = sum(there) / len(there) if there else None
        out.append(mean)
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, ",".join(name for name in SETS if name != "news"))
    parser.add_argument("--models", default="vlae", help="names that `gensynth models` lists (default: %(default)s)")
    parser.add_argument(
        "--peers", default="cart,smote", help="of cart, smote, bootstrap, argn, arf, ctgan, tvae (default: %(default)s)"
    )
    parser.add_argument("--peer-python", type=Path, metavar="PATH", help="Python that has argn, arf or ctgan installed")
    parser.add_argument("--peer-epochs", type=int, default=300, help="of ctgan and tvae (default: %(default)s)")
    parser.add_argument("--max-time", type=float, help="seconds of training for our models (default: no limit)")
    parser.add_argument("--max-epochs", type=int, help="for our models (default: chosen from the table)")
    add_common_options(parser)
    parser.set_defaults(csv=RESULTS)
    options = parser.parse_args()
    sets = load_sets(options)
    use_threads(options.threads)
    print_stamp(
        f"C2ST trees by {detector_name()}, C2ST linear by logistic regression, 3-fold: 2 - 2 AUC, at most 1 (best); "
        "MLE by HistGradientBoosting: AUC, or RMSE in standard deviations of a target that is a number",
        "published: second hand, other splits than these, XGBoost; - was not found",
    )
    peers, models = runnable(split(options.peers), options.peer_python), model_names(options.models)
    rows: list[dict[str, Any]] = []
    for data in sets:
        progress(f"{data.name}: {len(data.train):,} rows, {data.train.shape[1]} columns")
        rows.append(real_row(data, options.threads))
        for name in [*models, *peers]:
            rows.append(row(name, data, options, peer=name not in models))
            write_csv(rows, options.csv)
            progress(f"{name}: {rows[-1]['fit CPU s']:.1f} s CPU, AUC of trees {rows[-1]['AUC trees']:.3f}")
    regressions = {data.name for data in sets if is_regression(data.test[data.target])}
    averages = means(rows, regressions) if len(sets) > 1 else []
    print()
    print_table([*rows, *averages, *lines([data.name for data in sets])], options.csv)


if __name__ == "__main__":
    main()
