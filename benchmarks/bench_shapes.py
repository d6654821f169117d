"""Tables whose structure is known: normal rows, and rows that are odd only by their combination of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from bench_anomaly_sets import Task
from numpy.random import Generator

Draw = Callable[[int, Generator], pd.DataFrame]
"""From a number of rows and a source of randomness to rows."""
N_NORMAL, N_ODD = 200, 60
"""Rows that are scored."""


def clusters(n: int, rng: Generator) -> pd.DataFrame:
    """Return four round clusters."""
    return pd.DataFrame(0.3 * rng.normal(size=(n, 2)) + np.where(rng.random((n, 1)) < 0.5, 2, -2), columns=["x", "y"])


def ring(n: int, rng: Generator) -> pd.DataFrame:
    """Return a ring."""
    a = rng.uniform(0, 2 * np.pi, n)
    return pd.DataFrame(2 * np.c_[np.cos(a), np.sin(a)] + 0.1 * rng.normal(size=(n, 2)), columns=["x", "y"])


def moons(n: int, rng: Generator) -> pd.DataFrame:
    """Return two half circles that reach into each other."""
    a, up = rng.uniform(0, np.pi, n), rng.random(n) < 0.5
    at = np.where(up[:, None], np.c_[np.cos(a), np.sin(a)], np.c_[1 - np.cos(a), 0.5 - np.sin(a)])
    return pd.DataFrame(at + 0.05 * rng.normal(size=(n, 2)), columns=["x", "y"])


def flipped(n: int, rng: Generator) -> pd.DataFrame:
    """Return a slope whose sign the kind decides."""
    x = rng.normal(size=n)
    kind = rng.choice(["a", "b"], n)
    return pd.DataFrame({"kind": kind, "x": x, "y": np.where(kind == "a", x, -x) + 0.2 * rng.normal(size=n)})


def weights(n: int, rng: Generator) -> pd.DataFrame:
    """Return weights that the kind decides."""
    kind = rng.choice(["mouse", "dog"], n)
    return pd.DataFrame({"kind": kind, "weight": np.where(kind == "mouse", 10, 100) + rng.normal(0, 1, n)})


def between(n: int, rng: Generator) -> pd.DataFrame:
    """Return points between the clusters."""
    return pd.DataFrame(rng.uniform(-1, 1, (n, 2)), columns=["x", "y"])


def inside(n: int, rng: Generator) -> pd.DataFrame:
    """Return points within the ring."""
    return pd.DataFrame(0.4 * rng.normal(size=(n, 2)), columns=["x", "y"])


def inside_moons(n: int, rng: Generator) -> pd.DataFrame:
    """Return points that each half circle goes around, on the side away from the other."""
    middle = np.where(rng.random((n, 1)) < 0.5, [[-0.3, 0.1]], [[1.3, 0.4]])
    return pd.DataFrame(middle + 0.08 * rng.normal(size=(n, 2)), columns=["x", "y"])


def unflipped(n: int, rng: Generator) -> pd.DataFrame:
    """Return points on the slope of the other kind."""
    table = flipped(n, rng)
    table["x"] = rng.choice([-1, 1], n) * rng.uniform(1, 2, n)
    return table.assign(y=np.where(table["kind"] == "a", -table["x"], table["x"]))


def swapped(n: int, rng: Generator) -> pd.DataFrame:
    """Return weights of the other kind."""
    table = weights(n, rng)
    return table.assign(kind=np.where(table["kind"] == "dog", "mouse", "dog"))


SHAPES: dict[str, tuple[Draw, Draw, tuple[str, ...]]] = {
    "two clusters": (clusters, between, ("x", "y")),
    "ring": (ring, inside, ("x", "y")),
    "moons": (moons, inside_moons, ("x", "y")),
    "flipped pair": (flipped, unflipped, ("kind", "x", "y")),
    "class-dependent weight": (weights, swapped, ("kind", "weight")),
}
"""Normal rows, rows that are odd by their combination only, and the columns whose combination it is."""


def drawn(shape: str, seed: int, *, contaminated: bool, n: int = 1000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return n rows to fit, with 3 % of odd ones beside them where asked, and rows to score, odd ones last."""
    normal, odd, _ = SHAPES[shape]
    rng = np.random.default_rng(seed)
    fit = normal(n, rng)
    if contaminated:
        fit = pd.concat([fit, odd(round(0.03 * n), rng)], ignore_index=True)
    return fit, pd.concat([normal(N_NORMAL, rng), odd(N_ODD, rng)], ignore_index=True)


def shapes(seed: int, protocol: str) -> Iterator[Task]:
    """Yield the shapes as tasks."""
    for name in SHAPES:
        fit, score = drawn(name, seed, contaminated=protocol == "contaminated")
        labels = (np.arange(len(score)) >= N_NORMAL).astype(np.int64)
        yield Task(name, fit, score, labels)
