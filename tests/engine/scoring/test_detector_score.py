"""Scores of an ensemble and a density are combined as p-values are, and told apart by column in proportion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gensynth.encoding.rows import Rows
from gensynth.engine.scoring.detector_score import DetectorScorer, ScoreProfile, WeighedDensity
from gensynth.engine.scoring.tails import GammaTail

EXPONENTIAL = ScoreProfile(GammaTail(1.0, 1.0, 0.0), np.zeros(2))
"""Anomaly scores are nats as they are."""


def fixed(column: int) -> Any:
    """Return what stands for an ensemble or a density."""
    return Fixed(column)


class Fixed:
    """Stands for an ensemble: anomaly scores are the codes of one column, attributions all its own."""

    def __init__(self, column):
        self.column = column

    def score(self, rows):
        return -rows.codes[:, self.column].astype(float)

    def attributions(self, rows):
        out = np.zeros(rows.codes.shape)
        out[:, self.column] = rows.codes[:, self.column]
        return out

    def explainers(self, rows):
        return [(self, np.arange(len(rows)))]


class FixedDensity(WeighedDensity):
    """Likewise a density."""

    @property
    def scorer(self):
        return self.model


def rows(codes):
    return Rows(np.zeros((len(codes), 0)), np.array(codes, dtype=np.int32))


def combined(weight):
    return DetectorScorer(fixed(0), EXPONENTIAL, FixedDensity(fixed(1), EXPONENTIAL, weight))


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9])
def test_p_values_are_combined_to_their_weighted_harmonic_mean(weight):
    table = rows([[0, 0], [3, 0], [0, 9], [5, 5], [2, 7]])
    p = np.exp(combined(weight).score(table))
    one, other = np.exp(-table.codes.astype(float)).T
    assert p == pytest.approx(1 / (weight / one + (1 - weight) / other), rel=1e-6)


def test_a_row_is_odd_if_either_says_so_and_its_columns_say_which():
    scorer = combined(0.5)
    table = rows([[15, 0], [0, 15], [0, 0]])
    scores, parts = scorer.score(table), scorer.attributions(table)
    assert scores[0] == pytest.approx(scores[1])
    assert scores[0] < -10
    assert parts.sum(1) == pytest.approx(-scores, abs=1e-6)
    assert parts[0, 0] > 10 * parts[0, 1]
    assert parts[1, 1] > 10 * parts[1, 0]
    assert [at.tolist() for _, at in scorer.explainers(table)] == [[0, 2], [1]]


def test_without_a_density_the_ensemble_speaks_alone():
    scorer = DetectorScorer(fixed(0), EXPONENTIAL)
    table = rows([[4, 9], [0, 9]])
    assert scorer.score(table) == pytest.approx([-4.0, 0.0])
    assert len(scorer.explainers(table)) == 1


def test_columns_count_by_how_much_more_than_usual_they_add():
    profile = ScoreProfile(GammaTail(1.0, 1.0, 0.0), np.array([3.0, 1.0, 0.0]))
    shares = profile.shares(np.array([[3.0, 2.0, 3.0], [1.0, 0.0, -2.0]]))
    assert shares == pytest.approx(np.array([[0.0, 0.25, 0.75], [1 / 3] * 3]))


def test_a_profile_comes_back_from_its_arrays():
    profile = ScoreProfile(GammaTail(2.0, 3.0, -1.0), np.array([1.0, 2.0]))
    again = ScoreProfile.from_arrays(profile.to_arrays())
    assert again.tail == profile.tail
    assert (again.usual == profile.usual).all()
