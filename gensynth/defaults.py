"""The default models."""

from __future__ import annotations

SAMPLING_MODEL = "vlae"
"""Of `gensynth.Synthesizer`, `gensynth.Augmenter` and `gensynth.augment`."""

DETECTION_MODEL = "vae"
"""Of `gensynth.AnomalyDetector`."""

AUTO_MODEL = "auto"
"""Name that stands for the choice of a model, in `gensynth.augment`."""

AUTO_MODELS = ("vlae", "vae", "cgan", "wgan")
"""What is chosen among, of those installed that can do what is asked."""

AUTO_RATIO = "auto"
"""Ratio that stands for few rows of rare classes, in `gensynth.augment`."""

AUTO_SECONDS = 600.0
"""Time of the choice, and of the rows of the chosen model, where none is given."""
