"""Metrics of synthetic tables: pure functions of frames and arrays, none of which needs torch."""

from __future__ import annotations

from gensynth.metrics.drift import ColumnDrift, Drift, drift
from gensynth.metrics.learned import detection_auc, utility
from gensynth.metrics.privacy import copies, dcr_share
from gensynth.metrics.similarity import ColumnFidelity, Fidelity, PairFidelity, fidelity

__all__ = [
    "ColumnDrift",
    "ColumnFidelity",
    "Drift",
    "Fidelity",
    "PairFidelity",
    "copies",
    "dcr_share",
    "detection_auc",
    "drift",
    "fidelity",
    "utility",
]
