"""Steps on a GPU: between the looks at the guard nothing waits for the device."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Generator

from gensynth.encoding.table import TableEncoder
from gensynth.engine.tensors import to_batch
from gensynth.model import Stage
from gensynth.nn.randomness import seeded
from gensynth.registry import default_registry
from gensynth.schema import TableSchema
from gensynth.training.steps import GUARD_EVERY, PhaseStepper

MODELS = [entry.spec.name for entry in default_registry().models() if entry.distribution == "gensynth"]
N = 256


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group = rng.choice(list("abcd"), N)
    return pd.DataFrame({"x": rng.normal(size=N), "count": rng.poisson(3, N), "group": group})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", MODELS)
def test_no_step_waits_for_the_device(name):
    device = torch.device("cuda")
    recipe = default_registry().recipe(name)()
    schema = TableSchema.infer(table(), None)
    frame = schema.align(table())
    encoder = TableEncoder(schema, recipe.encoding).fit(frame)
    rows = to_batch(encoder.encode(frame), torch.float32).to(device, torch.float32)
    with seeded(0):
        model = recipe.build(encoder.layout).to(device).train()
    rng = Generator(device).manual_seed(0)
    for stage in model.stages():
        if not isinstance(stage, Stage):
            continue
        steppers = [PhaseStepper(stage, phase, 5.0, device) for phase in stage.phases]
        for step in range(1, GUARD_EVERY):
            # what is made in the first steps, as states of the optimizer, may wait
            torch.cuda.set_sync_debug_mode("error" if step > 3 else "default")
            try:
                for stepper in steppers:
                    stepper.step(rows, rng, step, N)
            finally:
                torch.cuda.set_sync_debug_mode("default")
