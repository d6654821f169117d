from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import DataError
from gensynth.metrics import neighbours


def cloud(seed: int, n: int = 400, scale: float = 1.0, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: shift + scale * rng.normal(size=n) for name in "xyz"})


def test_rows_of_the_same_source():
    found = neighbours(cloud(0), cloud(1))
    assert found.density == pytest.approx(1, abs=0.15)
    assert found.coverage > 0.93  # 1 - 1 / 2**5 is expected
    assert found.alpha_precision > 0.9
    assert found.beta_recall == pytest.approx(0.5, abs=0.1)


def test_a_collapsed_sample_is_dense_and_covers_little():
    """The papers' point: density stays where coverage and recall fall."""
    found = neighbours(cloud(0), cloud(1, scale=0.2))
    assert found.density > 0.9
    assert found.coverage < 0.3
    assert found.beta_recall < 0.3
    assert found.alpha_precision < 0.7  # too typical


def test_rows_elsewhere():
    found = neighbours(cloud(0), cloud(1, shift=20))
    assert found.density < 0.5
    assert found.coverage < 0.05
    assert found.alpha_precision < 0.05


def test_copies_are_recalled():
    found = neighbours(cloud(0), cloud(0))
    assert found.coverage == 1
    assert found.beta_recall == pytest.approx(1, abs=0.02)


def test_equal_rows_have_neighbourhoods_of_no_size():
    frame = pd.DataFrame({"c": ["a"] * 50 + ["b"] * 50})
    found = neighbours(frame, frame)
    assert found.coverage == 1
    assert found.density == pytest.approx(10)  # each row lies in the neighbourhoods of all 50 equal ones, 5 expected


def test_few_rows():
    with pytest.raises(DataError, match="5 rows of each table have no 5 neighbours"):
        neighbours(cloud(0, n=5), cloud(1))
