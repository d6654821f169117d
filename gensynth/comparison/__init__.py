"""Comparison of models on one table: each is fitted to a training set and evaluated on held-out rows."""

from __future__ import annotations

from gensynth.comparison.comparing import compare
from gensynth.comparison.result import Comparison, ModelResult

__all__ = ["Comparison", "ModelResult", "compare"]
