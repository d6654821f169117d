"""Anomaly detection with any family of models: see `AnomalyDetector`."""

from __future__ import annotations

from gensynth.detector.estimator import AnomalyDetector

__all__ = ["AnomalyDetector"]
