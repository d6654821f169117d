"""The context of a run: what all its stages share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator

from gensynth.training.callbacks import Callback, RoundWatcher
from gensynth.training.data import TrainingData
from gensynth.training.devices import derive_seed
from gensynth.training.distributed import step_noise
from gensynth.training.progress import Progress
from gensynth.training.schedule import Batching, Clock


@dataclass(frozen=True)
class RunContext:
    """Rows, options and generators of a run.

    Parameters
    ----------
    data : TrainingData
        Rows to learn from, and held-out rows.
    batching : Batching
        How an epoch is cut into batches.
    max_epochs : int or None
        Most passes over the training rows; None: as many as make the steps that the stages ask for.
    patience : int
        Evaluations without improvement after which a stage ends.
    clip_norm : float or None
        Norm that gradients are scaled down to.
    seed : int
        Of the run.
    rng : Generator
        On the device; what batches, noise and dropout are drawn from. The same in all processes that train together.
    clock : Clock
        Seconds used and left.
    callbacks : tuple of Callback or callable
        Told of every evaluation round.
    progress : Progress
        The progress bar.
    """

    data: TrainingData
    batching: Batching
    max_epochs: int | None
    patience: int
    clip_norm: float | None
    seed: int
    rng: Generator
    clock: Clock
    callbacks: tuple[Callback | RoundWatcher, ...]
    progress: Progress

    def evaluation_noise(self) -> Generator:
        """Return a generator on the device with the same seed for every evaluation."""
        return Generator(self.rng.device).manual_seed(derive_seed(self.seed, 2))

    def step_noise(self, stage: str, step: int) -> Generator:
        """Return the generator for the losses of a step."""
        return step_noise(self.rng, self.seed, stage, step)
