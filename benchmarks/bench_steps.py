"""Training steps taken one by one outside the trainer's loop, and the matrix products inside them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.model import Batch, GenerativeModel, Recipe, Stage
from gensynth.nn.ema import WeightEMA
from gensynth.nn.randomness import seeded
from gensynth.registry import default_registry
from gensynth.schema import TableSchema
from gensynth.training.schedule import auto_batch_size
from gensynth.training.steps import PhaseStepper

CLIP_NORM = 5.0  # the trainer's default


@dataclass
class Prepared:
    """A table on its way to training: the CPU seconds of each part, the encoded rows and the model."""

    seconds: dict[str, float]
    rows: Batch
    model: GenerativeModel
    batch_size: int


def prepare(table: pd.DataFrame, model: str, seed: int, condition_on: str | None = None) -> Prepared:
    """Encode a table and build a model as `Synthesizer.fit` does."""
    recipe: Recipe = default_registry().recipe(model)()
    seconds = {}
    first = () if condition_on is None else (condition_on,)
    began = time.process_time()
    schema = TableSchema.infer(table, None, keep=first)
    frame = schema.align(table)
    encoder = TableEncoder(schema, recipe.encoding, first).fit(frame)
    seconds["learn encoding"] = time.process_time() - began
    began = time.process_time()
    encoded: Rows = encoder.encode(frame)
    rows = Batch(torch.tensor(encoded.numeric, dtype=torch.float32), torch.tensor(encoded.codes, dtype=torch.int64))
    seconds["encode"] = time.process_time() - began
    with seeded(seed):
        built = recipe.build(encoder.layout)
    size = auto_batch_size(len(rows), sum(encoder.layout.cardinalities))
    return Prepared(seconds, rows, built, min(size, len(rows)))


class Steps:
    """The steps of one stage.

    Parameters
    ----------
    prepared : Prepared
        Model and rows.
    stage : Stage
        One of the model's stages, with phases.
    seed : int
        Seed of batches and noise.
    """

    def __init__(self, prepared: Prepared, stage: Stage, seed: int) -> None:
        self.prepared = prepared
        self.steppers = [PhaseStepper(stage, phase, CLIP_NORM, torch.device("cpu")) for phase in stage.phases]
        self.average = WeightEMA([p for s in self.steppers for p in s.parameters], stage.ema_decay)
        self.cycle = math.lcm(*(phase.every for phase in stage.phases))
        """Steps after which every phase has had its turn."""
        self.rng = Generator().manual_seed(seed)
        self.step = 0

    def take(self, n: int) -> None:
        """Take n steps, as the trainer does."""
        rows, size = self.prepared.rows, self.prepared.batch_size
        self.prepared.model.train()
        for _ in range(n):
            batch = rows[torch.randint(len(rows), (size,), generator=self.rng)]
            self.step += 1
            for stepper in self.steppers:
                if self.step % stepper.phase.every == 0:
                    stepper.step(batch, self.rng, self.step, len(batch))
            self.average.update(self.step)


Place = tuple[tuple[int, ...], tuple[int, ...]]
"""Sizes and strides of an operand."""

FACTORS = {"mm": (0, 1), "bmm": (0, 1), "mv": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "addmv": (1, 2)}
"""Where the two factors of each product stand among its arguments."""


class GemmTrace(TorchDispatchMode):
    """Notes every matrix product that runs inside it, those of the backward pass too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products: list[tuple[Place, Place]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation and note its factors if it is a matrix product."""
        name = func.overloadpacket.__name__
        if name in FACTORS:
            a, b = (args[i] for i in FACTORS[name])
            self.products.append(((tuple(a.shape), a.stride()), (tuple(b.shape), b.stride())))
        return func(*args, **(kwargs or {}))

    @property
    def flops(self) -> float:
        """Multiplications and additions of all products."""
        return float(sum(2 * math.prod(a[0]) * (b[0][-1] if len(b[0]) > 1 else 1) for a, b in self.products))

    def replay(self) -> Callable[[], None]:
        """Return a function that does the noted products and nothing else: same shapes, strides and order.

        Every product has operands and a result of its own, so that no more of them lies in the cache than in training.
        """
        made = []
        for a, b in self.products:
            x, y = _operand(a), _operand(b)
            made.append((x, y, torch.matmul(x, y)))

        def run() -> None:
            for x, y, out in made:
                torch.matmul(x, y, out=out)

        return run


def _operand(place: Place) -> Tensor:
    sizes, strides = place
    last = sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    return torch.randn(last + 1).as_strided(sizes, strides)
