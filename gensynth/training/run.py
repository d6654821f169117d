"""A training run: stages and fits in order, restarts after a collapse, and checkpoints."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from gensynth.errors import CollapseWarning
from gensynth.model import Fit, GenerativeModel, Stage
from gensynth.nn import ranks
from gensynth.nn.randomness import EveryDrawFrom, seeded
from gensynth.training.callbacks import Callback
from gensynth.training.checkpoints import CheckpointFile
from gensynth.training.context import RunContext
from gensynth.training.devices import derive_seed
from gensynth.training.loop import StageLoop
from gensynth.training.schedule import Budget, auto_epochs

Steps = tuple[Stage | Fit, ...]


class TrainingRun:
    """Training run of a model, stage by stage.

    Parameters
    ----------
    model : GenerativeModel
        On the device of the rows.
    stages : tuple of Stage or Fit
        Its stages.
    context : RunContext
        Rows, options, generators.
    checkpoint : CheckpointFile or None
        Where the state of the run is written to, by the first process.
    rebuild : callable or None
        Builds a fresh model, which a collapsed run starts over with, once.
    """

    def __init__(
        self,
        model: GenerativeModel,
        stages: Steps,
        context: RunContext,
        checkpoint: CheckpointFile | None,
        rebuild: Callable[[], GenerativeModel] | None,
    ) -> None:
        self.model = model
        self.stages = stages
        self.context = context
        self.checkpoint = checkpoint
        self.rebuild = rebuild
        self.attempt = 1
        self.history: list[dict[str, Any]] = []

    def go(self, *, resume: bool) -> list[dict[str, Any]]:
        """Train all stages (from the checkpoint on if resuming); return the history."""
        done, loop_state = 0, None
        self._share()
        if resume and self.checkpoint is not None:
            done, loop_state = self._restore(ranks.on_first(self.checkpoint.read))
        while done < len(self.stages):
            stage, symptom = self.stages[done], ""
            for callback in self.context.callbacks:
                if isinstance(callback, Callback):
                    callback.on_stage(stage.name)
            if isinstance(stage, Fit):
                self._fit(stage)
            else:
                symptom = self._train(stage, done, loop_state)
            loop_state = None
            done += 1
            if symptom and self._starts_over(symptom):
                self.stages = tuple(self.model.stages())
                done = 0
            if self.checkpoint is not None and ranks.is_first():
                self.checkpoint.write(self._state(done, None), finished=done == len(self.stages))
        self.model.eval()
        return self.history

    def _fit(self, fit: Fit) -> None:
        data, rng = self.context.data, self.context.rng
        rows = data.table[data.train_rows.draw(rng, fit.max_rows)]
        self.model.eval()
        with torch.no_grad(), EveryDrawFrom(rng):
            fit.function(rows, rng)
        self._share()
        rng.set_state(ranks.from_first(rng.get_state()))

    def _share(self) -> None:
        """Broadcast weights and buffers of the first process, as other processors may round differently."""
        ranks.take_from_first([*self.model.parameters(), *self.model.buffers()])

    def _train(self, stage: Stage, number: int, loop_state: dict[str, Any] | None) -> str:
        """Train one stage; return the evidence that it collapsed, or ""."""
        begin = loop_state["begin"] if loop_state is not None else self.context.clock.common()
        loop = StageLoop(self.model, stage, self.context, self._budget(stage, number, begin))
        if loop_state is not None:
            loop.load_state(loop_state["loop"])
        over = False
        while not over:
            row, over = loop.next_round()
            self.history.append(row)
            if self.checkpoint is not None and ranks.is_first() and not over and self.checkpoint.is_due():
                self.checkpoint.write(self._state(number, {"begin": begin, "loop": loop.state()}))
        symptom = ranks.from_first(loop.collapsed())
        loop.finish()
        self._share()
        return symptom

    def _starts_over(self, symptom: str) -> bool:
        """Report a collapse; reinitialise weights and seeds for a second attempt, if there is one."""
        again = self.attempt == 1 and self.rebuild is not None and not self.context.clock.is_over()
        advice = "training starts over from a new seed" if again else "its best weights so far are kept"
        warnings.warn(
            f"training collapsed ({symptom} of a model that learns): {advice}; if this happens again try a lower "
            "learning_rate, more rows, or another model",
            CollapseWarning,
            stacklevel=5,
        )
        if not again or self.rebuild is None:
            return False
        self.attempt += 1
        with seeded(derive_seed(self.context.seed, 4)):
            self.model.load_state_dict(self.rebuild().state_dict())
        self.context.rng.manual_seed(derive_seed(self.context.seed, 5))
        self.history.clear()
        return True

    def _budget(self, stage: Stage, number: int, begin: float) -> Budget:
        """Return the stage's fraction: of all epochs, and of the time that the stages before it left."""
        batching, max_time = self.context.batching, self.context.clock.max_time
        epochs = self.context.max_epochs or auto_epochs(batching.n_rows, batching.steps, stage.max_steps)
        max_steps = max(1, round(epochs * _fraction(stage, self.stages))) * batching.steps
        if max_time is None:
            return Budget(max_steps, begin, None)
        return Budget(max_steps, begin, max(0.0, max_time - begin) * _fraction(stage, self.stages[number:]))

    def _state(self, number: int, loop_state: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "attempt": self.attempt,
            "stage": number,
            "loop": loop_state,
            "model": dict(self.model.state_dict()),
            "rng": self.context.rng.get_state(),
            "seconds": self.context.clock.seconds,
            "history": self.history,
        }

    def _restore(self, state: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        self.model.load_state_dict(state["model"])
        self.context.rng.set_state(state["rng"])
        self.context.clock.before = state["seconds"]
        self.attempt = state["attempt"]
        self.history.extend(state["history"])
        return state["stage"], state["loop"]


def _fraction(stage: Stage, among: Steps) -> float:
    """Return the fraction of the stages' budget that belongs to one of them."""
    return stage.budget_fraction / sum(s.budget_fraction for s in among if isinstance(s, Stage))
