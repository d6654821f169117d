"""The density is kept where it surely knows more than plain ones, and learns nothing from rows that are rejected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from toy_detectors import make_detector

from gensynth.detector.density import LEAST_WEIGHT, agreement, surely_positive


def clusters(n, rng):
    return pd.DataFrame(0.3 * rng.normal(size=(n, 2)) + np.where(rng.random((n, 1)) < 0.5, 2, -2), columns=["x", "y"])


def ring(n, rng):
    a = rng.uniform(0, 2 * np.pi, n)
    return pd.DataFrame(2 * np.c_[np.cos(a), np.sin(a)] + 0.1 * rng.normal(size=(n, 2)), columns=["x", "y"])


def moons(n, rng):
    a, up = rng.uniform(0, np.pi, n), rng.random(n) < 0.5
    at = np.where(up[:, None], np.c_[np.cos(a), np.sin(a)], np.c_[1 - np.cos(a), 0.5 - np.sin(a)])
    return pd.DataFrame(at + 0.05 * rng.normal(size=(n, 2)), columns=["x", "y"])


def flipped(n, rng):
    x = rng.normal(size=n)
    kind = rng.choice(["a", "b"], n)
    return pd.DataFrame({"kind": kind, "x": x, "y": np.where(kind == "a", x, -x) + 0.2 * rng.normal(size=n)})


def weights(n, rng):
    kind = rng.choice(["mouse", "dog"], n)
    return pd.DataFrame({"kind": kind, "weight": np.where(kind == "mouse", 10, 100) + rng.normal(0, 1, n)})


def between(n, rng):
    return pd.DataFrame(rng.uniform(-1, 1, (n, 2)), columns=["x", "y"])


def inside(n, rng):
    return pd.DataFrame(0.4 * rng.normal(size=(n, 2)), columns=["x", "y"])


def inside_moons(n, rng):
    """Points that each half circle goes around, on the side away from the other."""
    middle = np.where(rng.random((n, 1)) < 0.5, [[-0.3, 0.1]], [[1.3, 0.4]])
    return pd.DataFrame(middle + 0.08 * rng.normal(size=(n, 2)), columns=["x", "y"])


def unflipped(n, rng):
    table = flipped(n, rng)
    table["x"] = rng.choice([-1, 1], n) * rng.uniform(1, 2, n)
    return table.assign(y=np.where(table["kind"] == "a", -table["x"], table["x"]))


def swapped(n, rng):
    table = weights(n, rng)
    return table.assign(kind=np.where(table["kind"] == "dog", "mouse", "dog"))


SHAPES = {
    "two clusters": (clusters, between, ("x", "y")),
    "ring": (ring, inside, ("x", "y")),
    "moons": (moons, inside_moons, ("x", "y")),
    "flipped pair": (flipped, unflipped, ("kind", "x", "y")),
    "class-dependent weight": (weights, swapped, ("kind", "weight")),
}
"""Normal rows, rows that are odd by their combination only, and the columns whose combination it is."""


@pytest.mark.parametrize("novelty", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_structure_is_seen_and_named(shape, novelty):
    normal, odd, columns = SHAPES[shape]
    rng = np.random.default_rng(0)
    fit = normal(1000, rng) if novelty else pd.concat([normal(1000, rng), odd(30, rng)], ignore_index=True)
    test = pd.concat([normal(200, rng), odd(60, rng)], ignore_index=True)
    if shape != "moons":
        fit, test = (table.assign(noise=rng.normal(size=len(table))) for table in (fit, test))
    detector = make_detector(epochs=40, novelty=novelty).fit(fit)
    assert roc_auc_score(np.arange(260) >= 200, detector.anomaly_score(test)) > 0.9
    parts = detector.explain(test.iloc[200:])
    assert (parts[list(columns)].sum(axis=1) / parts.sum(axis=1)).median() > 0.7
    named = [any(name in reason for name in columns) for reason in detector.reasons(test.iloc[200:])]
    assert np.mean(named) > 0.9


def test_a_density_that_knows_no_more_is_left_out():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(600, 3)), columns=list("abc"))
    assert make_detector(epochs=20, novelty=True).fit(table).density_ is None


def test_it_can_be_switched_off():
    table = ring(600, np.random.default_rng(0))
    assert make_detector(epochs=20, novelty=True).fit(table).density_ is not None
    assert make_detector(epochs=20, novelty=True, density=False).fit(table).density_ is None


def test_agreement_is_the_share_of_the_ranks_that_is_explained():
    x = np.random.default_rng(0).normal(size=5000)
    assert agreement(x, np.exp(x)) == pytest.approx(1 - LEAST_WEIGHT)
    assert agreement(x, -x) == LEAST_WEIGHT
    assert agreement(x, np.zeros(5000)) == LEAST_WEIGHT
    mixed = x + np.random.default_rng(1).normal(size=5000)
    assert agreement(x, mixed) == pytest.approx(0.47, abs=0.03)


def test_only_a_sure_gain_counts():
    rng = np.random.default_rng(0)
    assert surely_positive(0.5 + rng.normal(size=100))
    assert not surely_positive(rng.normal(size=100))
    assert not surely_positive(np.array([0.1, 5.0]))
