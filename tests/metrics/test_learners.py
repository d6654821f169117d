from __future__ import annotations

import numpy as np
import pandas as pd

from gensynth.metrics.learners import fitted, learner, stacked


def test_arrays_become_columns_and_are_learned_linearly():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=200)
    numbers[::7] = np.nan
    image = [rng.normal(size=(2, 3)) for _ in range(200)]
    frame = pd.DataFrame({"c": rng.choice(["a", "b"], 200), "x": numbers, "image": pd.Series(image, dtype=object)})
    rows = stacked(frame[:150], frame[150:])
    assert rows.X.shape == (200, 8)
    assert rows.is_category.tolist() == [True] + [False] * 7
    y = (rows.X[:, 3] > 0).astype(int)
    model = fitted(learner("classification", rows, 0, class_weight="balanced"), rows.X[:150], y[:150])
    assert (model.predict(rows.X[150:]) == y[150:]).mean() > 0.9
    assert model.classes_.tolist() == [0, 1]
    number = fitted(learner("regression", rows, 0), rows.X[:150], rows.X[:150, 3])
    assert np.corrcoef(number.predict(rows.X[150:]), rows.X[150:, 3])[0, 1] > 0.95


def test_tables_are_learned_by_trees():
    frame = pd.DataFrame({"x": np.arange(100.0)})
    assert not stacked(frame, frame).images
    model = fitted(learner("classification", stacked(frame, frame), 0), frame.to_numpy(), (frame["x"] > 50).to_numpy())
    assert type(model).__name__ == "HistGradientBoostingClassifier"
