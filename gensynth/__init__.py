"""Synthetic data and anomaly detection with deep generative models.

Public names are resolved on first use (PEP 562): importing the package imports neither torch nor pandas.
"""

from __future__ import annotations

from gensynth.version import __version__

TYPE_CHECKING = False  # typing's own takes longer to import than all else here; checkers know the name

_HOME = {
    "Synthesizer": "gensynth.synthesizer",
    "Trainer": "gensynth.training",
    "AnomalyDetector": "gensynth.detector",
    "Augmenter": "gensynth.augmentation",
    "AugmentedEstimator": "gensynth.augmentation",
    "augment": "gensynth.augmentation",
    "compare": "gensynth.comparison",
    "TableSchema": "gensynth.schema",
    "load": "gensynth.persistence",
    "save": "gensynth.persistence",
    "hookimpl": "gensynth.hookspecs",
    "ModelSpec": "gensynth.hookspecs",
    "GensynthError": "gensynth.errors",
}

__all__ = [
    "AnomalyDetector",
    "AugmentedEstimator",
    "Augmenter",
    "GensynthError",
    "ModelSpec",
    "Synthesizer",
    "TableSchema",
    "Trainer",
    "__version__",
    "augment",
    "compare",
    "hookimpl",
    "load",
    "save",
]

if TYPE_CHECKING:
    from typing import Any

    from gensynth.augmentation import AugmentedEstimator, Augmenter, augment
    from gensynth.comparison import compare
    from gensynth.detector import AnomalyDetector
    from gensynth.errors import GensynthError
    from gensynth.hookspecs import ModelSpec, hookimpl
    from gensynth.persistence import load, save
    from gensynth.schema import TableSchema
    from gensynth.synthesizer import Synthesizer
    from gensynth.training import Trainer


def __getattr__(name: str) -> Any:
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gensynth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
