"""Anomaly detectors of images: scores, p-values, maps, labels that are ignored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_image_recipe import QUICK, ToyImages, bars

from gensynth import AnomalyDetector
from gensynth.engine.parameters import make_recipe
from gensynth.engine.scoring.ensemble import Ensemble
from gensynth.errors import CapabilityError
from gensynth.tables.imagearrays import objects_of


def detector(**options) -> AnomalyDetector:
    return AnomalyDetector(ToyImages(), **{"trainer": QUICK, "random_state": 0, **options})


@pytest.fixture(scope="module")
def fitted() -> AnomalyDetector:
    return detector(novelty=True).fit(bars(200)[0])


def strange(n=4):
    images = bars(n, 5)[0]
    images[:, 7, 4] = 255
    images[:, 0, 1] = 255
    return images


def test_strange_images_are_found(fitted):
    usual, odd = bars(50, 9)[0], strange()
    assert fitted.score_samples(odd).max() < np.median(fitted.score_samples(usual))
    p = fitted.p_values(np.concatenate([usual, odd]))
    assert ((p > 0) & (p <= 1)).all()
    assert p[-4:].max() < np.median(p[:50])
    assert set(fitted.predict(odd)) <= {-1, 1}
    assert fitted.density_ is None


def test_a_score_is_its_row_s_alone(fitted):
    rows = np.concatenate([bars(70, 9)[0], strange()])
    scores, order = fitted.score_samples(rows), np.random.default_rng(0).permutation(74)
    assert np.array_equal(fitted.score_samples(rows[order]), scores[order])
    assert fitted.score_samples(rows[70:71]) == scores[70]


def test_maps_show_where_and_sum_to_the_image_s_part(fitted):
    odd = strange()
    maps = fitted.score_maps(odd)
    assert maps.shape == (4, 8, 6)
    assert maps.min() >= 0
    np.testing.assert_allclose(maps.sum((1, 2)), fitted.explain(odd)["image"], rtol=1e-9)
    np.testing.assert_allclose(maps.sum((1, 2)), -fitted.score_samples(odd), rtol=1e-9)
    for one in maps:
        top = {tuple(map(int, np.unravel_index(i, one.shape))) for i in np.argsort(one, axis=None)[-2:]}
        assert top == {(7, 4), (0, 1)}
    assert fitted.reasons(odd[:1]) == ["image is unusual"]
    assert fitted.score_maps(odd, method="likelihood").shape == (4, 8, 6)


def test_contaminated_rows_flat_rows_several_models_and_tables():
    images, labels = bars(100)
    images[:4] = strange()
    for X, options in (
        (images, {"n_estimators": 2}),
        (images.reshape(100, -1), {"image_shape": (8, 6)}),
        (pd.DataFrame({"image": objects_of(list(images)), "label": labels}), {"method": "likelihood"}),
    ):
        found = detector(**options).fit(X, labels)
        assert found.score_samples(X)[:4].max() < np.median(found.score_samples(X))
        assert found.score_maps(X).shape == (100, 8, 6)
        parts = found.explain(X)
        np.testing.assert_allclose(parts.sum(axis=1), -found.score_samples(X), rtol=1e-6)


def test_methods_that_cannot_say_where_count_evenly():
    found = AnomalyDetector(ToyImages(mixed=True), trainer=QUICK, random_state=0).fit(bars(100)[0])
    odd = strange(1)
    maps = found.score_maps(odd)
    np.testing.assert_allclose(maps.sum((1, 2)), found.explain(odd)["image"], rtol=1e-9)
    assert maps[0, 7, 4] > 5 * np.median(maps)
    whole = Ensemble(found.estimators_, found.score_weights_, found.scaling_)
    _, rows = whole.encode(pd.DataFrame({"image": objects_of(list(odd))}))
    np.testing.assert_allclose(whole.maps(rows).sum((1, 2)), -whole.score(rows), rtol=1e-6)


def test_a_family_without_maps_is_fitted_all_the_same():
    found = detector(method="whole").fit(bars(60)[0])
    assert found.scorer_.profile.usual_map is None
    assert found.explain(bars(3)[0]).shape == (3, 1)


def test_settings_that_draw_images_are_taken_for_a_detector_of_them():
    images = bars(120)[0]
    fitted = AnomalyDetector(make_recipe("vae").set_params(prior="normal"), trainer=QUICK, random_state=0).fit(images)
    assert fitted.estimators_[0].recipe.prior == "normal"
    maps = fitted.score_maps(images[:2], method="elbo")
    assert maps.shape == (2, 8, 6)
    with pytest.raises(CapabilityError, match="method='elbo'"):
        fitted.score_maps(images[:2], method="kl")
