"""The verdicts of `gensynth.evaluation` on rows of known quality: real ones, independent columns, trees, models.

Prints the table of docs/evaluation.md. Example: python benchmarks/evaluation.py --data DIR \
--sets adult,telco_churn,diamonds --models vlae
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from bench_cart import sample_cart
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import DataSet, add_set_options, load_sets, split


def samples(data: DataSet, models: list[str], seed: int) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the name of a sample, its rows, and the held-out rows to evaluate it with."""
    order = np.random.default_rng(seed).permutation(len(data.test))
    half = len(order) // 2
    yield "real rows (half of the held-out ones)", data.test.iloc[order[:half]], data.test.iloc[order[half:]]
    rng = np.random.default_rng(seed)
    shuffled = {name: data.train[name].to_numpy()[rng.permutation(len(data.train))] for name in data.train}
    yield "independent columns", pd.DataFrame(shuffled).astype(data.train.dtypes.to_dict()), data.test
    for leaf in (5, 20):
        yield f"trees, leaves of {leaf}", sample_cart(data.train, len(data.train), min_samples_leaf=leaf), data.test
    for model in models:
        yield f"`{model}`", drawn(model, data, seed), data.test


def drawn(model: str, data: DataSet, seed: int) -> pd.DataFrame:
    """Return as many rows of a model as it was fitted to."""
    from gensynth import Synthesizer, Trainer

    fitted = Synthesizer(model, trainer=Trainer(progress=False), random_state=seed).fit(data.train)
    rows: pd.DataFrame = fitted.sample(len(data.train))
    return rows


def row(data: DataSet, name: str, rows: pd.DataFrame, held: pd.DataFrame) -> dict[str, Any]:
    """Return a row of the table."""
    from gensynth.evaluation import evaluate

    found = evaluate(data.train, rows.reset_index(drop=True), held.reset_index(drop=True), target=data.target)
    values = {value.name: value for value in found.values}
    score, detection = values["tstr"], values["detection_auc"]
    kept = values.get("relation_validity")
    low, high = detection.interval or (float("nan"), float("nan"))
    return {
        "table": data.name,
        "rows": name,
        "shape": f"{values['shape_error'].value:.3f}",
        "trend": f"{values['trend_error'].value:.3f}",
        "detection": f"{detection.value:.3f} ({low:.3f} to {high:.3f})",
        "TSTR (real)": f"{score.value:.3f} ({score.floor:.3f})",
        "copies": f"{values['exact_copies'].value:.4f}",
        "DCR share": f"{values['dcr_share'].value:.3f}",
        "relations": "-" if kept is None else f"{kept.value:.3f}",
        "verdict": found.verdict.heading,
    }


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_set_options(parser, "adult,telco_churn,diamonds")
    parser.add_argument("--models", default="", help="models to fit, with commas between them")
    add_common_options(parser)
    options = parser.parse_args()
    use_threads(options.threads)
    print_stamp()
    rows = []
    for data in load_sets(options):
        for name, sample, held in samples(data, split(options.models), options.seed):
            progress(f"{data.name}: {name}")
            rows.append(row(data, name, sample, held))
    print_table(rows)
    write_csv(rows, options.csv)


if __name__ == "__main__":
    main()
