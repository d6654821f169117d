"""Share of anomalies that detectors find without being told it, beside the true one, on tables with planted anomalies.

Tables are made up (business tables with rare categories; shapes whose anomalies are odd by their combination only) or,
with --data, the normal rows of ADBench's sets with some of its anomalies. "error" is |log2 ratio| of the estimated and
the true number, 3 added to both: 1 is a factor of two. "found" is the share of the anomalies that are labelled.

Example: python benchmarks/contamination.py --shares 0,.01,.03,.1 --csv out.csv
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_business import BUSINESS
from bench_print import add_common_options, print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import split
from bench_shapes import SHAPES
from numpy.typing import NDArray

Planted = tuple[pd.DataFrame, NDArray[np.bool_]]
MAX_ROWS = 2_000


def planted(name: str, share: float, n: int, seed: int) -> Planted:
    """Return n rows of a made-up table, and which of them are anomalies."""
    rng, n_odd = np.random.default_rng([seed, round(1000 * share)]), round(share * n)
    odd = np.isin(np.arange(n), rng.choice(n, n_odd, replace=False))
    if name in BUSINESS:
        clean, spoil = BUSINESS[name]
        table = clean(n, rng)
        table = table.astype(dict.fromkeys(table.select_dtypes("number"), float))
        for row in np.flatnonzero(odd).tolist():
            spoil(table, row, rng)
        return table, odd
    normal, unusual, _ = SHAPES[name]
    table = normal(n, rng)
    if n_odd:
        table.loc[odd] = unusual(n_odd, rng).to_numpy()
    return table, odd


def of_set(path: Path, share: float, seed: int) -> Planted:
    """Return normal rows of a set of ADBench, and of its anomalies so many that they are this share."""
    with np.load(path, allow_pickle=True) as found:
        X, y = found["X"].astype(np.float64), found["y"].ravel() == 1
    rng = np.random.default_rng([seed, round(1000 * share)])
    normal, odd = rng.permutation(np.flatnonzero(~y))[:MAX_ROWS], rng.permutation(np.flatnonzero(y))
    rows = rng.permutation(np.r_[normal, odd[: round(share / (1 - share) * len(normal))]])
    return pd.DataFrame(X[rows]), y[rows]


def tables(options: argparse.Namespace, share: float) -> Iterator[tuple[str, str, Planted]]:
    """Yield group, name and rows."""
    for group, names in (("business", BUSINESS), ("shapes", SHAPES)):
        for name in names:
            yield group, name, planted(name, share, options.rows, options.seed)
    if options.data is not None:
        for path in sorted(options.data.glob("*.npz")):
            yield "ADBench", path.stem, of_set(path, share, options.seed)


def by_us(table: pd.DataFrame, seed: int) -> NDArray[np.bool_]:
    """Return what `AnomalyDetector` labels with its defaults."""
    from gensynth import AnomalyDetector, Trainer

    detector = AnomalyDetector(trainer=Trainer(batch_size=128, progress=False), random_state=seed).fit(table)
    return np.asarray(detector.labels_ == 1)


def by_forest(table: pd.DataFrame, seed: int) -> NDArray[np.bool_]:
    """Return what scikit-learn's isolation forest labels with its defaults, categories one-hot."""
    from sklearn.ensemble import IsolationForest

    numbers = pd.get_dummies(table.fillna(table.median(numeric_only=True))).astype(float)
    return np.asarray(IsolationForest(random_state=seed).fit_predict(numbers.to_numpy()) == -1)


def by_quartiles(table: pd.DataFrame, seed: int) -> NDArray[np.bool_]:
    """Return the rows whose distance to the fifth neighbour is beyond the whisker of a box plot."""
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    del seed
    numbers = StandardScaler().fit_transform(pd.get_dummies(table.fillna(table.median(numeric_only=True))))
    distance = NearestNeighbors(n_neighbors=6).fit(numbers).kneighbors(numbers)[0][:, -1]
    low, high = np.quantile(distance, [0.25, 0.75])
    return np.asarray(distance > high + 1.5 * (high - low))


DETECTORS: dict[str, Callable[[pd.DataFrame, int], NDArray[np.bool_]]] = {
    "gensynth": by_us,
    "iforest": by_forest,
    "knn + box plot": by_quartiles,
}


def mean_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each group, share and detector."""
    out = []
    frame = pd.DataFrame(rows)
    for group, share, detector in dict.fromkeys((row["group"], row["share"], row["detector"]) for row in rows):
        own = frame[(frame["group"] == group) & (frame["share"] == share) & (frame["detector"] == detector)]
        out.append(
            {
                "tables": group,
                "planted": f"{100 * share:g} %",
                "detector": detector,
                "labelled (median)": f"{100 * own['labelled'].median():.2f} %",
                "error": own["error"].mean(),
                "within a factor of 2": own["error"].le(1).mean(),
                "found": own["found"].mean() if share else None,
                "sets": len(own),
            }
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", default="0,0.01,0.03,0.1", help="shares to plant (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1500, help="rows of a made-up table (default: %(default)s)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of ADBench's .npz files")
    add_common_options(parser)
    options = parser.parse_args()
    use_threads(options.threads)
    warnings.filterwarnings("ignore")
    print_stamp()
    rows: list[dict[str, Any]] = []
    for share in map(float, split(options.shares)):
        for group, name, (table, odd) in tables(options, share):
            for detector, label in DETECTORS.items():
                start = time.process_time()
                found = label(table, options.seed)
                rows.append({"group": group, "set": name, "share": share, "detector": detector, "rows": len(table)})
                rows[-1] |= {
                    "true": float(odd.mean()),
                    "labelled": float(found.mean()),
                    "error": abs(np.log2((found.sum() + 3) / (odd.sum() + 3))),
                    "found": float(found[odd].mean()) if odd.any() else None,
                    "CPU s": round(time.process_time() - start, 2),
                }
                write_csv(rows, options.csv)
                progress(f"{name} {share:g} {detector}: {found.sum()} of {len(table)}, true {odd.sum()}")
    print()
    print_table(mean_rows(rows))


if __name__ == "__main__":
    main()
