"""Columns of arrays in metrics: images by their pixels, features by their numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_image_recipe import bars

from gensynth.errors import CapabilityError, DataError
from gensynth.metrics import copies, detection, drift, fidelity, memorisation, neighbours, utility, validity
from gensynth.metrics.points import points
from gensynth.metrics.vectors import digests, is_vector, shrunk, vectors
from gensynth.tables.arrayfiles import image_frame


def labelled(n: int = 120, seed: int = 0) -> pd.DataFrame:
    return image_frame(*bars(n, seed))


def test_images_are_vectors_of_their_pixels():
    column = labelled(5)["image"]
    assert is_vector(column)
    assert vectors(column).shape == (5, 48)
    assert vectors(column).dtype == np.float32
    assert vectors(column.map(lambda image: image / 255)).dtype == np.float64
    assert vectors(column.iloc[:0], like=column).shape == (0, 48)
    assert not is_vector(labelled(5)["label"])
    assert not is_vector(pd.Series(["a", "b"], dtype=object))


@pytest.mark.parametrize("cell", [None, np.zeros((3, 3)), "a"])
def test_what_is_no_such_array_is_named(cell):
    column = labelled(5)["image"].copy()
    column[3] = cell
    with pytest.raises(DataError, match=r"column 'image', row 3 holds .*expected 8 x 6 numbers"):
        vectors(column)


def test_equal_images_have_equal_digests_whatever_their_dtype():
    column = labelled(20)["image"]
    floats = column.map(lambda image: image.astype(np.float32)[..., None])  # one channel is none
    assert (digests(column) == digests(floats)).all()
    assert (digests(column) != digests(column.map(lambda image: image[::-1]))).all()


def test_copies_of_images_are_found():
    real, other = labelled(40, 0), labelled(40, 1)
    mixed = pd.concat([other[:10], real[:5]], ignore_index=True)
    assert copies(real, mixed).tolist() == [False] * 10 + [True] * 5


def test_distances_are_in_units_of_two_different_images():
    a, b = points(labelled(200)[["image"]], labelled(100, 1)[["image"]])
    apart = ((a[:, None] - a[None]) ** 2).sum(2)
    assert apart[~np.eye(len(a), dtype=bool)].mean() == pytest.approx(1, abs=0.02)
    assert b.shape == (100, 48)


def test_metrics_of_images():
    real, held, other = labelled(150, 0), labelled(150, 1), labelled(150, 2)
    assert memorisation(real, held, real).dcr_share > 0.95
    assert memorisation(real, held, other).dcr_share == pytest.approx(0.5, abs=0.15)
    assert neighbours(real, other).coverage > 0.9
    found = detection(real, other.assign(image=other["image"].map(lambda image: image // 2)))
    assert found.auc > 0.95
    assert utility(other, real, "label") > 0.95
    assert utility(other.assign(label=other["label"].to_numpy()[::-1]), real, "label") < 0.75


def test_columns_beside_images_are_compared_alone():
    real, other = labelled(60), labelled(60, 1)
    assert [column.name for column in fidelity(real, other).columns] == ["label"]
    assert validity(real, other).type_validity == 1
    with pytest.raises(DataError, match=r"nothing but images \('image'\)"):
        fidelity(real[["image"]], other[["image"]])


def test_drift_refuses_images():
    with pytest.raises(CapabilityError, match="'image' holds images"):
        drift(labelled(30), labelled(30, 1))


def test_large_images_are_shrunk_to_means():
    rng = np.random.default_rng(0)
    column = pd.Series([rng.random((64, 48, 3)), rng.random((64, 48, 3))])
    small = shrunk(column, 200)
    assert small[0].size <= 200
    assert small[0].mean() == pytest.approx(column[0].mean(), abs=0.02)
    assert shrunk(column[:1].map(lambda image: image[:4, :4]), 200)[0].shape == (4, 4, 3)
