"""Metrics of synthetic tables: pure functions of frames and arrays, none of which needs torch."""

from __future__ import annotations

from gensynth.metrics.learned import detection_auc, utility
from gensynth.metrics.privacy import copies, dcr_share
from gensynth.metrics.similarity import ColumnFidelity, Fidelity, PairFidelity, fidelity

__all__ = [
    "ColumnFidelity",
    "Fidelity",
    "PairFidelity",
    "copies",
    "dcr_share",
    "detection_auc",
    "fidelity",
    "utility",
]
