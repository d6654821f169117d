"""Several models on one table: each fitted on a part of the rows, and judged on the rest."""

from __future__ import annotations

from gensynth.comparison.comparing import compare
from gensynth.comparison.result import Comparison, ModelResult

__all__ = ["Comparison", "ModelResult", "compare"]
