"""Lists of rows, masked arrays and tables that are read in batches, by way of the estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.dataset
import pytest
from sklearn.linear_model import LogisticRegression
from toy_image_recipe import bars, synthesizer
from toy_models import Toy

from gensynth import AnomalyDetector, AugmentedEstimator, Augmenter, Synthesizer, Trainer
from gensynth.errors import DataError
from gensynth.tables import open_table

QUICK = Trainer(max_epochs=2, progress=False, device="cpu")
GAP = float("nan")
ROWS = [["a" if i % 3 else GAP, float(i % 7) if i % 5 else GAP, i % 2 == 0] for i in range(80)]


def test_a_list_of_rows_is_fitted_as_the_table_of_its_cells():
    fitted = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(ROWS)
    assert [column.kind for column in fitted.schema_.columns] == ["categorical", "numeric", "boolean"]
    assert [column.missing for column in fitted.schema_.columns] == [True, True, False]
    drawn = pd.DataFrame(fitted.sample(200))
    assert {type(cell) for cell in drawn[1]} == {float}
    assert drawn[[0, 1]].isna().any().all()
    table = pd.DataFrame(ROWS, columns=["x0", "x1", "x2"])
    np.testing.assert_array_equal(fitted.score_samples(ROWS), fitted.score_samples(table))


def test_a_table_s_model_scores_a_list_of_rows_with_gaps():
    table = pd.DataFrame(ROWS, columns=["c", "x", "b"])
    fitted = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table)
    with pytest.warns(UserWarning, match="feature names"):
        scores = fitted.score_samples(ROWS)
    np.testing.assert_array_equal(scores, fitted.score_samples(table))


@pytest.mark.parametrize("kind", ["float", "int"])
def test_masked_cells_are_learned_and_scored_as_missing(kind):
    values = np.random.default_rng(0).integers(0, 9, (80, 2))
    masked = np.ma.masked_equal(values.astype(kind), 3)
    table = pd.DataFrame(values, columns=["x0", "x1"]).astype("Int64").mask(values == 3)
    fitted = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(masked)
    assert all(column.missing for column in fitted.schema_.columns)
    drawn = pd.DataFrame(fitted.sample(200))
    assert drawn.isna().any().all()
    assert not drawn.eq(3).any().any()
    np.testing.assert_array_equal(fitted.score_samples(masked), fitted.score_samples(table))
    detector = AnomalyDetector(Toy(), trainer=QUICK, random_state=0, density=False).fit(masked)
    np.testing.assert_array_equal(detector.score_samples(masked), detector.score_samples(table))


def test_labels_beside_images_keep_their_gaps():
    images, classes = bars()
    labels = [GAP if i == 0 else "ab"[c % 2] for i, c in enumerate(classes)]
    assert synthesizer().fit(images, labels).schema_["label"].missing
    assert synthesizer().fit(images, np.ma.masked_equal(classes, classes[0])).schema_["label"].missing
    with pytest.raises(DataError, match="pixels are masked"):
        synthesizer().fit(np.ma.masked_equal(images, images.max()), classes)
    flat = images.reshape(len(images), -1)
    with pytest.raises(DataError, match="pixels are masked"):
        synthesizer(image_shape=images.shape[1:]).fit(np.ma.masked_equal(flat, images.max()))


def test_flat_images_that_lack_the_fitted_labels_are_told_so():
    images, labels = bars()
    flat = images.reshape(len(images), -1)
    fitted = synthesizer(image_shape=images.shape[1:]).fit(flat, labels)
    with pytest.raises(DataError, match="fitted together with 'label': give a DataFrame"):
        fitted.score_samples(flat)
    with pytest.raises(DataError, match=r"an array of shape \(\d+, 7\) came"):
        fitted.score_samples(flat[:, :7])


def test_masked_rows_are_not_augmented():
    X = np.ma.masked_greater(np.random.default_rng(0).normal(size=(40, 2)), 1)
    y = np.arange(40) % 4 == 0
    augmenter = Augmenter(Toy(), trainer=QUICK, random_state=0)
    with pytest.raises(DataError, match="cells are masked, the first in row"):
        augmenter.fit_resample(X, y)
    with pytest.raises(DataError, match="cells are masked, the first in row 1"):
        augmenter.fit_resample(X.filled(0), np.ma.masked_array(y, np.arange(40) == 1))
    with pytest.raises(DataError, match="cells are masked"):
        AugmentedEstimator(LogisticRegression(), augmenter).fit(X, y)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=90), "c": rng.choice(["a", "b"], 90), "g": rng.integers(0, 5, 90) / 2})
    table.loc[::9, "g"] = np.nan
    for i in range(3):
        table[i * 30 : (i + 1) * 30].to_parquet(tmp_path / f"{i}.parquet", index=False)
    return table, tmp_path


@pytest.mark.parametrize("kind", ["stream", "data set"])
def test_detectors_judge_what_is_read_in_batches(files, kind):
    table, folder = files
    data = open_table(folder) if kind == "stream" else pyarrow.dataset.dataset(folder)
    for novelty in (True, False):
        detector = AnomalyDetector(Toy(), trainer=QUICK, random_state=0, density=False, novelty=novelty).fit(table)
        for ask in ("score_samples", "decision_function", "predict", "p_values", "predict_proba", "explain"):
            np.testing.assert_array_equal(getattr(detector, ask)(data), getattr(detector, ask)(table), err_msg=ask)
        assert detector.reasons(data) == detector.reasons(table)


@pytest.mark.parametrize("kind", ["stream", "data set"])
def test_synthesizers_take_what_is_read_in_batches(files, kind):
    table, folder = files
    data = open_table(folder) if kind == "stream" else pyarrow.dataset.dataset(folder)
    fitted = Synthesizer("vae", trainer=QUICK, random_state=0).fit(table)
    for ask in ("score_samples", "explain", "transform"):
        np.testing.assert_array_equal(getattr(fitted, ask)(data), getattr(fitted, ask)(table), err_msg=ask)
    filled = fitted.impute(table, random_state=1)
    pd.testing.assert_frame_equal(fitted.impute(data, random_state=1), filled)
    parts = [frame for _, frame in fitted.impute_batches(data, random_state=1)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), filled)
    assert sum(len(analysis.scores) for _, analysis in fitted.analyse_batches(data)) == 90
