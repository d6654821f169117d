"""Which models are taken where none is named."""

from __future__ import annotations

SAMPLING_MODEL = "vlae"
"""Of `gensynth.Synthesizer`, `gensynth.Augmenter` and `gensynth.augment`."""

DETECTION_MODEL = "vae"
"""Of `gensynth.AnomalyDetector`."""
