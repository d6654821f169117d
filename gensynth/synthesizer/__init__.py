"""The scikit-learn face of every generative model: see `Synthesizer`."""

from __future__ import annotations

from gensynth.synthesizer.estimator import Synthesizer

__all__ = ["Synthesizer"]
