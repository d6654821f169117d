from __future__ import annotations

import torch
from toy_models import toy_batch

from gensynth.training.context import RunContext
from gensynth.training.data import TrainingData
from gensynth.training.progress import Progress
from gensynth.training.schedule import Batching, Clock
from gensynth.training.weights import Parts


def context(seed: int) -> RunContext:
    data = TrainingData.split(toy_batch(100), Parts.of(None, 100), 0.1, seed, 10)
    rng = torch.Generator().manual_seed(seed)
    return RunContext(data, Batching(90, 32), None, 10, None, seed, rng, Clock(None), (), Progress(show=False))


def test_the_noise_of_evaluations_is_the_runs_own_and_always_the_same():
    one, other = context(1), context(2)
    first = torch.rand(5, generator=one.evaluation_noise())
    torch.rand(5, generator=one.rng)
    assert torch.equal(first, torch.rand(5, generator=one.evaluation_noise()))
    assert not torch.equal(first, torch.rand(5, generator=other.evaluation_noise()))
