"""Training steps taken one by one outside the trainer's loop, and the products and convolutions inside them."""

from __future__ import annotations

import functools
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
    pixels = None if encoded.pixels is None else torch.tensor(encoded.pixels)
    codes = torch.tensor(encoded.codes, dtype=torch.int64)
    rows = Batch(torch.tensor(encoded.numeric, dtype=torch.float32), codes, pixels=pixels)
    seconds["encode"] = time.process_time() - began
    with seeded(seed):
        built = recipe.build(encoder.layout)
    image = encoder.layout.image
    n_slots = sum(encoder.layout.cardinalities) + (0 if image is None else image.n_features // 4)
    size = auto_batch_size(len(rows), n_slots)
    return Prepared(seconds, rows, built, min(size, len(rows)))


class Steps:
    """The steps of one stage.

    Parameters
    ----------
    prepared : Prepared
        Model and rows, on one device.
    stage : Stage
        One of the model's stages, with phases.
    seed : int
        Seed of batches and noise.
    """

    def __init__(self, prepared: Prepared, stage: Stage, seed: int) -> None:
        self.prepared = prepared
        device = prepared.rows.codes.device
        self.steppers = [PhaseStepper(stage, phase, CLIP_NORM, device) for phase in stage.phases]
        self.average = WeightEMA([p for s in self.steppers for p in s.parameters], stage.ema_decay)
        self.cycle = math.lcm(*(phase.every for phase in stage.phases))
        """Steps after which every phase has had its turn."""
        self.rng = Generator(device).manual_seed(seed)
        self.step = 0

    def take(self, n: int) -> None:
        """Take n steps, as the trainer does."""
        rows, size = self.prepared.rows, self.prepared.batch_size
        self.prepared.model.train()
        for _ in range(n):
            batch = rows[torch.randint(len(rows), (size,), generator=self.rng, device=self.rng.device)]
            self.step += 1
            for stepper in self.steppers:
                if self.step % stepper.phase.every == 0:
                    stepper.step(batch, self.rng, self.step, len(batch))
            self.average.update(self.step)


FACTORS = {"mm": (0, 1), "bmm": (0, 1), "mv": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "addmv": (1, 2)}
"""Where the two factors of each product stand among its arguments."""


class ProductTrace(TorchDispatchMode):
    """Notes every matrix product and convolution that runs inside it, those of the backward pass too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0.0
        """Multiplications and additions."""
        self.products: list[tuple[Any, tuple[Any, ...]]] = []
        """Operations with copies of their arguments: of tensors the layout in memory, not the values."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation and note it if it is a product."""
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in FACTORS:
            a, b = (args[i] for i in FACTORS[name])
            self.flops += 2.0 * a.numel() * (b.shape[-1] if b.dim() > 1 else 1)
            self.products.append((torch.matmul, (_like(a), _like(b))))
        elif name in ("convolution", "convolution_backward"):
            backward = name == "convolution_backward"
            weight, transposed, wanted = (args[2], args[7], args[10]) if backward else (args[1], args[6], (True,))
            small = args[1] if transposed and backward else args[0] if transposed or backward else result
            # each place of the smaller image meets each weight once
            places = small.shape[0] * math.prod(small.shape[2:])
            self.flops += 2.0 * places * weight.numel() * sum(bool(w) for w in wanted[:2])
            self.products.append((func, tuple(_like(a) if isinstance(a, Tensor) else a for a in args)))
        return result

    def replay(self) -> Callable[[], None]:
        """Return a function that does the noted products and nothing else: same shapes, strides and order.

        Every product has operands of its own, so that no more of them lies in the cache than in training; the results
        of matrix products too, while a convolution makes its own.
        """
        made: list[Callable[[], object]] = []
        for func, args in self.products:
            options = {"out": torch.matmul(*args)} if func is torch.matmul else {}
            made.append(functools.partial(func, *args, **options))

        def run() -> None:
            for product in made:
                product()

        return run


def _like(tensor: Tensor) -> Tensor:
    """Return random values that lie in memory as those of ``tensor`` do."""
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return torch.randn(last + 1).as_strided(tensor.shape, tensor.stride())
