"""The one training loop: stages, phases, early stop, budgets, checkpoints, on any device."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Generator

from gensynth.constraints import ANY_CALLABLES, FLAG, NONE, Constraint, check_parameters, number, one_of, whole
from gensynth.errors import CollapseWarning, DataError, OptionError
from gensynth.model import Batch, Fit, GenerativeModel, Stage
from gensynth.nn.randomness import EveryDrawFrom, seeded
from gensynth.training.callbacks import Callback, RoundWatcher
from gensynth.training.checkpoints import CheckpointFile, fingerprint
from gensynth.training.devices import (
    derive_seed,
    pick_device,
)
from gensynth.training.memory import keep_freed_memory
from gensynth.training.plan import Batching, Budget, Clock, auto_batch_size, auto_epochs, holds_out, split_rows
from gensynth.training.progress import Progress
from gensynth.training.result import TrainingResult
from gensynth.training.stage import Setting, StageLoop
from gensynth.training.weights import Parts, TrainingRows, Weights


class Trainer(BaseEstimator):
    """Trains any `GenerativeModel` on an encoded table.

    A run is reproducible from its seed on a device (unless ``max_time`` ends it) and leaves torch's global random
    state as it found it. Held-out rows are looked at every epoch (or every 50 steps where an epoch is shorter, every
    2,000 where it is longer); the weights that were best there are kept. Over the last third of a budget that gets
    used up the learning rates fall to nearly 0.

    Parameters
    ----------
    max_epochs : int or "auto"
        Most passes over the training rows, all stages together (they divide it by their ``budget_fraction``). "auto":
        as many as make the 20,000 steps (fewer for tables below 500 rows) that a stage asks for if it asks for no
        other number (`Stage`), at least 10.
    max_time : float or None
        Most seconds, kept within 10 %; shared among the stages like ``max_epochs``.
    batch_size : int or "auto"
        Most rows in a batch; "auto" grows with the square root of the table, from 32 to 1,024, and is less, down to
        4, where ``max_epochs`` is a number so low that it would make fewer than 250 steps.
    validation_fraction : float
        Share of rows in [0, 1) held out to decide when to stop; at most 20,000 rows. Tables of fewer than 20 rows
        are not split.
    patience : int
        Evaluations without improvement after which a stage ends.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    clip_norm : float or None
        Gradients of a phase are scaled down to this norm.
    progress : {"auto", True, False}
        Progress bar on standard error; "auto": on a terminal only.
    callbacks : sequence of Callback or callable, or None
        Called with a `Round` after every evaluation; one that returns True ends the stage.
    checkpoint : path-like or None
        File written during the run, atomically, that ``run(..., resume=True)`` goes on from. It stays after the run.
        The state of training must lie in parameters and buffers of the model for this to be exact.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "max_epochs": one_of("auto") | whole(1),
        "max_time": NONE | number(0, open_low=True),
        "batch_size": one_of("auto") | whole(1),
        "validation_fraction": number(0, 1, open_high=True),
        "patience": whole(1),
        "clip_norm": NONE | number(0, open_low=True),
        "progress": one_of("auto") | FLAG,
        "callbacks": NONE | ANY_CALLABLES,
        "checkpoint": NONE | Constraint(lambda v: isinstance(v, str | os.PathLike), "a path"),
    }

    def __init__(
        self,
        max_epochs: int | Literal["auto"] = "auto",
        max_time: float | None = None,
        batch_size: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.1,
        patience: int = 10,
        device: str = "auto",
        clip_norm: float | None = 5.0,
        progress: bool | Literal["auto"] = "auto",
        callbacks: Sequence[Callback | RoundWatcher] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.clip_norm = clip_norm
        self.progress = progress
        self.callbacks = callbacks
        self.checkpoint = checkpoint

    def holds_out(self, n_rows: int) -> bool:
        """Return whether `run` holds out some of so many rows (of so many `Parts`, with weights)."""
        return holds_out(n_rows, self.validation_fraction)

    def run(
        self,
        model: GenerativeModel,
        batch: Batch,
        seed: int,
        *,
        resume: bool = False,
        identity: Mapping[str, Any] | None = None,
        rebuild: Callable[[], GenerativeModel] | None = None,
        weights: Weights | None = None,
    ) -> TrainingResult:
        """Train ``model`` in place; it ends with its best weights, in eval mode, on the device.

        Parameters
        ----------
        model : GenerativeModel
            Freshly built (also when resuming: from the same seed).
        batch : Batch
            All rows, on any device.
        seed : int
            Seed >= 0 of split, order, dropout and noise.
        resume : bool
            Go on from ``checkpoint``. The result has the weights of an uninterrupted run.
        identity : mapping of str to object, or None
            What else the run is a function of (hyperparameters), by name; a checkpoint of another one is refused.
        rebuild : callable or None
            Builds a model like ``model`` from torch's random state: what a run that collapsed (see `Stage`) starts
            over with, once. The history is then that of the second attempt. None: a collapse is only reported.
        weights : ndarray of shape (n,) or None
            How often each row counts, as `gensynth.training.weights.check_weights` returns them; above 0. Each epoch
            goes through every row as often as its weight says, rounded up or down at random.

        Returns
        -------
        TrainingResult
            The history, and the rows that were held out.

        Raises
        ------
        OptionError
            A parameter has a value that it cannot have, or the checkpoint belongs to another run.
        TrainingError
            A loss or gradient is not finite.
        DataError
            Fewer than 2 rows.
        """
        check_parameters(self, "trainer.")
        if resume and self.checkpoint is None:
            raise OptionError("resume=True needs Trainer(checkpoint=...)")
        parts = Parts.of(weights, len(batch))
        if parts.n_rows < 2:
            raise DataError(f"training needs at least 2 rows, got {parts.n_rows}")
        device = pick_device(self.device)
        if device.type == "cpu":
            keep_freed_memory()
        clock = Clock(self.max_time)
        with Progress(self.progress) as progress:
            run = _Run(self, model.to(device), batch, parts, seed, clock, progress, rebuild)
            history = run.go(resume=resume, identity=identity or {})
        return TrainingResult(history, run.held_out)


class _Run:
    """One call of `Trainer.run`: splits, walks through the stages, saves and restores."""

    def __init__(
        self,
        trainer: Trainer,
        model: GenerativeModel,
        batch: Batch,
        parts: Parts,
        seed: int,
        clock: Clock,
        progress: Progress,
        rebuild: Callable[[], GenerativeModel] | None,
    ) -> None:
        self.trainer = trainer
        self.model = model
        self.seed = seed
        self.rebuild = rebuild
        self.attempt = 1
        self.batch = batch
        self.parts = parts
        self.clock = clock
        self.device = next((p.device for p in model.parameters()), pick_device(trainer.device))
        dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
        table = batch.to(self.device, dtype)
        split = split_rows(len(parts), trainer.validation_fraction, derive_seed(seed, 1))
        learned, held = (parts[some.numpy()] for some in split)
        self.held_out = held if trainer.holds_out(len(parts)) else parts[np.zeros(0, dtype=np.int64)]
        train_rows = TrainingRows(learned, self.device)
        n_slots = sum(model.layout.cardinalities)
        size = trainer.batch_size
        if isinstance(size, str):
            epochs = None if isinstance(trainer.max_epochs, str) else int(trainer.max_epochs)
            size = auto_batch_size(len(train_rows), n_slots, epochs)
        self.setting = Setting(
            table=table,
            train_rows=train_rows,
            validation=table[torch.as_tensor(held.draw()).to(self.device)],
            validation_chunk=min(max(2**25 // max(n_slots, 1), 256), 4096),
            batching=Batching(len(train_rows), int(size)),
            patience=trainer.patience,
            clip_norm=trainer.clip_norm,
            evaluation_seed=derive_seed(seed, 2),
            rng=Generator(self.device).manual_seed(derive_seed(seed, 3)),
            clock=clock,
            callbacks=tuple(trainer.callbacks or ()),
            progress=progress,
        )
        self.history: list[dict[str, Any]] = []

    def go(self, *, resume: bool, identity: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Train all stages (from the checkpoint on, if asked to)."""
        stages = tuple(self.model.stages())
        checkpoint = self._checkpoint(stages, identity)
        done, loop_state = 0, None
        if resume and checkpoint is not None:
            done, loop_state = self._restore(checkpoint.read())
        while done < len(stages):
            for callback in self.setting.callbacks:
                if isinstance(callback, Callback):
                    callback.on_stage(stages[done].name)
            step, symptom = stages[done], ""
            if isinstance(step, Fit):
                self._fit(step)
            else:
                symptom = self._train_stage(step, done, stages, loop_state, checkpoint)
            loop_state = None
            done += 1
            if symptom and self._starts_over(symptom):
                stages = tuple(self.model.stages())
                done = 0
            if checkpoint is not None:
                checkpoint.write(self._state(done, None), finished=done == len(stages))
        self.model.eval()
        return self.history

    def _fit(self, fit: Fit) -> None:
        setting = self.setting
        rows = setting.train_rows.draw(setting.rng, fit.max_rows)
        self.model.eval()
        with torch.no_grad(), EveryDrawFrom(setting.rng):
            fit.function(setting.table[rows], setting.rng)

    def _train_stage(
        self,
        stage: Stage,
        number: int,
        stages: tuple[Stage | Fit, ...],
        loop_state: dict[str, Any] | None,
        checkpoint: CheckpointFile | None,
    ) -> str:
        """Train one stage; return what tells that it collapsed, or ""."""
        begin = loop_state["begin"] if loop_state is not None else self.clock.seconds
        loop = StageLoop(self.model, stage, self.setting, self._budget(stage, stages[number:], stages, begin))
        if loop_state is not None:
            loop.load_state(loop_state["loop"])
        over = False
        while not over:
            row, over = loop.next_round()
            self.history.append(row)
            if checkpoint is not None and not over and checkpoint.is_due():
                checkpoint.write(self._state(number, {"begin": begin, "loop": loop.state()}))
        symptom = loop.collapsed()
        loop.finish()
        return symptom

    def _starts_over(self, symptom: str) -> bool:
        """Report a collapse; put fresh weights into the model and new seeds into the run, if there is a second try."""
        again = self.attempt == 1 and self.rebuild is not None and not self.clock.is_over
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
        with seeded(derive_seed(self.seed, 4)):
            self.model.load_state_dict(self.rebuild().state_dict())
        self.setting.rng.manual_seed(derive_seed(self.seed, 5))
        self.history.clear()
        return True

    def _budget(
        self, stage: Stage, left: tuple[Stage | Fit, ...], stages: tuple[Stage | Fit, ...], begin: float
    ) -> Budget:
        """Return the stage's fraction: of all epochs, and of the time that the stages before it left."""
        batching, max_epochs = self.setting.batching, self.trainer.max_epochs
        auto = auto_epochs(batching.n_rows, batching.steps, stage.max_steps)
        epochs = auto if isinstance(max_epochs, str) else int(max_epochs)
        steps = max(1, round(epochs * _fraction(stage, stages))) * batching.steps
        if self.clock.max_time is None:
            return Budget(steps, begin, None)
        return Budget(steps, begin, max(0.0, self.clock.max_time - begin) * _fraction(stage, left))

    def _checkpoint(self, stages: tuple[Stage | Fit, ...], identity: Mapping[str, Any]) -> CheckpointFile | None:
        trainer = self.trainer
        if trainer.checkpoint is None:
            return None
        names = ("max_epochs", "batch_size", "validation_fraction", "patience", "clip_norm")
        options = {name: getattr(trainer, name) for name in names}
        counts = self.parts.row_weights(len(self.batch))
        weights = hashlib.sha256(counts.tobytes()).hexdigest() if (counts != 1).any() else "none"
        identity = {**identity, "seed": self.seed, "sample_weight": weights}
        return CheckpointFile(trainer.checkpoint, fingerprint(self.model, stages, self.batch, options, identity))

    def _state(self, number: int, loop_state: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "attempt": self.attempt,
            "stage": number,
            "loop": loop_state,
            "model": dict(self.model.state_dict()),
            "rng": self.setting.rng.get_state(),
            "seconds": self.clock.seconds,
            "history": self.history,
        }

    def _restore(self, state: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        self.model.load_state_dict(state["model"])
        self.setting.rng.set_state(state["rng"])
        self.clock.before = state["seconds"]
        self.attempt = state["attempt"]
        self.history.extend(state["history"])
        return state["stage"], state["loop"]


def _fraction(stage: Stage, among: tuple[Stage | Fit, ...]) -> float:
    """Return the part of the budget of some stages that one of them has."""
    return stage.budget_fraction / sum(s.budget_fraction for s in among if isinstance(s, Stage))
