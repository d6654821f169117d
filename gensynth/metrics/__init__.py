"""Metrics of synthetic tables: pure functions of frames and arrays, none of which needs torch."""

from __future__ import annotations

from gensynth.metrics.drift import ColumnDrift, Drift, drift
from gensynth.metrics.learned import Detection, detection, detection_auc, utility
from gensynth.metrics.neighbours import Neighbours, neighbours
from gensynth.metrics.privacy import Memorisation, copies, dcr_share, memorisation, nearest_share, nndr_share
from gensynth.metrics.similarity import ColumnFidelity, Fidelity, PairFidelity, fidelity
from gensynth.metrics.validity import Validity, validity

__all__ = [
    "ColumnDrift",
    "ColumnFidelity",
    "Detection",
    "Drift",
    "Fidelity",
    "Memorisation",
    "Neighbours",
    "PairFidelity",
    "Validity",
    "copies",
    "dcr_share",
    "detection",
    "detection_auc",
    "drift",
    "fidelity",
    "memorisation",
    "nearest_share",
    "neighbours",
    "nndr_share",
    "utility",
    "validity",
]
