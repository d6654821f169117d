"""One training loop for every family: see `Trainer`."""

from __future__ import annotations

from gensynth.training.callbacks import Callback, EvaluationRound
from gensynth.training.devices import pick_device
from gensynth.training.result import TrainingResult
from gensynth.training.trainer import Trainer

__all__ = ["Callback", "EvaluationRound", "Trainer", "TrainingResult", "pick_device"]
