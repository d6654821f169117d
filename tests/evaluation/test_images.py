from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_image_recipe import bars

from gensynth.evaluation.images import ImageColumn
from gensynth.evaluation.samples import Samples
from gensynth.metrics import detection
from gensynth.schema.image import ImageSchema
from gensynth.tables.arrayfiles import image_frame


def column(channels: int | None = None) -> tuple[ImageColumn, pd.Series]:
    images = bars(40, channels=channels)[0]
    return ImageColumn("image", ImageSchema.infer(images, "image")), image_frame(images)["image"]


def test_levels_are_those_of_the_pixels():
    own, cells = column()
    assert all(np.array_equal(a, b) for a, b in zip(own.levels(cells), cells, strict=True))
    colour, cells = column(3)
    assert all(np.array_equal(a, b) for a, b in zip(colour.levels(cells), cells, strict=True))


def test_features_tell_images_apart():
    for channels in (None, 3):
        own, cells = column(channels)
        features = own.with_features_of(own.levels(cells)).represented(own.levels(cells))
        assert {cell.shape for cell in features} == {(64,)}
        assert not np.allclose(features[0], features[1])
        assert own.in_pixels.represented(cells) is cells


def test_independent_pixels_have_the_values_of_real_ones():
    own, cells = column()
    shuffled = own.independent(own.levels(cells), 0)
    real, other = (np.stack(part.tolist()) for part in (cells, shuffled))
    assert np.array_equal(np.sort(real, 0), np.sort(other, 0))
    assert not np.array_equal(real, other)
    assert np.corrcoef(other[:, 1, 0], other[:, 1, 1])[0, 1] < 0.5 < np.corrcoef(real[:, 1, 0], real[:, 1, 1])[0, 1]


@pytest.mark.parametrize("n", [40, 80])
def test_few_images_are_not_told_from_others_of_their_source(n: int) -> None:
    """Directions that are as many as the images fit these, and no others."""
    found = []
    for seed in range(4):
        samples = Samples.of(*(image_frame(bars(n, 2 * seed + k)[0]) for k in (0, 1)))
        found.append(detection(samples.real, samples.synthetic).auc)
    assert 0.35 < np.mean(found) < 0.65
