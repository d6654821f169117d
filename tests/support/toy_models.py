"""Tiny models that train in milliseconds, for tests of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.errors import CapabilityError
from gensynth.model import (
    Batch,
    ColumnLayout,
    Fit,
    GenerativeModel,
    Layout,
    NumericSlot,
    Observed,
    Optimizer,
    Phase,
    Recipe,
    Score,
    Stage,
)
from gensynth.nn.tabular.categorical_slots import CategoricalSlots


def toy_layout(n_rows: int = 100, cardinalities: tuple[int, ...] = (4, 3)) -> Layout:
    """A layout of columns of codes, one number beside the first column's codes 1 and above."""
    columns = []
    for i, k in enumerate(cardinalities):
        frequencies = (0.0, *([1 / (k - 1)] * (k - 1)))
        slot = NumericSlot(0, range(1, k), "within_bin") if i == 0 else None
        columns.append(ColumnLayout(f"c{i}", frequencies, numeric=slot))
    return Layout(tuple(columns), n_rows)


def toy_batch(n: int = 100, cardinalities: tuple[int, ...] = (4, 3), seed: int = 0) -> Batch:
    """Random rows that fit `toy_layout`; code 1 stands twice as often as the others."""
    rng = torch.Generator().manual_seed(seed)
    codes = torch.stack([torch.randint(0, k, (n,), generator=rng).clamp(min=1) for k in cardinalities], 1)
    return Batch(torch.rand(n, 1, generator=rng), codes)


class ToyModel(GenerativeModel):
    """Independent columns over a hidden layer with dropout; two stages when ``two_stages``."""

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "half")
    mean: Tensor

    def __init__(self, layout: Layout, width: int = 8, dropout: float = 0.3, two_stages: bool = False) -> None:
        super().__init__(layout)
        self.code_slots = CategoricalSlots(layout)
        self.two_stages = two_stages
        self.hidden = nn.Sequential(nn.Linear(1, width), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(width, self.code_slots.n_slots)
        self.extra = nn.Parameter(torch.zeros(()))
        self.register_buffer("mean", torch.zeros(()))

    def logits(self, n: int) -> Tensor:
        one = torch.ones(n, 1, device=self.extra.device, dtype=self.extra.dtype)
        logits: Tensor = self.head(self.hidden(one))
        return logits

    def log_likelihood(self, batch: Batch) -> Tensor:
        return self.code_slots.log_likelihood(self.logits(len(batch)), batch.codes).sum(-1)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        noise = torch.randn((), generator=rng, device=self.extra.device, dtype=self.extra.dtype)
        return -self.log_likelihood(batch) * (1 + 0.01 * noise)

    def extra_loss(self, batch: Batch, rng: Generator) -> Tensor:
        return ((self.extra - batch.numeric) ** 2).sum(1)

    def fit_mean(self, batch: Batch, rng: Generator) -> None:
        self.mean.copy_(batch.numeric.mean())

    def stages(self) -> tuple[Stage | Fit, ...]:
        net = (*self.hidden.parameters(), *self.head.parameters())
        first = Stage("codes", (Phase("likelihood", net, self.loss, Optimizer(1e-2)),), ema_decay=0.9)
        if not self.two_stages:
            return (first,)
        return first, Fit("mean", self.fit_mean), Stage("extra", (Phase("square", (self.extra,), self.extra_loss),))

    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        codes = self.code_slots.sample(self.logits(n), rng)
        d = self.layout.n_numeric
        numeric = torch.rand(n, d, generator=rng, device=codes.device, dtype=self.extra.dtype)
        for position, column in enumerate(self.layout.columns):
            if column.numeric is not None:
                numeric[:, column.numeric.index] *= column.numeric.beside(codes[:, position])
        drawn = Batch(numeric, codes)
        if observed is None:
            return drawn
        if observed.impute:
            raise CapabilityError("this model cannot fill in missing cells")
        return observed.put_into(drawn, self.layout)

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        return Score(self.log_likelihood(batch) * (0.5 if method == "half" else 1.0))


@dataclass(eq=False)
class Toy(Recipe):
    """Recipe of `ToyModel`."""

    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "score"})
    score_methods: ClassVar[tuple[str, ...]] = ToyModel.score_methods
    width: int = 8
    dropout: float = 0.3
    two_stages: bool = False
    sizes: tuple[int, ...] = field(default=(8, 8))

    def build(self, layout: Layout) -> ToyModel:
        return ToyModel(layout, self.width, self.dropout, self.two_stages)
