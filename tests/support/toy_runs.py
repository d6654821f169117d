"""Quick runs of the trainer over toy models, for tests of training."""

from __future__ import annotations

from typing import Any

import torch
from toy_models import ToyModel, toy_layout

from gensynth.model import Fit, Stage
from gensynth.nn.randomness import seeded

QUICK: dict[str, Any] = {"max_epochs": 20, "progress": False, "device": "cpu"}


def build(seed: int = 0, **options: Any) -> ToyModel:
    with seeded(seed):
        return ToyModel(toy_layout(), **options)


def same(a: ToyModel, b: ToyModel) -> bool:
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def first_stage(model_stages: tuple[Stage | Fit, ...]) -> Stage:
    """Return the first stage, which is trained and no closed form."""
    (stage, *_) = model_stages
    assert isinstance(stage, Stage)
    return stage
