"""AUROC and average precision of anomaly detectors, beside other detectors, in one run.

Every contender gets the same rows and its own defaults, the same for all sets; labels are seen by nobody.
"normal": fit on half of the normal rows, score the rest. "contaminated": fit on all rows, score the same.

Example: python benchmarks/anomaly.py --data DIR --models default,vae,wgan --peers knn,iforest,pyod_vae --csv out.csv
A row that FILE holds already is not measured again.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_anomaly_sets import Task, digits, tables
from bench_print import print_stamp, print_table, progress, use_threads, write_csv
from bench_sets import model_names, split
from bench_shapes import shapes
from numpy.typing import NDArray

PEERS = ("knn", "iforest", "lof", "pca", "ecod", "pyod_vae", "pyod_ae")
Key = tuple[str, str, str, int]


def score_by_us(model: str, task: Task, protocol: str, seed: int) -> NDArray[np.float64]:
    """Return anomaly scores of an `AnomalyDetector`; "default" is the one without any argument."""
    from gensynth import AnomalyDetector, Trainer

    detector = AnomalyDetector(novelty=protocol == "normal", random_state=seed)
    if model != "default":
        name, _, members = model.partition(":")
        detector.set_params(model=name, n_estimators=int(members) if members else None)
    detector.set_params(trainer=Trainer(batch_size=128, progress=False))
    return detector.fit(task.fit).anomaly_score(task.score)


def score_by_peer(name: str, task: Task, seed: int) -> NDArray[np.float64]:
    """Return anomaly scores of another detector, on standardised columns and one-hot categories."""
    fit, score = _matrices(task)
    if name == "knn":
        from sklearn.neighbors import NearestNeighbors

        k = 6 if task.fit is task.score else 5  # a training row is its own nearest neighbour
        nearest = NearestNeighbors(n_neighbors=min(k, len(fit))).fit(fit)
        return np.asarray(nearest.kneighbors(score)[0][:, -1])
    if name == "iforest":
        from sklearn.ensemble import IsolationForest

        return np.asarray(-IsolationForest(random_state=seed).fit(fit).score_samples(score))
    if name == "lof":
        from sklearn.neighbors import LocalOutlierFactor

        return np.asarray(-LocalOutlierFactor(min(20, len(fit) - 1), novelty=True).fit(fit).score_samples(score))
    return np.asarray(_of_pyod(name, seed).fit(fit).decision_function(score))


def _of_pyod(name: str, seed: int) -> Any:
    if name == "pca":
        from pyod.models.pca import PCA

        return PCA(random_state=seed)
    if name == "ecod":
        from pyod.models.ecod import ECOD

        return ECOD()
    if name == "pyod_vae":
        from pyod.models.vae import VAE

        return VAE(random_state=seed, verbose=0)
    from pyod.models.auto_encoder import AutoEncoder

    return AutoEncoder(random_state=seed, verbose=0)


def _matrices(task: Task) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from sklearn.preprocessing import StandardScaler

    fit, score = task.fit, task.score
    if any(dtype.kind != "f" for dtype in fit.dtypes):
        fit = pd.get_dummies(fit).astype(float)
        score = pd.get_dummies(score).astype(float).reindex(columns=fit.columns, fill_value=0.0)
    scaler = StandardScaler().fit(fit.to_numpy())
    return scaler.transform(fit.to_numpy()), scaler.transform(score.to_numpy())


def measure(name: str, task: Task, protocol: str, seed: int) -> dict[str, Any]:
    """Return one row of the table."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    wall, cpu = time.perf_counter(), time.process_time()
    scores = score_by_peer(name, task, seed) if name in PEERS else score_by_us(name, task, protocol, seed)
    if name in PEERS:
        scores = np.nan_to_num(scores)  # some peers overflow far from their training rows
    row: dict[str, Any] = {"set": task.name, "protocol": protocol, "detector": name, "seed": seed}
    row["AUROC"] = round(100.0 * roc_auc_score(task.labels, scores), 2)
    row["AP"] = round(100.0 * average_precision_score(task.labels, scores), 2)
    row |= {"s": round(time.perf_counter() - wall, 2), "CPU s": round(time.process_time() - cpu, 2)}
    return row | {"rows": len(task.fit), "columns": task.fit.shape[1]}


def mean_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a protocol and detector: means over sets and seeds, and the deviation of the mean among seeds."""
    frame = pd.DataFrame(rows)
    if frame.empty:
        return []
    out = []
    for (protocol, detector), own in frame.groupby(["protocol", "detector"], sort=False):
        seeds = own.groupby("seed", sort=False)["AUROC"].mean()
        out.append(
            {
                "protocol": protocol,
                "detector": detector,
                "AUROC": float(own["AUROC"].mean()),
                "AP": float(own["AP"].mean()),
                "std of seeds": float(seeds.std()) if len(seeds) > 1 else None,
                "s a set": float(own["s"].mean()),
                "CPU s a set": float(own["CPU s"].mean()),
                "sets": own["set"].nunique(),
                "seeds": len(seeds),
            }
        )
    return out


def tasks_of(options: argparse.Namespace, protocol: str, seed: int) -> Iterator[Task]:
    """Yield the tasks that the options name."""
    if options.shapes:
        yield from shapes(seed, protocol)
        return
    if options.digits:
        yield from digits(options.digits, seed, protocol)
        return
    yield from tables(options.data, seed, protocol, split(options.sets))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("GENSYNTH_DATA"), metavar="DIR",
                        help="folder of .npz or .csv.gz files. Default: $GENSYNTH_DATA")  # fmt: skip
    parser.add_argument("--digits", metavar="WHERE", help='images instead: "digits", or a folder with MNIST\'s files')
    parser.add_argument("--shapes", action="store_true", help="drawn tables whose structure is known instead")
    parser.add_argument("--sets", default="", help="names, separated by commas (default: all)")
    parser.add_argument("--protocols", default="normal,contaminated")
    parser.add_argument("--models", default="default",
                        help='names that `gensynth models` lists, "default", or all; "vae:2": 2 members')  # fmt: skip
    parser.add_argument("--peers", default="knn,iforest", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows here; those it has are kept")
    options = parser.parse_args()
    if options.data is None and not (options.digits or options.shapes):
        raise SystemExit("say where the data lies: --data DIR or the environment variable GENSYNTH_DATA")
    names = [*split(options.peers), *([] if not options.models else model_names(options.models))]
    use_threads(options.threads)
    warnings.filterwarnings("ignore")
    print_stamp()
    rows = _known(options.csv)
    done: set[Key] = {(r["set"], r["protocol"], r["detector"], r["seed"]) for r in rows}
    for protocol in split(options.protocols):
        for seed in range(options.seeds):
            for task in tasks_of(options, protocol, seed):
                for name in names:
                    if (task.name, protocol, name, seed) in done:
                        continue
                    rows.append(measure(name, task, protocol, seed))
                    write_csv(rows, options.csv)
                    progress(" ".join(str(v) for v in rows[-1].values()))
    print()
    print_table(mean_rows(rows))


def _known(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    whole, real = ("seed", "rows", "columns"), ("AUROC", "AP", "s", "CPU s")
    return [{k: int(v) if k in whole else float(v) if k in real else v for k, v in row.items()} for row in found]


if __name__ == "__main__":
    main()
