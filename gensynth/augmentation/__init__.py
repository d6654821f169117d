"""Data augmentation with synthetic rows: a sampler, a meta-estimator, and one function for a whole table."""

from __future__ import annotations

from gensynth.augmentation.augmenter import Augmenter
from gensynth.augmentation.auto import ModelChoice
from gensynth.augmentation.checked import AugmentCheck
from gensynth.augmentation.compared import ComparedRows, compared_rows
from gensynth.augmentation.estimator import AugmentedEstimator
from gensynth.augmentation.report import AugmentReport
from gensynth.augmentation.table import PROVENANCE, AugmentResult, augment

__all__ = [
    "PROVENANCE", "AugmentCheck", "AugmentReport", "AugmentResult", "AugmentedEstimator", "Augmenter", "ComparedRows",
    "ModelChoice", "augment", "compared_rows",
]  # fmt: skip
