"""Families of images as graphs: every score, its map, and samples as functions of noise, as torch computes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Generator

from gensynth import Synthesizer, Trainer
from gensynth.engine.scoring import by_member
from gensynth.export.compile import compiled
from gensynth.export.runtime import Session
from gensynth.model import Batch
from gensynth.nn.noise import Noise, noise_widths, rows_from_noise
from gensynth.registry import default_registry

QUICK = ("vae", "vq-vae", "cgan")
MODELS = [
    pytest.param(entry.spec.name, marks=() if entry.spec.name in QUICK else pytest.mark.slow)
    for entry in default_registry().models()
    if entry.distribution == "gensynth"
]
LEVELS = 17


@pytest.mark.parametrize("model", MODELS)
def test_every_family(model):
    images = load_digits().images[:200]
    trainer = Trainer(max_epochs=1, batch_size=64, progress=False, device="cpu")
    fitted = Synthesizer(model, trainer=trainer, random_state=0).fit(images).fitted_
    pixels = torch.tensor((images[:40, None] + 0.5) / LEVELS, dtype=torch.float32)
    for method in fitted.model.score_methods:

        def score(pixels, method=method):
            none = pixels.new_zeros(len(pixels), 0)
            found = fitted.scorer.score(Batch(none, none.long(), none, pixels), method, attribute=True)
            maps = [] if found.pixels is None else [by_member(found.pixels, 3)[0]]
            return [by_member(found.rows, 1)[0], *maps]

        session = Session(compiled(score, [pixels]))
        with torch.no_grad():
            wanted = [part.numpy() for part in score(pixels)]
        for n in (40, 1):
            found = session.run({"x0": pixels[:n].numpy()})
            np.testing.assert_allclose(found["y0"], wanted[0][:n], rtol=1e-5, atol=1e-5, err_msg=method)
            for maps in wanted[1:]:
                np.testing.assert_allclose(found["y1"], maps[:n], rtol=1e-4, atol=1e-4, err_msg=method)

    noise = noise_widths(fitted.model).draw(20, Generator().manual_seed(0))

    def sample(uniform, normal):
        drawn = rows_from_noise(fitted.model, Noise(uniform, normal)).pixels
        assert drawn is not None
        return [drawn]

    with torch.no_grad():
        (wanted_pixels,) = sample(*noise)
    found = Session(compiled(sample, noise)).run({f"x{i}": part.numpy() for i, part in enumerate(noise)})
    levels = [np.floor(own * LEVELS) for own in (found["y0"], wanted_pixels.numpy())]
    assert np.mean(np.abs(levels[0] - levels[1]) > 1) <= 1e-3
