from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from toy_models import toy_batch
from toy_runs import QUICK, build, same

from gensynth.errors import DataError, OptionError
from gensynth.training import Trainer


def test_training_lowers_the_monitor_and_ends_in_eval_mode():
    model = build()
    rounds = Trainer(**{**QUICK, "max_epochs": 200}).run(model, toy_batch(300), 0).history
    assert rounds[-1]["monitor"] < rounds[0]["monitor"] - 0.05
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


def test_same_seed_same_weights_other_seed_others():
    models = [build() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        Trainer(**QUICK).run(model, toy_batch(), seed)
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_global_random_state_neither_matters_nor_changes():
    torch.manual_seed(5)
    first = build()
    Trainer(**QUICK).run(first, toy_batch(), 0)
    torch.manual_seed(6)
    before = torch.get_rng_state()
    second = build()
    Trainer(**QUICK).run(second, toy_batch(), 0)
    assert torch.equal(before, torch.get_rng_state())
    assert same(first, second)


def test_one_row_is_refused():
    with pytest.raises(DataError, match="at least 2 rows"):
        Trainer(**QUICK).run(build(), toy_batch(1), 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_epochs", 0), ("max_epochs", 2.5), ("max_epochs", "many"), ("max_time", 0), ("max_time", math.inf),
        ("batch_size", -1), ("batch_size", True), ("validation_fraction", 1.0), ("validation_fraction", "a"),
        ("patience", 0), ("clip_norm", -1.0), ("progress", "yes"), ("callbacks", [3]), ("checkpoint", 5),
        ("device", "abacus"), ("device", "cuda:99"), ("device", "meta"), ("device", 3.5),
    ],
)  # fmt: skip
def test_impossible_options_are_named(name, value):
    with pytest.raises(OptionError, match=name):
        Trainer(**{**QUICK, name: value}).run(build(), toy_batch(), 0)


def test_numpy_numbers_are_options_too():
    numbers: dict[str, Any] = {"max_epochs": np.int64(2), "clip_norm": np.float32(1)}
    Trainer(**numbers, progress=False, device="cpu").run(build(), toy_batch(), 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_is_reproducible_and_resumes(tmp_path):
    options = {**QUICK, "device": "cuda", "max_epochs": 100}
    models = [build(two_stages=True) for _ in range(2)]
    for model in models:
        Trainer(**options).run(model, toy_batch(), 0)
    assert same(*models)
    assert next(models[0].parameters()).is_cuda
