"""P-values are what statistics says they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gensynth.engine.scoring.conformal import conformal_p_values


def test_conformal_p_values_count_the_calibration_scores_below():
    p = conformal_p_values(np.array([-10.0, 1.5, 2.0, 99.0]), np.array([3.0, 1.0, 2.0]))
    assert p == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1.0])


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2, 0.5])
def test_a_normal_row_has_a_small_p_value_as_seldom_as_it_says(level):
    rng = np.random.default_rng(0)
    false = [conformal_p_values(rng.standard_t(3, 1), rng.standard_t(3, 199))[0] <= level for _ in range(4000)]
    low, high = stats.binom.ppf([0.0005, 0.9995], len(false), level)
    assert low <= sum(false) <= high
