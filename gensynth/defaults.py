"""The default models."""

from __future__ import annotations

SAMPLING_MODEL = "vlae"
"""Default model of `gensynth.Synthesizer`, `gensynth.Augmenter` and `gensynth.augment`."""

DETECTION_MODEL = "vae"
"""Default model of `gensynth.AnomalyDetector`."""

AUTO_MODEL = "auto"
"""Value of ``model`` with which `gensynth.augment` chooses the model itself."""

AUTO_MODELS = ("vlae", "vae", "cgan", "wgan")
"""Candidates for that choice, if installed and capable of the task."""

AUTO_RATIO = "auto"
"""Value of ``ratio`` with which `gensynth.augment` adds a few rows to rare classes."""

AUTO_SECONDS = 600.0
"""Default time limit for choosing a model and drawing its rows."""
