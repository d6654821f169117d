"""Result of a training run besides the trained weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gensynth.training.weights import Parts


@dataclass(frozen=True)
class TrainingResult:
    """History and held-out rows of a run.

    Parameters
    ----------
    history : list of dict
        One row per evaluation: stage, epoch, step, seconds, ``loss_<phase>``, monitor, learning_rate, and what the
        stage reports.
    held_out : Parts
        Rows that decided when to stop and were not learned from; none where the rows were not split.
    """

    history: list[dict[str, Any]]
    held_out: Parts
