"""Hyperparameters that suit a table: search spaces for scikit-learn."""

from __future__ import annotations

from gensynth.tuning.space import param_distributions, space_of

__all__ = ["param_distributions", "space_of"]
