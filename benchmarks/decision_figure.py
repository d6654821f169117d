"""Scikit-learn's toy sets for outlier detection, with the decisions of several detectors drawn (needs matplotlib).

Every detector is told that 15 % of the rows are outliers. Example: python benchmarks/decision_figure.py out.png
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import make_blobs, make_moons
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.svm import OneClassSVM

from gensynth import AnomalyDetector, Trainer

Floats = NDArray[np.float64]

N_ROWS = 300
SHARE = 0.15
GRID = 120
REACH = 7.0
COLOURS = np.array(["#c2410c", "#1f4e79"])


class NearestNeighbour:
    """Distance to the fifth nearest row, cut at the share of outliers."""

    def fit(self, rows: Floats) -> NearestNeighbour:
        """Keep the rows and the distance that the share of them exceeds."""
        self.nearest = NearestNeighbors(n_neighbors=6).fit(rows)
        self.offset = np.quantile(self.nearest.kneighbors(rows)[0][:, -1], 1.0 - SHARE)
        return self

    def decision_function(self, rows: Floats) -> Floats:
        """Return how far within that distance rows lie."""
        return np.asarray(self.offset - self.nearest.kneighbors(rows)[0][:, -1])


def detectors() -> dict[str, Any]:
    """Return fresh detectors by name."""
    trainer = Trainer(batch_size=128, progress=False)
    return {
        "Robust covariance": EllipticEnvelope(contamination=SHARE, random_state=0),
        "One-class SVM": OneClassSVM(nu=SHARE, kernel="rbf", gamma=0.1),
        "Isolation forest": IsolationForest(contamination=SHARE, random_state=0),
        "LOF": LocalOutlierFactor(n_neighbors=35, contamination=SHARE, novelty=True),
        "kNN": NearestNeighbour(),
        "AnomalyDetector()": AnomalyDetector(contamination=SHARE, trainer=trainer, random_state=0),
    }


def tables() -> list[Floats]:
    """Return the toy sets, each with 15 % of uniform noise."""
    n = round(N_ROWS * (1.0 - SHARE))
    options: dict[str, Any] = {"random_state": 0, "n_samples": n, "n_features": 2}
    rng = np.random.default_rng(42)
    normal = [
        make_blobs(centers=[[0, 0], [0, 0]], cluster_std=0.5, **options)[0],
        make_blobs(centers=[[2, 2], [-2, -2]], cluster_std=[0.5, 0.5], **options)[0],
        make_blobs(centers=[[2, 2], [-2, -2]], cluster_std=[1.5, 0.3], **options)[0],
        4.0 * (make_moons(n_samples=n, noise=0.05, random_state=0)[0] - np.array([0.5, 0.25])),
        14.0 * (rng.random((n, 2)) - 0.5),
    ]
    noise = rng.uniform(-6, 6, size=(N_ROWS - n, 2))
    return [np.concatenate([rows, noise]) for rows in normal]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="the PNG that is written")
    out = parser.parse_args().out
    mpl.use("agg")
    warnings.filterwarnings("ignore")
    sets, names = tables(), list(detectors())
    figure, axes = plt.subplots(len(sets), len(names), figsize=(2.0 * len(names), 2.05 * len(sets)))
    x, y = np.meshgrid(np.linspace(-REACH, REACH, GRID), np.linspace(-REACH, REACH, GRID))
    for i, rows in enumerate(sets):
        for j, (name, detector) in enumerate(detectors().items()):
            axis = axes[i, j]
            detector.fit(rows)
            decision = detector.decision_function(np.c_[x.ravel(), y.ravel()]).reshape(x.shape)
            inside = (detector.decision_function(rows) >= 0).astype(int)
            axis.contourf(x, y, decision >= 0, levels=[0.5, 1.5], colors=["#dbe7f3"])
            axis.contour(x, y, decision, levels=[0.0], linewidths=1.2, colors="black")
            axis.scatter(rows[:, 0], rows[:, 1], s=4, color=COLOURS[inside], linewidths=0)
            axis.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(), yticks=())
            if i == 0:
                axis.set_title(name, size=11)
    figure.tight_layout(pad=0.4)
    figure.savefig(out, dpi=60)


if __name__ == "__main__":
    main()
