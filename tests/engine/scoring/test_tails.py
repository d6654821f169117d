"""Tails are those of the distribution that scores come from, and scores stay in order and readable."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gensynth.engine.scoring.tails import MOST, EmpiricalTail, GammaTail, Tail, readable


@pytest.mark.parametrize("shape", [0.5, 2.0, 30.0])
@pytest.mark.parametrize("levels", [(0.1, 0.35, 0.6), (0.2, 0.7, 0.95)])
def test_nats_are_those_of_the_distribution(shape, levels):
    law = stats.gamma(shape, loc=-3.0, scale=7.0)
    tail = GammaTail.fit(law.rvs(200_000, random_state=0), levels)
    far = law.isf([0.5, 1e-2, 1e-3])
    assert tail.nats(far) == pytest.approx(-law.logsf(far), rel=0.15)


def test_nats_go_on_rising_where_probabilities_are_below_the_smallest_float():
    tail = GammaTail(5.0, 1.0, 0.0)
    nats = tail.nats(np.geomspace(1.0, 1e12, 2000))
    assert np.isfinite(nats).all()
    assert (np.diff(nats) > 0).all()
    assert nats[-1] == pytest.approx(1e12, rel=1e-6)


def test_equal_scores_have_a_tail_that_begins_there():
    tail = GammaTail.fit(np.full(30, 4.0), (0.1, 0.35, 0.6))
    assert tail.nats(np.array([3.0, 4.0, 6.0])).tolist() == [0.0, 0.0, 2.0]


def test_readable_scores_keep_their_order_and_end():
    nats = np.r_[np.linspace(0, 20, 50), np.geomspace(21, 1e7, 200)]
    shown = readable(nats)
    assert (shown[:50] == nats[:50]).all()
    assert (np.diff(shown) > 0).all()
    assert shown[-1] < MOST


def test_ranks_are_nats_and_go_on_beyond_the_last():
    anomaly_scores = np.random.default_rng(0).normal(size=2000)
    tail = EmpiricalTail.fit(anomaly_scores)
    assert len(tail.anomaly_scores) <= 256
    for level in (0.5, 0.1, 0.01):
        assert tail.nats(np.quantile(anomaly_scores, [1 - level]))[0] == pytest.approx(-np.log(level), rel=0.06)
    beyond = tail.nats(anomaly_scores.max() + np.arange(4.0))
    assert (np.diff(beyond) > 1).all()
    assert EmpiricalTail.fit(np.full(9, 2.0)).nats(np.array([1.0, 2.0, 5.0])).tolist() == pytest.approx(
        [np.log(10 / 9), np.log(10 / 9), np.log(10 / 9) + 3]
    )


def test_tails_come_back_from_their_arrays():
    anomaly_scores = np.random.default_rng(0).gamma(3, size=300)
    for tail in (EmpiricalTail.fit(anomaly_scores), GammaTail.fit(anomaly_scores, (0.2, 0.7, 0.95))):
        assert (Tail.from_array(tail.to_array()).nats(anomaly_scores) == tail.nats(anomaly_scores)).all()
