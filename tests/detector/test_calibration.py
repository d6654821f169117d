"""Thresholds and the estimated share are what statistics says they are."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats

from gensynth.detector.calibration import (
    DENSITY_BODY,
    DENSITY_LEVELS,
    benjamini_hochberg,
    estimate_by_category,
    estimate_contamination,
    estimate_share,
    gamma_p_values,
    tail_p_values,
    threshold_at,
    threshold_of_share,
    within_categories,
)
from gensynth.engine.scoring.conformal import conformal_p_values


def test_a_threshold_is_crossed_as_often_as_it_says():
    rng = np.random.default_rng(0)
    false = [rng.normal() < threshold_at(rng.normal(size=99), 0.1) for _ in range(4000)]
    low, high = stats.binom.ppf([0.0005, 0.9995], len(false), 0.1)
    assert low <= sum(false) <= high


def test_benjamini_hochberg_agrees_with_scipy():
    p = np.random.default_rng(0).random(200) ** 3
    assert (benjamini_hochberg(p, 0.1) == (stats.false_discovery_control(p) <= 0.1)).all()
    assert not benjamini_hochberg(np.full(5, 0.9), 0.1).any()


def test_false_discoveries_are_as_rare_as_asked():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        scores = np.r_[rng.normal(size=180), rng.normal(-6, 1, 20)]
        found = benjamini_hochberg(conformal_p_values(scores, rng.normal(size=1000)), 0.1)
        shares.append(found[:180].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.1 + 3 * np.std(shares) / len(shares) ** 0.5
    assert found[180:].mean() > 0.9


@pytest.mark.parametrize("share", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("normal", [stats.norm(), stats.gamma(2), stats.gamma(20)])
def test_the_share_of_anomalies_is_found(normal, share):
    rng = np.random.default_rng(0)
    n_odd = round(share * 2000)
    reach = normal.ppf(0.9999)
    anomaly_scores = np.r_[normal.rvs(2000 - n_odd, random_state=rng), reach * (1.5 + rng.exponential(size=n_odd))]
    assert estimate_share(anomaly_scores) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_anomalies_right_beyond_the_normal_rows_are_counted(share):
    """They are a group of their own, and no farther out than one normal row in a hundred."""
    rng = np.random.default_rng(0)
    n_odd = round(share * 2000)
    anomaly_scores = np.r_[rng.exponential(size=2000 - n_odd), rng.normal(5.5, 0.4, size=n_odd)]
    assert share / 2 < estimate_share(anomaly_scores) < 2 * share


def test_equal_scores_have_no_anomalies():
    assert estimate_share(np.zeros(50)) == 0.0


def test_what_is_not_a_number_is_never_normal():
    p = conformal_p_values(np.array([np.nan, -np.inf, 9.0]), np.array([3.0, 1.0, 2.0]))
    assert p == pytest.approx([1 / 4, 1 / 4, 1.0])


@pytest.mark.parametrize(
    ("scores", "share", "below"),
    [
        ([-9.0] * 5 + [0.0] * 295, 0.002, 5),  # five equal rows, far from the others
        ([-9.0] * 5 + [0.0] * 295, 0.01, 5),
        (list(range(100)), 0.1, 10),
        (list(range(101)), 0.1, 10),
        ([0.0] * 50, 0.1, 0),  # nothing to tell apart
        ([0.0] * 40 + [1.0] * 10, 0.1, 0),  # so many are no anomalies
        ([-1.0] + [0.0] * 30 + [1.0] * 69, 0.1, 31),
    ],
)
def test_scores_that_are_equal_at_the_threshold_are_below_it_together(scores, share, below):
    scores = np.array(scores)
    assert np.count_nonzero(scores < threshold_of_share(scores, share)) == below


def test_a_share_that_depends_on_where_the_tail_begins_has_a_wide_range():
    normal = np.random.default_rng(0).exponential(size=2000)
    clear = np.r_[normal, np.linspace(30, 60, 60)]
    blurred = np.r_[normal, np.linspace(3, 8, 240)]
    many = np.r_[normal, np.linspace(5, 15, 240)]
    for anomaly_scores, share in ((clear, 0.03), (many, 0.107)):
        _, (low, high) = estimate_contamination(-anomaly_scores, -anomaly_scores, None)
        assert low == pytest.approx(share, rel=0.16)
        assert high == pytest.approx(share, rel=0.16)
    _, (low, high) = estimate_contamination(-blurred, -blurred, None)
    assert low < 0.01 < 0.05 < high


def test_rows_that_only_the_ensemble_finds_odd_are_rare_not_anomalous():
    """As those of a rare category, which a density knows to be rare."""
    rng = np.random.default_rng(0)
    odd = -np.r_[rng.exponential(size=1900), rng.normal(12, 1, size=100)]
    even = -rng.exponential(size=2000)
    share, (low, _) = estimate_contamination(odd, odd, even)
    assert low <= share < 0.002
    share, _ = estimate_contamination(odd, odd, odd)
    assert 0.04 < share <= 0.05


def test_two_of_three_estimates_must_agree():
    """Anomalies near the normal rows are no excess over an exponential tail, which they make heavy themselves."""
    rng = np.random.default_rng(0)
    near, none = np.r_[rng.normal(size=1800), rng.normal(3.5, 0.5, size=200)], rng.normal(size=2000)
    assert estimate_share(near, partial(tail_p_values, body=DENSITY_BODY)) < 0.03
    assert 0.05 < estimate_share(near, partial(gamma_p_values, levels=DENSITY_LEVELS)) < 0.15
    assert 0.05 < estimate_contamination(-near, -near, -near)[0] < 0.15
    assert estimate_contamination(-near, -none, -near)[0] < 0.03


def test_a_category_of_many_rows_is_not_counted_by_itself():
    rng = np.random.default_rng(0)
    codes = (np.arange(1000) % 10 == 0).astype(np.int32)[:, None]
    density = -rng.exponential(0.4, size=1000) - 3.0 * codes[:, 0]
    density[:9] -= 12.0
    alone = estimate_contamination(density, density, density)[0]
    assert alone > 0.05
    share, (low, high) = estimate_by_category(density, density, density, codes)
    assert 0.004 < share < 0.02
    assert low <= share <= high


def test_few_rows_of_a_category_keep_their_scores():
    scores, codes = np.arange(100.0), np.zeros((100, 1), dtype=np.int32)
    codes[95:] = 1
    relative = within_categories(scores, codes)
    assert (np.diff(relative[90:]) > 0).all()
    codes[80:] = 1
    assert within_categories(scores, codes)[80:].max() < 11.0
