"""Grids of latents and of nearest images: their sizes, their ends, what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from gensynth import Synthesizer, Trainer
from gensynth.errors import CapabilityError, OptionError
from gensynth.report.latentgrids import interpolation_grid, nearest_grid, nearest_images, traversal_grid
from gensynth.tables import stream
from gensynth.tables.images import frame_stream, image_frame

DIGITS = load_digits().images[:200]


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    trainer = Trainer(max_epochs=2, progress=False, device="cpu")
    return Synthesizer("vae", trainer=trainer, random_state=0).fit(DIGITS)


def test_ways_begin_and_end_at_what_the_model_makes_of_the_images(fitted):
    grid = np.asarray(interpolation_grid(fitted, DIGITS[:2], DIGITS[2:4], steps=3).convert("L"))
    assert grid.shape == (8 + 2 * 60 + 4, 8 + 3 * 60 + 4)  # margins, tiles and what is between them
    ends = np.asarray(interpolation_grid(fitted, DIGITS[:1], DIGITS[:1], steps=2).convert("L"))
    assert np.array_equal(ends[8:64, 8:64], ends[8:64, 68:124])
    assert not np.array_equal(grid[8:64, 8:64], grid[8:64, 128:184])
    with pytest.raises(OptionError, match="as many of both"):
        interpolation_grid(fitted, DIGITS[:3], DIGITS[:2])
    with pytest.raises(OptionError, match="at least 2"):
        interpolation_grid(fitted, DIGITS[:1], DIGITS[:1], steps=1)


def test_a_traversal_has_a_row_for_each_latent(fitted):
    all_of_them = traversal_grid(fitted, DIGITS, steps=3)
    two = traversal_grid(fitted, DIGITS, latents=[0, 5], steps=3)
    assert all_of_them.width == two.width
    assert all_of_them.height > 7 * two.height
    with pytest.raises(OptionError, match="latents 0 to 31"):
        traversal_grid(fitted, DIGITS, latents=[32])
    with pytest.raises(OptionError, match="at least 2 rows"):
        traversal_grid(fitted, DIGITS[:1])


def test_tables_have_no_images_to_show():
    trainer = Trainer(max_epochs=1, progress=False, device="cpu")
    fitted = Synthesizer("vae", trainer=trainer, random_state=0).fit(np.random.default_rng(0).normal(size=(60, 2)))
    with pytest.raises(CapabilityError, match="no images"):
        traversal_grid(fitted, np.zeros((3, 2)))


def test_the_nearest_image_is_found_with_its_distance(monkeypatch):
    drawn = DIGITS[[7, 20]] + np.array([0.0, 2.0]).reshape(2, 1, 1)
    nearest, distance = nearest_images(drawn, DIGITS)
    brute = ((drawn[1] - DIGITS) ** 2).mean((1, 2))
    assert nearest.tolist() == [7, int(brute.argmin())]
    assert distance == pytest.approx([0.0, brute.min() ** 0.5])
    assert nearest_grid(drawn, DIGITS).width > 100
    monkeypatch.setattr(stream, "BATCH_VALUES", 5 * DIGITS[0].size)
    images = frame_stream(image_frame(DIGITS), "digits")
    assert images.batch_rows == 5
    again, same = nearest_images(drawn, images)
    assert (again.tolist(), same.tolist()) == (nearest.tolist(), distance.tolist())
    assert nearest_grid(drawn, images).tobytes() == nearest_grid(drawn, DIGITS).tobytes()
    with pytest.raises(OptionError, match="cannot be compared"):
        nearest_images(drawn, DIGITS[:, :4])


def test_tables_with_images_are_compared_by_these():
    frame = pd.DataFrame({"label": 1, "image": list(DIGITS)}, index=np.arange(len(DIGITS))[::-1])
    drawn = frame[3:5]
    nearest, distance = nearest_images(drawn, frame)
    assert (nearest.tolist(), distance.tolist()) == ([3, 4], [0.0, 0.0])
    assert nearest_grid(drawn, frame).tobytes() == nearest_grid(DIGITS[3:5], DIGITS).tobytes()
    with pytest.raises(OptionError, match=r"\(8, 8\) and \(4, 8\) cannot be compared"):
        nearest_images([DIGITS[0], DIGITS[1][:4]], DIGITS)


def test_flat_images_are_shown_in_their_shape():
    trainer = Trainer(max_epochs=1, progress=False, device="cpu")
    flat = DIGITS.reshape(len(DIGITS), -1)
    fitted = Synthesizer("vae", trainer=trainer, random_state=0, image_shape=(8, 8)).fit(flat)
    square = Synthesizer("vae", trainer=trainer, random_state=0).fit(DIGITS)
    grid = interpolation_grid(fitted, flat[:2], flat[2:4], steps=3)
    assert grid.tobytes() == interpolation_grid(square, DIGITS[:2], DIGITS[2:4], steps=3).tobytes()
