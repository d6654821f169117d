"""What differences of scores are taken for rounding: fixed ones in float64, measured ones of images in float32."""

from __future__ import annotations

import numpy as np
import pytest
from toy_image_recipe import bars, synthesizer
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.engine.scoring.ensemble import Ensemble
from gensynth.engine.scoring.row_scores import LEAST
from gensynth.export.rounding import DECIDED, MAX_DIFFERENCE, MOST_DIFFERENCE, Rounding
from gensynth.export.tails import TIE


def rounding_of(fitted: Synthesizer, method: str) -> Rounding:
    return Rounding.of(Ensemble([fitted.fitted_], {method: 1.0}), fitted.fitted_)


def test_tables_are_compared_as_ever():
    fitted = Synthesizer(Toy(), trainer=Trainer(max_epochs=1, progress=False), random_state=0)
    fitted.fit(np.random.default_rng(0).normal(size=(60, 2)))
    assert rounding_of(fitted, fitted.model_.score_method(None)) == Rounding(MAX_DIFFERENCE, LEAST, TIE, 0.0)
    assert Rounding().exempt(1000) == 0


@pytest.fixture(scope="module")
def fitted():
    return synthesizer().fit(bars()[0])


def test_of_images_it_is_measured(fitted, monkeypatch):
    """A score that loses half of its digits in float32 may differ by more, and ties are told by as much."""
    fine = rounding_of(fitted, "likelihood")
    assert (fine.difference, fine.tie, fine.share) == (MAX_DIFFERENCE, MAX_DIFFERENCE, DECIDED)
    assert fine.size > 1.0
    own = type(fitted.model_).score

    def cancelled(self, batch, *args, **options):
        found = own(self, batch, *args, **options)
        return type(found)(found.rows * 1e5 - (found.rows * 1e5 - found.rows))

    monkeypatch.setattr(type(fitted.model_), "score", cancelled)
    coarse = rounding_of(fitted, "likelihood")
    assert 1e-4 < coarse.difference == coarse.tie <= MOST_DIFFERENCE


def test_scores_near_zero_are_as_exact_as_usual_ones():
    rounding = Rounding(size=100.0)
    found, wanted = np.array([100.001, 0.001, 1000.01]), np.array([100.0, 0.0, 1000.0])
    np.testing.assert_allclose(rounding.differences(found, wanted), 1e-5, rtol=1e-3)


@pytest.mark.parametrize(("n", "exempt"), [(1, 0), (2, 1), (200, 1), (201, 2), (1000, 5)])
def test_a_few_rows_with_images_may_differ(n, exempt):
    assert Rounding(share=DECIDED).exempt(n) == exempt
