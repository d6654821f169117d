"""Labelled rows for anomaly detection: numeric sets as .npz, tables with categories as .csv.gz, images of digits."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_ROWS = 10_000
"""Rows of a set that are used, drawn anew for every seed."""
MIN_ANOMALIES = 10
DIGIT_ROWS = 1_000
"""Images of a digit that are learned from, at most."""


@dataclass(frozen=True)
class Task:
    """Rows to learn from, rows to be scored, and which of those are anomalies (1)."""

    name: str
    fit: pd.DataFrame
    score: pd.DataFrame
    labels: NDArray[np.int64]


def tables(folder: Path, seed: int, protocol: str, only: list[str]) -> Iterator[Task]:
    """Yield the sets of a folder of .npz files with ``X`` and ``y`` (ADBench's format), or of .csv.gz files.

    A .csv.gz file's last column is the label, its rare value the anomaly; its other columns are categories.
    """
    for path in sorted([*folder.glob("*.npz"), *folder.glob("*.csv.gz")]):
        name = path.name.partition(".npz")[0].partition(".csv")[0]
        if only and name not in only:
            continue
        frame, labels = _read(path)
        rng = np.random.default_rng(seed)
        if len(frame) > MAX_ROWS:
            keep = rng.choice(len(frame), MAX_ROWS, replace=False)
            if labels[keep].sum() < MIN_ANOMALIES:  # some anomalies of very rare sets
                keep = np.unique(np.r_[keep, np.flatnonzero(labels == 1)[:50]])
            frame, labels = frame.iloc[keep].reset_index(drop=True), labels[keep]
        yield _task(name, frame, labels, rng, protocol)


def digits(source: str, seed: int, protocol: str) -> Iterator[Task]:
    """Yield two tasks a digit: it is the only normal class, and it is the anomaly among the nine others.

    ``source`` is "digits" (scikit-learn's 8 x 8) or a folder with the four files of MNIST.
    """
    images, classes = _images(source)
    rng = np.random.default_rng(seed)
    for digit in range(10):
        for normal in (True, False):
            inside = np.flatnonzero((classes == digit) == normal)
            outside = np.flatnonzero((classes == digit) != normal)
            inside = rng.permutation(inside)[: 2 * DIGIT_ROWS]
            # anomalies are a tenth, as far as there are any, or as many as there are normal rows to be scored
            outside = rng.permutation(outside)[: len(inside) // (2 if protocol == "normal" else 9)]
            rows = np.r_[inside, outside]
            labels = np.r_[np.zeros(len(inside), dtype=np.int64), np.ones(len(outside), dtype=np.int64)]
            frame = pd.DataFrame(images[rows])
            frame.columns = [f"p{i}" for i in range(frame.shape[1])]
            kind = "normal" if normal else "anomaly"
            yield _task(f"{digit} {kind}", frame, labels, rng, protocol)


def _task(name: str, frame: pd.DataFrame, labels: NDArray[np.int64], rng: np.random.Generator, protocol: str) -> Task:
    """Split rows: "normal" learns from half of the normal rows, "contaminated" learns from all and scores the same."""
    if protocol == "contaminated":
        return Task(name, frame, frame, labels)
    normal = rng.permutation(np.flatnonzero(labels == 0))
    half = len(normal) // 2
    rest = np.r_[normal[half:], np.flatnonzero(labels == 1)]
    return Task(
        name,
        frame.take(normal[:half]).reset_index(drop=True),
        frame.take(rest).reset_index(drop=True),
        labels[rest],
    )


def _read(path: Path) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    if path.name.endswith(".npz"):
        with np.load(path, allow_pickle=True) as found:
            X, y = found["X"].astype(np.float64), found["y"].astype(np.int64).ravel()
        return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]), y
    frame = pd.read_csv(path, dtype=str)
    label = frame.pop(frame.columns[-1])
    return frame, (label == label.value_counts().index[-1]).to_numpy(dtype=np.int64)


def _images(source: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if source == "digits":
        from sklearn.datasets import load_digits

        found = load_digits()
        return found.data, found.target.astype(np.int64)
    folder = Path(source)
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as stream:
        images = np.frombuffer(stream.read(), dtype=np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as stream:
        labels = np.frombuffer(stream.read(), dtype=np.uint8, offset=8)
    return images.astype(np.float64), labels.astype(np.int64)
