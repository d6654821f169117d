"""Images are added to rare classes: arrays, flat arrays, DataFrames, with the labels that were asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from toy_image_recipe import QUICK, ToyImages, bars
from toy_models import Toy

from gensynth import AugmentedEstimator, Augmenter, augment
from gensynth.errors import CapabilityError
from gensynth.tables.arrayfiles import image_frame


def rare() -> tuple[np.ndarray, np.ndarray]:
    """Return images of three classes, one of them rare."""
    images, labels = bars(400)
    kept = np.concatenate([np.flatnonzero(labels != 2), np.flatnonzero(labels == 2)[:60]])
    return images[kept], labels[kept]


def augmenter(**options) -> Augmenter:
    return Augmenter(ToyImages(), **{"trainer": QUICK, "random_state": 0, **options})


def test_arrays_come_back_with_more_of_the_rare_class():
    X, y = rare()
    model = augmenter(sampling_strategy="minority")
    images, labels = model.fit_resample(X, y)
    assert np.array_equal(images[: len(X)], X)
    assert images.dtype == np.uint8
    assert np.bincount(labels)[2] == np.bincount(labels).max()
    assert model.synthetic_mask_.sum() == len(images) - len(X)
    new, of = images[model.synthetic_mask_], labels[model.synthetic_mask_]
    assert (new[of == 2].mean((0, 2)).argmax()) == 5  # the row that is bright in its class
    assert model.copies_.n == 0
    assert "synthetic row" in model._repr_html_()
    rows = model.compared(images, labels)
    assert rows.evaluate(random_state=0).verdict.what == "images"


def test_flat_arrays_are_images_of_a_given_shape():
    X, y = rare()
    flat = X.reshape(len(X), -1)
    model = AugmentedEstimator(LogisticRegression(max_iter=500), augmenter(image_shape=(8, 6))).fit(flat, y)
    assert model.n_features_in_ == 48
    assert model.score(flat, y) > 0.95
    images, _ = augmenter(image_shape=(8, 6)).fit_resample(flat, y)
    assert images.shape[1] == 48


def test_lists_of_arrays_stay_lists():
    X, y = rare()
    images, labels = augmenter().fit_resample(list(X), y)
    assert isinstance(images, list)
    assert {image.shape for image in images} == {(8, 6)}
    assert len(images) == len(labels)


@pytest.mark.parametrize("as_frame", [True, False])
def test_augment_balances_and_checks(as_frame):
    X, y = rare()
    data, target = (image_frame(X, y), "label") if as_frame else (X, y)
    result = augment(data, target, balance=True, model=ToyImages(), trainer=QUICK, random_state=0, check=True)
    assert isinstance(result.frame, pd.DataFrame)
    assert list(result.frame) == ["image", "label", "_synthetic"]
    assert result.report.classes_after is not None
    assert len(set(result.report.classes_after.values())) == 1
    assert result.frame.loc[result.frame["_synthetic"], "image"].iloc[0].shape == (8, 6)
    check = result.report.check
    assert check is not None
    assert check.images
    assert {"nothing", "weights", "oversampling"} <= set(check.simple)
    assert "a linear model on pixels" in str(check)
    assert result.report.fidelity is not None


def test_images_alone_have_no_fidelity_of_columns():
    result = augment(rare()[0], n_rows=30, model=ToyImages(), trainer=QUICK, random_state=0)
    assert result.report.fidelity is None
    assert result.synthetic.shape == (30, 8, 6)


def test_families_that_cannot_learn_images_are_refused_before_they_are_trained():
    X, y = rare()
    with pytest.raises(CapabilityError, match="images"):
        Augmenter(Toy(), trainer=QUICK).fit_resample(X, y)


def test_a_model_is_not_chosen_where_there_is_nothing_to_add():
    X, y = bars(60)
    full = np.concatenate([np.flatnonzero(y == k)[: np.bincount(y).min()] for k in range(3)])
    result = augment(X[full], y[full], balance=True, model="auto", random_state=0)
    assert (result.report.n_synthetic, result.report.choice) == (0, None)
    assert len(result.frame) == len(full)
