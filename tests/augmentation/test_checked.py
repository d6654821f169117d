"""What a check of new rows says, by its scores."""

from __future__ import annotations

import pytest

from gensynth.augmentation.checked import AugmentCheck


@pytest.mark.parametrize(
    ("scores", "best", "said"),
    [
        (((0.5, 0.5, 0.65), (0.4, 0.5, 0.6), (0.3, 0.4, 0.5)), "nothing", "do not help; use the real rows alone"),
        (((0.5, 0.6, 0.7), (0.4, 0.5, 0.6), (0.3, 0.4, 0.5)), "synthetic", "the new rows help; keep them"),
        (((0.4, 0.5, 0.6), (0.5, 0.6, 0.7), (0.5, 0.6, 0.7)), "nothing", "hurt; use the real rows alone"),
        (((0.5, 0.6, 0.7), (0.5, 0.6, 0.7), (0.6, 0.7, 0.8)), "weights", "do not help; use class weights"),
        (((0.6, 0.5, 0.7), (0.5, 0.6, 0.65), (0.5, 0.6, 0.7)), "nothing", "do not help; use the real rows alone"),
        (((0.502, 0.602), (0.5, 0.6), (0.5, 0.6)), "nothing", "do not help"),
    ],
)
def test_a_recommendation_needs_more_than_the_spread_of_the_folds(scores, best, said):
    synthetic, nothing, weights = scores
    found = AugmentCheck(synthetic, nothing, weights, "yes")
    assert found.best == best
    assert said in str(found)
    assert "average precision of 'yes'" in str(found)


def test_simpler_ways_have_to_be_beaten():
    better, worse = (0.6, 0.7, 0.8), (0.5, 0.6, 0.7)
    beaten = AugmentCheck(better, worse, worse, "yes", None, better)
    assert beaten.best == "oversampling"
    assert "the new rows help no more than what is simpler; use random oversampling of the real rows" in str(beaten)
    assert AugmentCheck(better, worse, worse, "yes", None, worse, worse).best == "synthetic"
    assert AugmentCheck(worse, worse, better, "yes", None, better, better).best == "weights", "the simplest of equals"


def test_a_notebook_shows_what_is_best_and_each_fold():
    found = AugmentCheck((0.9, 0.8, 0.85), (0.7, 0.6, 0.65), (0.7, 0.6, 0.65), positive="<b>rare</b>")
    shown = found._repr_html_()
    assert "the new rows help; keep them" in shown
    assert "<td>0.8500</td><td>0.9000</td><td>0.8000</td>" in shown
    assert "<b>rare" not in shown
