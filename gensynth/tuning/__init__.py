"""Hyperparameter search with Optuna, and search spaces for scikit-learn."""

from __future__ import annotations

from gensynth.tuning.result import Trial, Tuning
from gensynth.tuning.searching import tune
from gensynth.tuning.space import param_distributions, space_of

__all__ = ["Trial", "Tuning", "param_distributions", "space_of", "tune"]
