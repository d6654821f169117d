"""`Trainer`: the training loop of every family, with early stopping, budgets and checkpoints."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from sklearn.base import BaseEstimator
from torch import Generator

from gensynth.constraints import ANY_CALLABLES, FLAG, NONE, Constraint, check_parameters, number, one_of, whole
from gensynth.errors import DataError, OptionError
from gensynth.model import Batch, Fit, GenerativeModel, Stage
from gensynth.nn import ranks
from gensynth.training.cache import CachedRows
from gensynth.training.callbacks import Callback, RoundWatcher
from gensynth.training.checkpoints import CheckpointFile, fingerprint
from gensynth.training.context import RunContext
from gensynth.training.data import TrainingData
from gensynth.training.devices import derive_seed, pick_device
from gensynth.training.distributed import check_alike, check_batch_size, check_rows, least_batch
from gensynth.training.memory import keep_freed_memory
from gensynth.training.progress import Progress
from gensynth.training.result import TrainingResult
from gensynth.training.run import TrainingRun
from gensynth.training.schedule import Batching, Clock, auto_batch_size, holds_out
from gensynth.training.threads import fitting_threads
from gensynth.training.weights import Parts, Weights


class Trainer(BaseEstimator):
    """Training of any `GenerativeModel` on an encoded table.

    A run is reproducible from its seed on a device (unless ``max_time`` ends it) and does not change torch's global
    random state. The model is evaluated on held-out rows after every epoch (at least 50 and at most 2,000 steps apart),
    and the best weights are kept. Over the last third of the budget the learning rates decay to nearly 0.

    In a process group of `torch.distributed` all processes call `run` with the same rows and train one model together
    (docs/scaling.md). On a CPU small networks are trained in one thread unless ``OMP_NUM_THREADS`` is set.

    Parameters
    ----------
    max_epochs : int or "auto"
        Maximal number of epochs over all stages (divided by their ``budget_fraction``). "auto": as many as make the
        steps of each stage (`Stage`), by default 20,000 (fewer for tables below 500 rows), but at least 10.
    max_time : float or None
        Time limit in seconds, kept within 10 %; shared among the stages like ``max_epochs``.
    batch_size : int or "auto"
        Maximal batch size, over all processes together; "auto" grows with the square root of the number of rows, from
        32 to 1,024, and is smaller, down to 4, if a low ``max_epochs`` would give fewer than 250 steps.
    validation_fraction : float
        Fraction of rows, in [0, 1), held out for early stopping; at most 20,000 rows. Tables of fewer than 20 rows are
        not split.
    patience : int
        Number of evaluations without improvement after which a stage ends.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    clip_norm : float or None
        Maximal norm of a phase's gradient; larger gradients are scaled down.
    progress : {"auto", True, False}
        Progress bar on standard error; "auto": on a terminal only.
    callbacks : sequence of Callback or callable, or None
        Called with an `EvaluationRound` after every evaluation; one that returns True ends the stage.
    checkpoint : path-like or None
        File written atomically during the run, from which ``run(..., resume=True)`` continues. It is kept after the
        run. This is exact if all training state is in parameters and buffers of the model.
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
        """Return whether `run` holds out some of ``n_rows`` rows (or `Parts`, with weights)."""
        return holds_out(n_rows, self.validation_fraction)

    def run(
        self,
        model: GenerativeModel,
        batch: Batch | CachedRows,
        seed: int,
        *,
        resume: bool = False,
        identity: Mapping[str, Any] | None = None,
        rebuild: Callable[[], GenerativeModel] | None = None,
        weights: Weights | None = None,
    ) -> TrainingResult:
        """Train ``model`` in place; it ends in eval mode, with its best weights, on the device.

        Parameters
        ----------
        model : GenerativeModel
            Freshly built (also when resuming: from the same seed).
        batch : Batch or CachedRows
            All rows, on any device.
        seed : int
            Seed >= 0 of split, order, dropout and noise; with several processes that of the first.
        resume : bool
            Continue from ``checkpoint``. The result has the weights of an uninterrupted run.
        identity : mapping of str to object, or None
            Further inputs of the run (hyperparameters), by name; a checkpoint with other ones is refused.
        rebuild : callable or None
            Builds a model like ``model`` from torch's random state, to restart a run once after a collapse (see
            `Stage`). The history is then that of the second attempt. None: a collapse is only reported.
        weights : ndarray of shape (n,) or None
            Row weights > 0, as `gensynth.training.weights.check_weights` returns them. Each epoch visits every row as
            often as its weight says, rounded up or down at random.

        Returns
        -------
        TrainingResult
            The history, and the held-out rows.

        Raises
        ------
        OptionError
            A parameter has an invalid value, or the checkpoint belongs to another run.
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
        model, seed = model.to(device), ranks.from_first(seed)
        stages = tuple(model.stages())
        identity = {**(identity or {}), "seed": seed}
        checkpoint = self._checkpoint(model, stages, batch, parts, identity, resume=resume)
        clock = Clock(self.max_time)
        with Progress(self.progress if ranks.is_first() else False) as progress:
            context = self._context(model, batch, parts, seed, clock, progress)
            run = TrainingRun(model, stages, context, checkpoint, rebuild)
            with fitting_threads(sum(p.numel() for p in model.parameters()) * context.batching.size):
                history = run.go(resume=resume)
        return TrainingResult(history, context.data.held_out)

    def _context(
        self,
        model: GenerativeModel,
        batch: Batch | CachedRows,
        parts: Parts,
        seed: int,
        clock: Clock,
        progress: Progress,
    ) -> RunContext:
        device = next((p.device for p in model.parameters()), pick_device(self.device))
        dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
        image = model.layout.image
        n_slots = sum(model.layout.cardinalities) + (0 if image is None else image.n_features // 4)
        split_seed = derive_seed(seed, 1)
        data = TrainingData.split(batch.to(device, dtype), parts, self.validation_fraction, split_seed, n_slots)
        max_epochs = None if isinstance(self.max_epochs, str) else int(self.max_epochs)
        n_rows, size, least = len(data.train_rows), self.batch_size, least_batch()
        check_rows(n_rows)
        if isinstance(size, str):
            size = max(auto_batch_size(n_rows, n_slots, max_epochs), least)
        check_batch_size(int(size))
        return RunContext(
            data=data,
            batching=Batching(n_rows, int(size), least),
            max_epochs=max_epochs,
            patience=self.patience,
            clip_norm=self.clip_norm,
            seed=seed,
            rng=Generator(device).manual_seed(derive_seed(seed, 3)),
            clock=clock,
            callbacks=tuple(self.callbacks or ()) if ranks.is_first() else (),
            progress=progress,
        )

    def _checkpoint(
        self,
        model: GenerativeModel,
        stages: tuple[Stage | Fit, ...],
        batch: Batch | CachedRows,
        parts: Parts,
        identity: Mapping[str, Any],
        *,
        resume: bool,
    ) -> CheckpointFile | None:
        """Return the checkpoint of this run; check that all processes train the same run."""
        if self.checkpoint is None and ranks.size() == 1:
            return None
        names = ("max_epochs", "batch_size", "validation_fraction", "patience", "clip_norm")
        options = {name: getattr(self, name) for name in names}
        counts = parts.row_weights(len(batch))
        weights = hashlib.sha256(counts.tobytes()).hexdigest() if (counts != 1).any() else "none"
        marks = fingerprint(model, stages, batch, options, {**identity, "sample_weight": weights})
        if ranks.size() > 1:
            device = next((p.device.type for p in model.parameters()), "cpu")
            check_alike({**marks, "device": device, "max_time": repr(self.max_time), "resume": repr(resume)})
        return None if self.checkpoint is None else CheckpointFile(self.checkpoint, marks)
