"""Quick runs of the trainer over toy models, for tests of training."""

from __future__ import annotations

import torch
from toy_models import ToyModel, toy_layout

from gensynth.nn.randomness import seeded

QUICK = {"max_epochs": 20, "progress": False, "device": "cpu"}


def build(seed: int = 0, **options) -> ToyModel:
    with seeded(seed):
        return ToyModel(toy_layout(), **options)


def same(a: ToyModel, b: ToyModel) -> bool:
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())
