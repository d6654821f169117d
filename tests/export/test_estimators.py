from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.engine.tensors import place_of

TABLE = pd.DataFrame({"x": np.random.default_rng(0).normal(size=200), "c": list("ab") * 100})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_models_on_a_gpu_are_exported_and_stay_there(tmp_path):
    trainer = Trainer(max_epochs=1, device="cuda", progress=False)
    synthesizer = Synthesizer("vae", trainer=trainer, random_state=0).fit(TABLE)
    synthesizer.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=20)
    assert place_of(synthesizer.fitted_.model)[0].type == "cuda"
    detector = AnomalyDetector("vae", trainer=trainer, random_state=0).fit(TABLE)
    detector.to_onnx(tmp_path / "detector.onnx", check=20)
    assert all(place_of(own.model)[0].type == "cuda" for own in detector.estimators_)


def test_export_leaves_models_and_scores_as_they_are(tmp_path):
    detector = AnomalyDetector("vae", trainer=Trainer(max_epochs=1, progress=False), random_state=0).fit(TABLE)
    before, scorers = detector.score_samples(TABLE), [own.scorer for own in detector.estimators_]
    detector.to_onnx(tmp_path / "detector.onnx", check=20)
    assert [own.scorer for own in detector.estimators_] == scorers  # none is made again
    np.testing.assert_array_equal(detector.score_samples(TABLE), before)
