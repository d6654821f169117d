"""Callbacks that observe, and may stop, a training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gensynth.model import GenerativeModel


@dataclass(frozen=True)
class EvaluationRound:
    """The state at one evaluation, passed to callbacks.

    Parameters
    ----------
    stage : str
        Name of the stage.
    epoch : float
        Passes over the training rows so far in this stage.
    step : int
        Batches so far in this stage.
    seconds : float
        Since the start of the run (an interrupted part that was resumed included).
    losses : dict of str to float
        Mean training loss of each phase over the round (phases that had no turn are left out).
    monitor : float
        Monitor of the stage on held-out rows; lower is better.
    report : dict of str to float
        What else the stage tells of held-out rows (`Stage.report`); columns of the history.
    best : float
        Lowest monitor of the stage so far.
    learning_rate : float
        Of the first phase.
    model : GenerativeModel
        The model in training, in eval mode. Not to be changed.
    """

    stage: str
    epoch: float
    step: int
    seconds: float
    losses: dict[str, float]
    monitor: float
    best: float
    learning_rate: float
    report: dict[str, float]
    model: GenerativeModel

    def to_row(self) -> dict[str, Any]:
        """Return the row of the history: plain values, one ``loss_<phase>`` per phase, and what the stage reports."""
        losses = {f"loss_{name}": value for name, value in self.losses.items()}
        return {
            "stage": self.stage,
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            **losses,
            "monitor": self.monitor,
            "learning_rate": self.learning_rate,
            **self.report,
        }


class Callback(ABC):
    """Callback during training. A function ``f(round) -> bool | None`` works as well as a subclass."""

    @abstractmethod
    def on_round(self, info: EvaluationRound) -> bool | None:
        """Handle an evaluation round; return True to end the stage (its best weights are kept)."""

    def on_stage(self, name: str) -> None:  # noqa: B027 - optional by intent
        """Handle the start of a stage."""


RoundWatcher = Callable[[EvaluationRound], bool | None]


def stop_asked(callbacks: tuple[Callback | RoundWatcher, ...], info: EvaluationRound) -> bool:
    """Pass ``info`` to every callback; return whether one of them requests a stop."""
    answers = [c.on_round(info) if isinstance(c, Callback) else c(info) for c in callbacks]
    return any(answer is True for answer in answers)
