"""Every family: finite scores for every finite row, far rows the odder the farther, and no cell that stops a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.errors import ColumnWarning
from gensynth.registry import default_registry

FAMILIES = ("vlae", "vae", "beta-vae", "vq-vae", "nvae", "gan", "wgan", "lsgan", "dragan", "cgan")
FAR = (1e6, 1e12, 1e100, 1e300, 1.797e308)
N = 120


def table():
    rng = np.random.default_rng(0)
    some = np.where(rng.random(N) < 0.8, 0.0, rng.random(N))
    numbers = {"a": rng.normal(size=N), "b": (100 * rng.normal(size=N)).round(2), "some": some, "same": [1.5] * N}
    return pd.DataFrame({**numbers, "k": rng.choice(list("xyz"), N)})


def extreme_rows():
    """One row for each far number, up and down, in one column and in all."""
    first = table().iloc[[0] * 4 * len(FAR)].reset_index(drop=True)
    numbers = [sign * x for sign in (1, -1) for x in FAR]
    first["a"] = numbers * 2
    for name in ("b", "some", "same"):
        first.loc[2 * len(FAR) :, name] = numbers
    return first


def fit(kind, family, frame):
    options: dict[str, Any] = {"novelty": True} if kind is AnomalyDetector else {}
    if kind is Synthesizer and family in default_registry().able("conditional", "conditional-on-fitted"):
        options = {"condition_on": "k"}
    trainer = Trainer(max_epochs=2, progress=False, device="cpu")
    return kind(family, trainer=trainer, random_state=0, **options).fit(frame)


@pytest.mark.parametrize("kind", [Synthesizer, AnomalyDetector])
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_finite_and_far_rows_are_odd(family, kind):
    model = fit(kind, family, table())
    fitted = model.fitted_ if kind is Synthesizer else model.estimators_[0]
    for method in fitted.model.score_methods:
        assert np.isfinite(model.score_samples(extreme_rows(), method)).all(), method
    normal = model.score_samples(table())
    scores = model.score_samples(extreme_rows()).reshape(4, len(FAR))
    assert scores.max() < normal.min()
    assert (np.diff(scores[:2], axis=1) < 0).all()  # the farther the odder
    if kind is AnomalyDetector:
        assert (model.predict(extreme_rows()) == -1).all()
        assert (model.p_values(extreme_rows()) == model.p_values(extreme_rows()).min()).all()
        assert all("a " in reason for reason in model.reasons(extreme_rows().iloc[: 2 * len(FAR)]))


@pytest.mark.parametrize("kind", [Synthesizer, AnomalyDetector])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_cell_miles_away_is_named_and_stops_nothing(family, kind):
    frame = table()
    frame.loc[7, "a"], frame.loc[9, "some"] = 1e300, -1.797e308
    with pytest.warns(ColumnWarning) as said:
        model = fit(kind, family, frame)
    texts = " ".join(str(w.message) for w in said)
    assert "column 'a', row 7: 1e+300" in texts
    assert "column 'some', row 9: -1.797e+308" in texts
    assert np.isfinite(model.score_samples(frame)).all()
    if kind is Synthesizer:
        assert np.isfinite(model.sample(20)[["a", "b", "some"]].to_numpy()).all()
    else:
        odd = table().assign(a=[50.0] * N)  # 50 deviations out are odd beside the far cell, too
        assert np.quantile(model.score_samples(odd), 0.9) < np.quantile(model.score_samples(table()), 0.1)
