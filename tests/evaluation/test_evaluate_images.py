"""Evaluations of images: what they are called, which metrics they have, what plugins see of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_image_recipe import ToyImages, bars

from gensynth import Trainer, compare
from gensynth.errors import ColumnWarning, DataError, OptionError
from gensynth.evaluation import evaluate, evaluate_metric
from gensynth.tables.arrayfiles import image_frame


def labelled(seed: int, n: int = 120) -> pd.DataFrame:
    return image_frame(*bars(n, seed))


def test_real_images_are_like_real_ones():
    found = evaluate(labelled(0), labelled(1), labelled(2), target="label", metrics={})
    assert found.verdict.kind in ("real", "close")
    assert "separates it from real images with an AUC of" in found.verdict.text
    assert "no sign of memorised images" in found.verdict.text
    distance = found["frechet_distance"]
    assert distance.floor is not None
    assert distance.ceiling is not None
    assert distance.value < 1.5 * distance.floor < distance.ceiling
    assert found["tstr"].value > 0.95
    assert found["tstr"].ceiling is not None
    assert found["tstr"].ceiling < 0.8  # the labels of shuffled columns say nothing of their images
    assert [column.name for column in found.columns] == ["label"]


def test_copies_through_files_are_found_whatever_stands_beside_them():
    """A copy with another label is a copy; black and white of a file are the ends of the real range."""
    real = labelled(0)
    other = labelled(1).assign(image=real["image"].map(lambda image: image.astype(np.float64)))
    found = evaluate(real, other, labelled(2), metrics={})
    assert found["exact_copies"].value == 1
    assert found["dcr_share"].value > 0.95
    assert found.verdict.text.startswith("Copies of real images: 100 % of the images equal a real image")
    assert found.verdict.heading == "Copies of real images"


def test_images_alone_have_no_columns():
    real = labelled(0)[["image"]]
    noise = image_frame(np.random.default_rng(0).integers(0, 250, (120, 8, 6), dtype=np.uint8))
    found = evaluate(real, noise, metrics={})
    names = {value.name for value in found.values}
    assert {"frechet_distance", "density", "coverage", "detection_auc", "exact_copies", "nearest_share"} == {
        name for name in names if name not in ("alpha_precision", "beta_recall")
    }
    assert found.verdict.kind == "poor"
    assert "the Frechet distance of its images is" in found.verdict.text
    assert found.columns == ()
    assert evaluate_metric("frechet_distance", real, noise) == found["frechet_distance"].value
    with pytest.raises(OptionError, match="'shape_error' needs columns beside the images"):
        evaluate_metric("shape_error", real, noise)


def test_arrays_are_images_too():
    found = evaluate(bars(60, 0)[0], bars(60, 1)[0], metrics={})
    assert found["frechet_distance"].value < 0.1


def test_images_are_needed_for_their_distance():
    table = pd.DataFrame({"x": np.arange(30.0), "y": np.arange(30.0)[::-1]})
    with pytest.raises(OptionError, match="'frechet_distance' needs a column of images"):
        evaluate_metric("frechet_distance", table, table)


def test_images_of_another_size_are_refused():
    small = labelled(1).assign(image=labelled(1)["image"].map(lambda image: image[:6]))
    with pytest.raises(DataError, match=r"synthetic table does not fit .*6 x 6 pixels"):
        evaluate(labelled(0), small)


def test_metrics_of_plugins_see_images():
    def brightness(real: pd.DataFrame, other: pd.DataFrame) -> float:
        return float(np.mean([image.mean() for image in other["image"]]) / np.mean([i.mean() for i in real["image"]]))

    def of_tables(real: pd.DataFrame, other: pd.DataFrame) -> float:
        raise TypeError("no numbers")

    real, other = labelled(0), labelled(1)
    with pytest.warns(ColumnWarning, match="metric of_tables not measured: .*does not take images .TypeError"):
        found = evaluate(real, other, metrics={"brightness": brightness, "of_tables": of_tables})
    assert found["brightness"].value == pytest.approx(1, abs=0.05)
    assert "of_tables" not in found


def test_models_of_images_are_compared():
    trainer = Trainer(max_epochs=2, batch_size=32, progress=False, device="cpu")
    found = compare(labelled(0), {"toy": ToyImages()}, target="label", trainer=trainer)
    assert found["toy"].error is None
    assert "frechet_distance" in found.to_frame()
    assert 0 <= found["toy"].distance <= 1
